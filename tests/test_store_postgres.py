"""The index in PostgreSQL: who may open it and how, servers that are away or come back, and what no message says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from feeds.errors import StoreError
from feeds.model import ArticleQuery, Choice, Kind, Slice, State
from feeds.store.base import Store
from feeds.store.sql import index_exists, open_store

from .builders import DAY, NOON, good, outcome, refresh, titles
from .postgres import Postgres
from .processes import free_port, wait_for

LATER = NOON + DAY
WITHOUT_DRIVER = """
import sys
sys.modules["psycopg"] = None  # what an import finds where it is not installed
from feeds.store.sql import open_store
try:
    open_store("postgresql://me:s3cret@host/db?password=s3cret")
except Exception as error:
    print(type(error).__name__, error)
"""

# A process that opens an index and forks; its child reads first.
FORKER = """
import os, sys
from datetime import UTC, datetime
from feeds.store.sql import open_store

store = open_store(sys.argv[1])
if os.fork() == 0:
    with store.reading(datetime(2024, 5, 17, 12, tzinfo=UTC)) as view:
        print(view.state().revision, flush=True)
    os._exit(0)
assert os.wait()[1] == 0
for _ in range(3):
    with store.reading(datetime(2024, 5, 17, 12, tzinfo=UTC)) as view:
        print(view.state().revision, flush=True)
store.close()
"""


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The URL of a database with an empty index."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def bare(postgres: Postgres) -> Iterator[str]:
    """The URL of a database without any table."""
    with postgres.database("template0") as url:
        yield url


def name(url: str) -> str:
    """Return the name of a database."""
    return url.partition("?")[0].rpartition("/")[2]


def test_nodes_that_start_at_once_make_one_index(bare: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(open_store, [bare] * 8))
    refresh(opened[0], NOON, good())

    assert [titles(store, NOON) for store in opened] == [["Title of a"]] * 8
    for store in opened:
        store.close()


def test_index_exists_once_it_was_opened(bare: str) -> None:
    assert not index_exists(bare)
    open_store(bare).close()
    assert index_exists(bare)


def test_reader_needs_no_right_but_to_read(postgres: Postgres, database: str, store: Store) -> None:
    refresh(store, NOON, good(title="Word"))
    with postgres.connect(name(database)) as control:
        control.execute("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    try:
        reader = open_store(database.replace("postgres:@", "reader:@"))
        with reader.reading(NOON) as view:
            assert [listed.article.title for listed in view.slice(Slice(sought="word"), 10)] == ["Word"]
        with pytest.raises(StoreError, match="permission denied"):
            refresh(reader, LATER, good("b"))
        reader.close()
    finally:
        with postgres.connect(name(database)) as control:
            control.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_connections_that_the_server_ended_are_made_anew(postgres: Postgres, store: Store) -> None:
    refresh(store, NOON, good())
    assert titles(store, NOON) == ["Title of a"]
    with postgres.connect("postgres") as control:
        control.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'feeds'")

    assert titles(store, NOON) == ["Title of a"]


def test_process_that_forks_shares_no_connection_with_its_child(postgres: Postgres, database: str, store: Store) -> None:
    refresh(store, NOON, good())
    store.close()
    with postgres.connect("postgres") as control:
        counting = "SELECT sessions FROM pg_stat_database WHERE datname = %s"
        found = subprocess.run([sys.executable, "-c", FORKER, database], capture_output=True, text=True, check=True)
        assert found.stdout == "1\n" * 4

        def sessions() -> int:
            return int(control.execute(counting, (name(database),)).fetchone()[0])  # type: ignore[index] # there is one

        # The store's, and one of each process.
        wait_for(lambda: sessions() >= 3)


@pytest.mark.parametrize("opener", [open_store, index_exists])
def test_server_that_is_not_there_is_an_error_without_the_password(opener: object) -> None:
    with pytest.raises(StoreError) as error:
        opener(f"postgresql://me:s3cret@127.0.0.1:{free_port()}/db?password=s3cret")  # type: ignore[operator] # one of two functions

    assert str(error.value).startswith("postgresql://me@127.0.0.1:")
    assert "refused" in str(error.value)
    assert "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_database_that_is_not_there_is_an_error(database: str) -> None:
    with pytest.raises(StoreError, match='database "gone" does not exist'):
        open_store(database.replace(name(database), "gone"))


def test_url_that_cannot_be_read_is_an_error_without_the_password() -> None:
    with pytest.raises(StoreError) as error:
        open_store("postgresql://me:s3cret@host:port/db")

    assert "s3cret" not in str(error.value)


def test_without_the_driver_the_error_says_what_to_install() -> None:
    found = subprocess.run([sys.executable, "-c", WITHOUT_DRIVER], capture_output=True, text=True, check=True)

    assert found.stdout == "StoreError postgresql://me@host/db: needs psycopg; install it with: pip install 'psycopg[binary]>=3.2'\n"


def test_question_with_a_character_that_no_text_has_finds_nothing(store: Store) -> None:
    refresh(store, NOON, good())
    with store.reading(NOON) as view:
        assert view.collection(Kind.TOPIC, "a\0i") is None
        assert view.slug_for(Kind.TOPIC, "a\0i") is None
        assert view.articles(ArticleQuery(Kind.TOPIC, "a\0i")) == ()


def test_path_and_words_of_any_length_are_indexed(store: Store) -> None:
    folders = "/".join(f"{number:0200x}" for number in range(900, 918))
    word = "".join(Random(1).choices("абвгдежзиклмнопрстуфхцчшщ", k=9000))  # noqa: S311 - so that it can't be compressed
    refresh(store, NOON, good("a", path=f"{folders}/a.md", excerpt=word), outcome(f"{folders}/b.md"))

    with store.refreshing(LATER) as refreshing:
        assert refreshing.known_files() == {(f"{folders}/{file}", 1, 1) for file in ("a.md", "b.md")}
        refreshing.abandon()
    with store.reading(NOON) as view:
        assert len(view.slice(Slice(sought=word[:100]), 10)) == 1
        assert view.counts()[State.SHOWN] == 1


def test_article_of_more_words_than_the_database_takes_is_found_by_its_collections_and_first_words(store: Store) -> None:
    words = " ".join(f"{number:064x}" for number in range(16_000))  # each as long as words are
    refresh(store, NOON, good("a", excerpt=words, topics=tuple(f"Topic {number}" for number in range(1, 1000))))

    with store.reading(NOON) as view:
        for part in (Slice((Choice(Kind.TOPIC, "topic-999"),), sought=f"{0:064x}"), Slice(sought=f"{1000:064x}")):
            assert len(view.slice(part, 10)) == 1
        assert view.slice(Slice(sought=f"{15_999:064x}"), 10) == ()


def test_index_with_words_in_arrays_is_brought_up_to_date(postgres: Postgres, database: str, store: Store) -> None:
    refresh(store, NOON, good("a", topics=("AI",)), good("b", topics=("Law",)))
    with postgres.connect(name(database)) as control:
        for statement in (
            "DROP INDEX word_index",
            "ALTER TABLE article_words ALTER words TYPE text[] USING tsvector_to_array(words)",
            "UPDATE article_words SET words = ARRAY(SELECT word FROM unnest(words) AS word WHERE word NOT LIKE '#%')",
            "CREATE INDEX word_index ON article_words USING gin (words)",
            "UPDATE meta SET value = '4' WHERE name = 'version'",
        ):
            control.execute(statement)

    again = open_store(database)
    with again.reading(NOON) as view:
        assert [one.article.topics for one in view.slice(Slice((Choice(Kind.TOPIC, "ai"),), sought="title"), 10)] == [("AI",)]
    again.close()

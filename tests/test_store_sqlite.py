"""The index in an SQLite file: transactions, readers beside a writer, versions, and what can go wrong with a file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from feeds.errors import IndexBusyError, StoreError
from feeds.model import ArticleQuery, FileFacts, Kind, State, Takedown
from feeds.store.base import Refresh, Store
from feeds.store.sql import index_exists, open_store

from .builders import DAY, NOON, article, good, outcome, refresh, related, titles

LATER = NOON + DAY
FACTS = FileFacts(1, 1, b"digest")

# A process that starts a refresh, says so, and goes on when its standard input ends.
REFRESHER = """
import sys
from datetime import UTC, datetime
from feeds.store.sql import open_store

with open_store(sys.argv[1]).refreshing(datetime(2024, 5, 17, 12, tzinfo=UTC)) as refresh:
    refresh.finish("settings")
    print("refreshing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite3"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{file}")
    yield opened
    opened.close()


@pytest.fixture
def other(file: Path) -> Iterator[Store]:
    """Another store of the file of `store`, as another worker has it."""
    opened = open_store(f"sqlite:///{file}")
    yield opened
    opened.close()


def put(refreshing: Refresh, name: str) -> None:
    refreshing.put([(FACTS, good(name))])
    refreshing.finish("settings")


def test_abandoned_refresh_leaves_the_index_as_it_was(store: Store) -> None:
    refresh(store, NOON, good("a"))
    with store.refreshing(LATER) as refreshing:
        put(refreshing, "b")
        refreshing.abandon()

    assert titles(store, LATER) == ["Title of a"]
    with store.reading(LATER) as view:
        assert view.state().refreshed_at == NOON


def test_exception_in_a_refresh_undoes_it_and_comes_through(store: Store) -> None:
    def fail() -> None:
        with store.refreshing(LATER) as refreshing:
            put(refreshing, "b")
            raise KeyError

    refresh(store, NOON, good("a"))
    with pytest.raises(KeyError):
        fail()

    assert titles(store, LATER) == ["Title of a"]
    assert refresh(store, LATER, good("c"))


def test_reader_in_the_middle_of_a_refresh_sees_the_old_state_to_the_end(store: Store, other: Store) -> None:
    refresh(store, NOON, good("a"))
    with store.refreshing(LATER) as refreshing:
        put(refreshing, "b")
        refreshing.forget(["a.md"])
        refreshing.finish("settings")
        assert titles(store, LATER) == titles(other, LATER) == ["Title of a"]

    assert titles(store, LATER) == titles(other, LATER) == ["Title of b"]


def test_view_stays_as_it_was_while_a_refresh_commits(store: Store, other: Store) -> None:
    refresh(store, NOON, good("a"))
    with other.reading(LATER) as view:
        before = view.state()
        refresh(store, LATER, good("b"), gone=["a.md"])
        assert [one.article.title for one in view.articles(ArticleQuery())] == ["Title of a"]
        assert view.state() == before
        assert view.count(ArticleQuery()) == view.collection(Kind.ALL, "").article_count == 1  # type: ignore[union-attr] # it exists


def test_readers_in_many_threads_see_one_state_each(store: Store) -> None:
    refresh(store, NOON, good("a"), good("b"))

    def read(_: int) -> tuple[int, int]:
        with store.reading(LATER) as view:
            return view.count(ArticleQuery()), len(view.articles(ArticleQuery()))

    with ThreadPoolExecutor(4) as pool:
        seen = pool.map(read, range(40))
        for number in range(10):
            refresh(store, NOON, good(f"new {number}"))
        assert all(counted == listed for counted, listed in seen)


def test_second_refresh_in_another_thread_is_refused(store: Store) -> None:
    def refresh_too() -> None:
        with store.refreshing(NOON):
            pass

    with store.refreshing(NOON) as refreshing, ThreadPoolExecutor(1) as pool:
        with pytest.raises(IndexBusyError, match="another thread"):
            pool.submit(refresh_too).result()
        put(refreshing, "a")

    assert titles(store, NOON) == ["Title of a"]


def test_second_refresh_in_another_worker_is_refused_at_once(store: Store, other: Store) -> None:
    with store.refreshing(NOON) as refreshing:
        with pytest.raises(IndexBusyError, match="another process"), other.refreshing(NOON):
            pass
        put(refreshing, "a")

    assert refresh(other, LATER, good("b"))
    assert sorted(titles(store, LATER)) == ["Title of a", "Title of b"]


def test_refresh_of_another_process_refuses_ours_and_lets_readers_be(store: Store, file: Path) -> None:
    refresh(store, NOON, good("a"))
    with subprocess.Popen(
        [sys.executable, "-c", REFRESHER, f"sqlite:///{file}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "refreshing\n"
        with pytest.raises(IndexBusyError), store.refreshing(LATER):
            pass
        assert titles(store, LATER) == ["Title of a"]
        process.stdin.close()
        assert process.wait() == 0

    assert refresh(store, LATER, good("b"))


def test_refresh_of_a_killed_process_is_as_if_it_never_was(store: Store, file: Path) -> None:
    refresh(store, NOON, good("a"))
    with subprocess.Popen(
        [sys.executable, "-c", REFRESHER, f"sqlite:///{file}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()

    with store.reading(LATER) as view:
        assert view.state().revision == 1
    assert refresh(store, LATER, good("b"))


def test_worker_that_starts_during_a_refresh_can_read_at_once(store: Store, file: Path) -> None:
    refresh(store, NOON, good("a"))
    with store.refreshing(LATER) as refreshing:
        put(refreshing, "b")
        started = open_store(f"sqlite:///{file}")
        assert titles(started, LATER) == ["Title of a"]
        started.close()


def test_index_survives_its_process(store: Store, file: Path) -> None:
    refresh(store, NOON, good("a", related=(related(),)), good("b", published_at=LATER), outcome("c.md"))
    with store.reading(NOON) as view:
        before = (view.articles(ArticleQuery()), view.collections(Kind.TOPIC), view.state(), view.counts())
    store.close()

    again = open_store(f"sqlite:///{file}")
    with again.reading(NOON) as view:
        assert (view.articles(ArticleQuery()), view.collections(Kind.TOPIC), view.state(), view.counts()) == before
    again.close()


def test_index_in_memory_ends_with_its_store() -> None:
    for _ in range(2):
        store = open_store("sqlite://")
        assert titles(store, NOON) == []
        refresh(store, NOON, good())
        assert titles(store, NOON) == ["Title of a"]
        store.close()


def test_folder_of_the_index_is_made(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/new/folder/index.sqlite3").close()

    assert (tmp_path / "new" / "folder" / "index.sqlite3").is_file()


def test_index_exists_once_it_was_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/index.sqlite3"
    assert not index_exists(url)

    open_store(url).close()
    assert index_exists(url)
    assert not index_exists("sqlite://")


@pytest.mark.parametrize("opener", [open_store, index_exists])
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "is no database URL such as sqlite:///index.sqlite3"),
        ("index.sqlite3", "index.sqlite3: is no database URL such as sqlite:///index.sqlite3"),
        ("postgresql://host:port/db", "is no database URL"),
        ("mysql://host/db", "mysql://host/db: only sqlite:///PATH is supported"),
        ("sqlite://index.sqlite3", "only sqlite:///PATH is supported"),
        ("sqlite+aiosqlite:///index.sqlite3", "only sqlite:///PATH is supported"),
        ("sqlite:///index.sqlite3?mode=ro", "only sqlite:///PATH is supported"),
    ],
)
def test_url_that_is_not_supported_is_an_error(opener: Callable[[str], object], url: str, reason: str) -> None:
    with pytest.raises(StoreError) as error:
        opener(url)

    assert reason in str(error.value)


def test_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(StoreError) as error:
        open_store("mysql://me:secret@host/db")

    assert "secret" not in str(error.value)


def test_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="its folder can't be created"):
        open_store(f"sqlite:///{tmp_path}/file/index.sqlite3")


def test_folder_in_the_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open database file"):
        open_store(f"sqlite:///{tmp_path}")


def test_file_that_is_no_database_is_an_error_and_stays_as_it_is(file: Path) -> None:
    file.write_text("my diary\n" * 1000)

    with pytest.raises(StoreError, match="file is not a database"):
        open_store(f"sqlite:///{file}")
    assert file.read_text() == "my diary\n" * 1000


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE meta SET value = '999' WHERE name = 'version'", "the index has version 999, this program knows .*: update the program"),
        ("UPDATE meta SET value = 'new' WHERE name = 'version'", "has a version that can't be read"),
        ("UPDATE meta SET value = '-1' WHERE name = 'version'", "has a version that can't be read"),
        ("DELETE FROM meta WHERE name = 'version'", "has a version that can't be read"),
        ("ALTER TABLE meta DROP COLUMN value", "no such column"),
    ],
)
def test_version_that_is_later_or_unreadable_is_an_error_and_nothing_is_touched(
    store: Store, file: Path, statement: str, reason: str
) -> None:
    refresh(store, NOON, good())
    store.close()
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    connection.close()

    before = file.read_bytes()
    with pytest.raises(StoreError, match=reason):
        open_store(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_index_that_breaks_while_it_is_open_is_an_error(store: Store, file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE files")
    connection.close()

    with pytest.raises(StoreError, match="no such table"), store.reading(NOON) as view:
        view.counts()
    with pytest.raises(StoreError, match="no such table"):
        refresh(store, NOON, good())


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("index.sqlite3*")))


@pytest.mark.parametrize("way", ["draft", "removed", "deleted file", "scheduled and withdrawn"])
def test_what_was_taken_down_is_in_no_byte_of_the_index(store: Store, file: Path, way: str) -> None:
    """Neither in free pages nor in the write-ahead log."""
    published_at = NOON + 2 * DAY if way == "scheduled and withdrawn" else NOON
    filling = [good(f"filling {number}", content_html="x" * 5000) for number in range(20)]
    secret = good("a", title="Swordfish", content_html="swordfish " * 2000, topics=("Swordfishing",), published_at=published_at)
    refresh(store, NOON, *filling, secret)
    assert b"swordfish" in bytes_of(file.parent)

    takedown = Takedown.FILE if way == "draft" else Takedown.IDENTITY
    if way in ("draft", "removed"):
        refresh(store, LATER, outcome("a.md", state=State.HIDDEN, takedown=takedown, id=article().id))
    else:
        refresh(store, LATER, gone=["a.md"])
    left = bytes_of(file.parent).lower()
    if published_at == NOON:
        left = left.replace(b"swordfishing", b"")  # the topic was shown, and stays
    assert b"swordfish" not in left


def test_text_that_was_edited_away_is_in_no_byte_of_the_index(store: Store, file: Path) -> None:
    refresh(store, NOON, good("a", content_html="swordfish " * 2000))
    refresh(store, LATER, good("a", content_html="herring"))

    assert b"swordfish" not in bytes_of(file.parent)


def test_takedown_does_not_wait_for_a_reader_and_the_next_refresh_clears_the_log(store: Store, other: Store, file: Path) -> None:
    refresh(store, NOON, good("a", title="Swordfish"))
    with other.reading(NOON) as view:
        view.state()
        refresh(store, LATER, gone=["a.md"])
        assert [one.article.title for one in view.articles(ArticleQuery())] == ["Swordfish"]
    refresh(store, LATER + timedelta(hours=1))

    assert b"Swordfish" not in bytes_of(file.parent)

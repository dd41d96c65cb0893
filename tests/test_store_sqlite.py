"""The index in an SQLite file: where it is, versions, what is left in it, and what can go wrong with a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from feeds.errors import IndexDamagedError, StoreError
from feeds.model import ArticleQuery, Choice, FileFacts, Kind, Outcome, Slice, State, Takedown
from feeds.store.base import Refresh, Store
from feeds.store.prepared import prepare
from feeds.store.sql import index_exists, open_store

from .builders import DAY, NOON, article, good, outcome, refresh, titles

LATER = NOON + DAY


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite3"


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
        ("mysql://host/db", "mysql: is neither sqlite:///PATH nor postgresql://USER@HOST/DATABASE"),
        ("sqlite://index.sqlite3", "only sqlite:///PATH is supported"),
        ("sqlite+aiosqlite:///index.sqlite3", "sqlite+aiosqlite: is neither"),
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


def test_file_that_is_no_database_is_an_error_to_who_reads_and_stays_as_it_is(file: Path) -> None:
    file.write_text("my diary\n" * 1000)
    opened = open_store(f"sqlite:///{file}")

    with pytest.raises(IndexDamagedError, match="file is not a database"):
        titles(opened, NOON)
    opened.close()
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


def test_index_of_the_first_versions_is_brought_up_to_date_with_all_that_it_keeps(store: Store, file: Path) -> None:
    refresh(store, NOON, good("a"), good("b"))
    refresh(store, LATER, good("c"))
    with store.reading(LATER) as view:
        before = view.articles(ArticleQuery()), view.collections(Kind.TOPIC), view.months(Kind.TOPIC, "ai"), view.listings()
    store.close()
    with sqlite3.connect(file) as connection:
        connection.executescript(
            """
            ALTER TABLE articles ADD COLUMN payload BLOB;
            UPDATE articles SET payload = (SELECT payload FROM payloads WHERE payloads.id = articles.id);
            DROP TABLE payloads;
            DROP TABLE months;
            ALTER TABLE collections DROP COLUMN shown;
            DROP INDEX ix_articles_shown_until;
            INSERT INTO word_index(word_index, rowid, words)
                SELECT 'delete', article_id, group_concat('#' || collection_id, ' ') FROM memberships GROUP BY article_id;
            UPDATE meta SET value = '1' WHERE name = 'version';
            """
        )
    connection.close()

    migrated = open_store(f"sqlite:///{file}")
    with migrated.reading(LATER) as view:
        found = view.articles(ArticleQuery()), view.collections(Kind.TOPIC), view.months(Kind.TOPIC, "ai"), view.listings()
        assert found == before
        assert len(view.slice(Slice((Choice(Kind.TOPIC, "ai"),), sought="title"), 10)) == 3
    migrated.close()


def test_index_that_breaks_while_it_is_open_is_an_error(store: Store, file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE files")
    connection.close()

    with pytest.raises(StoreError, match="no such table"), store.reading(NOON) as view:
        view.counts()
    with pytest.raises(StoreError, match="no such table"):
        refresh(store, NOON, good())


def test_reader_of_an_index_that_was_deleted_says_so_and_makes_none(store: Store, file: Path) -> None:
    refresh(store, NOON, good())
    assert titles(store, NOON) == ["Title of a"]
    file.unlink()

    with pytest.raises(StoreError, match="is not there"):
        titles(store, NOON)
    assert not file.exists()


def test_refresh_of_an_index_that_was_deleted_makes_another_which_readers_turn_to(store: Store, file: Path) -> None:
    reader = open_store(f"sqlite:///{file}")
    refresh(store, NOON, good())
    assert titles(reader, NOON) == ["Title of a"]
    for path in file.parent.glob("index.sqlite3*"):
        path.unlink()

    refresh(store, LATER, good("b"))
    assert titles(reader, LATER) == ["Title of b"]
    assert index_exists(f"sqlite:///{file}")
    reader.close()


def test_index_that_another_file_replaced_is_read_and_refreshed_there(store: Store, file: Path, tmp_path: Path) -> None:
    refresh(store, NOON, good())
    assert titles(store, NOON) == ["Title of a"]
    other = open_store(f"sqlite:///{tmp_path}/other.sqlite3")
    refresh(other, NOON, good("b"))
    other.close()
    (tmp_path / "other.sqlite3").rename(file)

    assert titles(store, NOON) == ["Title of b"]
    refresh(store, LATER, good("c"))
    again = open_store(f"sqlite:///{file}")
    assert sorted(titles(again, LATER)) == ["Title of b", "Title of c"]
    again.close()


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


def test_takedown_does_not_wait_for_a_reader_and_the_next_refresh_clears_the_log(store: Store, file: Path) -> None:
    other = open_store(f"sqlite:///{file}")
    refresh(store, NOON, good("a", title="Swordfish"))
    with other.reading(NOON) as view:
        view.state()
        refresh(store, LATER, gone=["a.md"])
        assert [one.article.title for one in view.articles(ArticleQuery())] == ["Swordfish"]
    other.close()
    refresh(store, LATER + timedelta(hours=1))

    assert b"Swordfish" not in bytes_of(file.parent)


@pytest.mark.parametrize(
    "now", [outcome("a.md", state=State.HIDDEN, takedown=Takedown.FILE), good(title="Edited")], ids=["hidden", "edited"]
)
def test_words_of_what_was_taken_down_are_not_in_the_files_of_the_index(store: Store, tmp_path: Path, now: Outcome) -> None:
    refresh(store, NOON, good(title="Xylophonically speaking"), good("b"))
    refresh(store, NOON, now)

    assert not any(b"xylophonic" in file.read_bytes().lower() for file in tmp_path.glob("index.sqlite3*"))


@pytest.mark.parametrize("end", [Refresh.abandon, Refresh.article_count, partial(Refresh.finish, fingerprint=None)])
def test_first_filling_ends_with_every_index_however_it_ends(store: Store, file: Path, end: Callable[[Refresh], object]) -> None:
    def indexes() -> set[str]:
        with closing(sqlite3.connect(file)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")}

    made = indexes()
    assert "ix_files_path" in made
    with store.refreshing(NOON) as filling:
        filling.put([(FileFacts(1, 1, b"x"), prepare(good()))])
        end(filling)
    assert indexes() == made

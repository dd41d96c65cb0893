"""The first filling of an index file: beside it, for nobody to see, and in its place at one stroke."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feeds.errors import IndexBusyError, StoreError
from feeds.model import FileFacts
from feeds.store import mending
from feeds.store.base import Refresh, Store
from feeds.store.prepared import prepare
from feeds.store.sql import open_store

from .builders import NOON, good, refresh, titles


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite3"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{file}")
    yield opened
    opened.close()


def fill(refreshing: Refresh) -> None:
    refreshing.put([(FileFacts(1, 1, b"x"), prepare(good()))])
    refreshing.finish("settings")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm")))


def test_reader_sees_nothing_of_it_and_then_all(store: Store, file: Path) -> None:
    with closing(sqlite3.connect(file)) as onlooker, store.refreshing(NOON) as refreshing:
        fill(refreshing)
        assert onlooker.execute("SELECT count(*) FROM articles").fetchone() == (0,)
        assert titles(store, NOON) == []
        assert "index.sqlite3.filling" in names(file.parent)
    assert titles(store, NOON) == ["Title of a"]
    assert names(file.parent) == ["index.sqlite3"]


def test_nobody_else_fills_it_meanwhile(store: Store, file: Path) -> None:
    other = open_store(f"sqlite:///{file}")
    with store.refreshing(NOON) as refreshing:
        fill(refreshing)
        with pytest.raises(IndexBusyError), other.refreshing(NOON):
            pass
    assert titles(other, NOON) == ["Title of a"]
    other.close()


def give_up(store: Store) -> None:
    with store.refreshing(NOON) as refreshing:
        fill(refreshing)
        raise StoreError("enough")


def test_what_is_given_up_leaves_nothing(store: Store, file: Path) -> None:
    with pytest.raises(StoreError, match="enough"):
        give_up(store)
    with store.refreshing(NOON) as refreshing:
        fill(refreshing)
        refreshing.abandon()
    assert titles(store, NOON) == []
    assert names(file.parent) == ["index.sqlite3"]


def test_what_is_left_of_who_was_killed_at_it_is_removed(store: Store, file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}.filling{suffix}").write_bytes(b"no database")
    refresh(store, NOON, good())
    assert titles(store, NOON) == ["Title of a"]
    assert [path.name for path in file.parent.glob("*.filling*")] == []


def test_it_is_an_index_like_any_other(store: Store, file: Path) -> None:
    file.chmod(0o640)
    refresh(store, NOON, good())
    refresh(store, NOON, good("b.md", path="b"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_word_that_the_one_before_was_damaged_goes_with_it(store: Store, file: Path) -> None:
    with store.refreshing(NOON) as refreshing:
        mending.note(file, "a broken page")
        fill(refreshing)
    assert names(file.parent) == ["index.sqlite3"]


def test_link_to_an_index_stays_one(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "index.sqlite3"
    link.symlink_to(tmp_path / "disk" / "index.sqlite3")
    store = open_store(f"sqlite:///{link}")
    refresh(store, NOON, good())
    assert titles(store, NOON) == ["Title of a"]
    store.close()
    assert link.is_symlink()
    assert names(tmp_path / "disk") == ["index.sqlite3"]


def test_without_room_beside_the_index_is_filled_where_it_is(store: Store, file: Path) -> None:
    file.with_name("index.sqlite3.filling").mkdir()
    refresh(store, NOON, good())
    assert titles(store, NOON) == ["Title of a"]


def lose(store: Store, new: Path) -> None:
    with store.refreshing(NOON) as refreshing:
        fill(refreshing)
        new.unlink()


def test_new_file_that_cannot_take_the_place_is_an_error(store: Store, file: Path) -> None:
    with pytest.raises(StoreError, match=r"index\.sqlite3: can't be replaced by what was filled: No such file or directory"):
        lose(store, file.with_name("index.sqlite3.filling"))
    assert titles(store, NOON) == []

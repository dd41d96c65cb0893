"""How far somebody outside follows the index: kept across restarts and refreshes, and compared with how far the index is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from feeds.model import Kind
from feeds.store.base import Mark, Store
from feeds.store.sql import open_store

from .builders import NOON, good, refresh

SECOND = timedelta(seconds=1)
MARK = Mark("token", {(Kind.ALL, ""): NOON, (Kind.TOPIC, "ai"): NOON - SECOND})


def mark(store: Store, holder: str = "hub") -> Mark | None:
    with store.reading(NOON) as view:
        return view.mark(holder)


def test_mark_that_was_never_kept_is_none(store: Store) -> None:
    assert mark(store) is None


@pytest.mark.every_database
def test_mark_is_kept_for_its_holder_until_the_next(store: Store) -> None:
    store.keep_mark("hub", Mark("before", {}))
    store.keep_mark("hub", MARK)
    store.keep_mark("tree", Mark("other", {}))
    assert (mark(store), mark(store, "tree")) == (MARK, Mark("other", {}))


@pytest.mark.every_database
def test_mark_survives_a_refresh_and_a_restart(store: Store, database: str) -> None:
    store.keep_mark("hub", MARK)
    refresh(store, NOON, good())
    again = open_store(database)
    assert mark(again) == MARK
    again.close()


def test_index_of_the_first_version_gets_marks_and_loses_nothing(store: Store, tmp_path: Path) -> None:
    refresh(store, NOON, good())
    store.close()
    path = tmp_path / "index.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE marks")
        connection.execute("UPDATE meta SET value = '1' WHERE name = 'version'")
    again = open_store(f"sqlite:///{path}")
    again.keep_mark("hub", MARK)
    with again.reading(NOON) as view:
        assert (view.mark("hub"), view.state().revision) == (MARK, 1)
    again.close()


@pytest.mark.every_database
def test_modification_times_are_those_of_every_collection(store: Store) -> None:
    refresh(store, NOON, good("a", topics=("AI",)), good("b", topics=("Law",), published_at=NOON + SECOND))
    refresh(store, NOON + 5 * SECOND, good("c", topics=("AI",)))
    for now in (NOON + 5 * SECOND, NOON + 60 * SECOND):
        with store.reading(now) as view:
            times = view.modification_times()
            assert {(kind, found.slug) for kind in Kind for found in view.collections(kind)} == times.keys()
            assert times == {(kind, slug): view.modified_at(kind, slug) for kind, slug in times}
            assert times[Kind.TOPIC, "ai"] == NOON + 5 * SECOND

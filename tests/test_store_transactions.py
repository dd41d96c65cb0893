"""Transactions of the index: readers beside a writer, one refresh at a time, whoever is killed meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from feeds.errors import IndexBusyError
from feeds.model import ArticleQuery, FileFacts, Kind
from feeds.store.base import Refresh, Store
from feeds.store.prepared import prepare
from feeds.store.sql import open_store

from .builders import DAY, NOON, good, outcome, refresh, related, titles

pytestmark = pytest.mark.every_database

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
def other(database: str) -> Iterator[Store]:
    """Another store of the database of `store`, as another worker has it."""
    opened = open_store(database)
    yield opened
    opened.close()


def put(refreshing: Refresh, name: str) -> None:
    refreshing.put([(FACTS, prepare(good(name)))])
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


def test_refresh_of_another_process_refuses_ours_and_lets_readers_be(store: Store, database: str) -> None:
    refresh(store, NOON, good("a"))
    with subprocess.Popen([sys.executable, "-c", REFRESHER, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "refreshing\n"
        with pytest.raises(IndexBusyError), store.refreshing(LATER):
            pass
        assert titles(store, LATER) == ["Title of a"]
        process.stdin.close()
        assert process.wait() == 0

    assert refresh(store, LATER, good("b"))


def test_refresh_of_a_killed_process_is_as_if_it_never_was(store: Store, database: str) -> None:
    refresh(store, NOON, good("a"))
    with subprocess.Popen([sys.executable, "-c", REFRESHER, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()

    with store.reading(LATER) as view:
        assert view.state().revision == 1
    assert refresh(store, LATER, good("b"))


def test_worker_that_starts_during_a_refresh_can_read_at_once(store: Store, database: str) -> None:
    refresh(store, NOON, good("a"))
    with store.refreshing(LATER) as refreshing:
        put(refreshing, "b")
        started = open_store(database)
        assert titles(started, LATER) == ["Title of a"]
        started.close()


def test_index_survives_its_process(store: Store, database: str) -> None:
    refresh(store, NOON, good("a", related=(related(),)), good("b", published_at=LATER), outcome("c.md"))
    with store.reading(NOON) as view:
        before = (view.articles(ArticleQuery()), view.collections(Kind.TOPIC), view.state(), view.counts())
    store.close()

    again = open_store(database)
    with again.reading(NOON) as view:
        assert (view.articles(ArticleQuery()), view.collections(Kind.TOPIC), view.state(), view.counts()) == before
    again.close()

"""Refreshes that are killed: a program that starts one after the other and kills most of them, each at a random moment.

`python -m tests.killing DATABASE CONTENT SEED` checks after each of them that the index is what it was or what it was to become, to the
last value, and that no process is left; and at the end that it is what an index is that nobody killed. It prints how many were done.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from feeds.errors import IndexBusyError
from feeds.keeping import IndexKeeper
from feeds.model import ArticleQuery, Kind
from feeds.store import mending
from feeds.store.base import Snapshot, Store
from feeds.store.sql import IN_MEMORY, open_store

from .builders import NOON, write_article

_FILES = 420  # enough for processes that read
_ROUNDS = 50
_COLD_ROUNDS = 5  # at most; the last of them may end
_DAMAGED_ROUNDS = 8  # more, where an index is a file
_MOVES = 20  # from one round that moves all files to the next
_PR_SET_CHILD_SUBREAPER = 36


def said(view: Snapshot) -> dict[str, Any]:
    """Return all that an index says."""
    return {
        "state": view.state(),
        "articles": view.articles(ArticleQuery(limit=None)),
        "collections": {kind: view.collections(kind) for kind in Kind},
        "counts": view.counts(),
        "reports": tuple(view.reports()),
        "listings": view.listings(),
        "modified": view.modification_times(),
    }


def ask(store: Store, now: datetime) -> dict[str, Any]:
    with store.reading(now) as view:
        return said(view)


class Killing:
    """An index, its folder, and another index in memory that nobody kills."""

    def __init__(self, database: str, content: Path, seed: int) -> None:
        self.database, self.content = database, content
        self.random = Random(seed)  # noqa: S311 - the same each time
        self.oracle = open_store(IN_MEMORY)
        self.now = NOON
        self.names = [f"all/{number}" for number in range(_FILES)]
        self.done = 0
        self.longest_seconds = {"all files": 0.3, "some files": 0.1, "damaged": 0.4}
        self.was_mended = False
        for name in self.names:
            write_article(content, name, topics=[f"Topic {self.random.randrange(9)}"])

    def refresh(self, store: Store) -> None:
        IndexKeeper(store).refresh(self.content, "settings", self.now)

    def round(self, kind: str) -> bool:
        """Refresh in a process of its own and kill it; return whether it was done by then.

        How long it takes at most depends on the machine, and is found out on the way: about half of them are done.
        """
        self.now += timedelta(minutes=1)
        process = os.fork()
        if process == 0:
            os.setsid()
            with closing(open_store(self.database)) as store:
                self.refresh(store)
            os._exit(0)
        time.sleep(self.random.uniform(0, self.longest_seconds[kind]))
        kill: Callable[[int, int], None] = self.random.choice((os.kill, os.killpg))
        with suppress(ProcessLookupError):
            kill(process, signal.SIGKILL)
        self.see_them_end(process)
        with closing(open_store(self.database)) as store:
            self.wait_for_the_lock(store)
            before = self.compared(ask(self.oracle, self.now))
            if (found := self.compared(ask(store, self.now))) == before:
                self.longest_seconds[kind] *= 1.2
                return False
            self.refresh(self.oracle)
            expected = self.compared(ask(self.oracle, self.now))
            assert found == expected, difference(found, expected, before)
        self.done += 1
        self.longest_seconds[kind] /= 1.2
        return True

    def compared(self, said: dict[str, Any]) -> dict[str, Any]:
        """Return what an index that nobody killed says as well: one that was made anew counts its changes in its own way."""
        return {name: value for name, value in said.items() if not self.was_mended or name not in ("state", "modified", "collections")}

    def see_them_end(self, group: int) -> None:
        """Wait for all processes of the group: those that read have to end by themselves."""
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        with suppress(ProcessLookupError):
            os.killpg(group, 0)
            raise AssertionError("a process is left")

    def wait_for_the_lock(self, store: Store) -> None:
        """Wait until a database server has noticed that its client is gone."""
        for _ in range(1000):
            with suppress(IndexBusyError), store.refreshing(self.now) as refresh:
                refresh.abandon()
                return
            time.sleep(0.01)

    def change(self, number: int) -> None:
        """Add, edit, break, take down, delete and rename files."""
        for _ in range(3):
            self.names.append(f"new/{number}-{len(self.names)}")
            write_article(self.content, self.names[-1], topics=["New"])
        for change in ({"title": f"Edited {number}"}, {"publishedDateTime": "yesterday"}, {"removed": True}, {"topics": ["Other"]}):
            name = self.random.choice(self.names)
            write_article(self.content, name, **{"webUrl": f"https://news.example.com/{name}"} | change)
        gone = self.names.pop(self.random.randrange(len(self.names)))
        (self.content / f"{gone}.md").unlink()
        if number % _MOVES == 0:
            (self.content / "all").rename(self.content / "moved")
            shutil.copytree(self.content / "moved", self.content / "all")
            shutil.rmtree(self.content / "moved")

    def rounds(self) -> Iterator[bool]:
        for _ in range(_COLD_ROUNDS):
            if self.round("all files"):
                break
            yield False
        for number in range(_ROUNDS - _COLD_ROUNDS):
            self.change(number)
            yield self.round("some files" if number % _MOVES else "all files")
        if self.database.startswith("sqlite"):
            self.was_mended = True
            for number in range(_DAMAGED_ROUNDS):
                mending.note(Path(self.database.removeprefix("sqlite:///")), "a broken page")
                self.change(number + 1)
                yield self.round("damaged")


def difference(found: dict[str, Any], expected: dict[str, Any], before: dict[str, Any]) -> str:
    """Return in what an index differs from what it should say, and what it said before."""
    told = []
    for name, value in found.items():
        if value != expected[name]:
            has, wants = (set(map(repr, each.items() if isinstance(each, dict) else (each,))) for each in (value, expected[name]))
            if isinstance(value, tuple):
                has, wants = set(map(repr, value)), set(map(repr, expected[name]))
            told.append(f"{name}: has {sorted(has - wants)}, wants {sorted(wants - has)}; same as before: {value == before[name]}")
    return "\n".join(told)


def main(database: str, content: Path, seed: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # whoever loses its parent is ours, and waited for
    killing = Killing(database, content, seed)
    killed = sum(not done for done in killing.rounds())
    killing.now += timedelta(minutes=1)
    with closing(open_store(database)) as store, closing(open_store(IN_MEMORY)) as fresh:
        for each in (store, killing.oracle, fresh):
            killing.refresh(each)
        found, expected, new = (killing.compared(ask(each, killing.now)) for each in (store, killing.oracle, fresh))
        assert found == expected, difference(found, expected, expected)
        assert found["counts"].keys() == new["counts"].keys()
        assert {one.article.id for one in new["articles"]} <= {one.article.id for one in found["articles"]}  # and last good versions
    print(f"{killed} killed, {killing.done} done")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))

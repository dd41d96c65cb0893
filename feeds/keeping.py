"""Keeping an index: bringing it up to date, and how it does. Knows content and index; knows no feed, so that it is imported quickly.

The moment is always an argument: nothing below asks the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from feeds.errors import FeedsError, IndexBusyError, IndexDamagedError, StoreError
from feeds.intake import HALF, Progress, RefreshResult, take_in, unheard
from feeds.model import EVERYTHING, FileReport, IndexState, Kind, State
from feeds.reading import Reader, reader_of
from feeds.store.base import Mark, Store

_MORE_TIMES = 3  # to refresh in a folder whose files are moved


class Health(msgspec.Struct, frozen=True, gc=False):
    """How an index does, and what a person should look at, though all that is good is served."""

    state: IndexState
    counts: Mapping[State, int]
    failure: str | None  # why the last refresh failed
    troubles: tuple[str, ...]  # what the last look through the whole folder could not look at
    refused: tuple[FileReport, ...]


class IndexKeeper:
    """What is done with an index whatever is served from it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def refresh(
        self,
        content: Path | Reader,
        fingerprint: str | None,
        now: datetime,
        listed: Mapping[str, int] | None = None,
        *,
        parts: tuple[str, ...] = EVERYTHING,
        may_lose: float = HALF,
        progress: Progress = unheard,
    ) -> RefreshResult:
        """Bring the index up to date with a folder, or with parts of it, all at once (see `intake.take_in`).

        What went wrong is kept for `health`, where the index can take it.

        `listed` is what an export knows of an earlier index (see `Refresh.remember`).

        Raises:
            FolderError: the folder can't be read; the index stays as it is.
            MassLossError: more articles would be gone than may be; the index stays as it is.
            IndexBusyError: somebody else does it right now.
            IndexDamagedError: it is damaged, and can't be made anew.
        """

        def once() -> RefreshResult:
            with self._store.refreshing(now) as refresh:
                if listed is not None:
                    refresh.remember(listed)
                return take_in(refresh, reader_of(content), fingerprint, parts=parts, may_lose=may_lose, progress=progress)

        try:
            try:
                return once()
            except IndexDamagedError:
                return once()  # now that it is known, it is made anew
        except (IndexBusyError, IndexDamagedError):
            raise
        except FeedsError as error:
            with suppress(StoreError), self._store.refreshing(now) as refresh:  # an index that can't be written says so itself
                refresh.fail(str(error))
            raise

    def refresh_to_the_end(
        self,
        reader: Reader,
        fingerprint: str | None,
        now: datetime,
        listed: Mapping[str, int] | None = None,
        *,
        may_lose: float = HALF,
        progress: Progress = unheard,
    ) -> RefreshResult:
        """Do what `refresh` does with a whole folder, and again while files are moved meanwhile: nobody looks after a single command.

        Where they are moved all the time, what is gone is left to the next one.
        """
        result = self.refresh(reader, fingerprint, now, listed, may_lose=may_lose, progress=progress)
        for _ in range(_MORE_TIMES):
            if result.is_settled:
                break
            result = result.followed_by(self.refresh(reader, fingerprint, now, may_lose=may_lose, progress=progress))
        return result

    def state(self, now: datetime) -> IndexState:
        """Return where the index stands."""
        with self._store.reading(now) as view:
            return view.state()

    def health(self, now: datetime) -> Health:
        """Return how the index does, for its operators."""
        with self._store.reading(now) as view:
            return Health(view.state(), view.counts(), view.failure(), view.troubles(), view.refused())

    def modified_at(self, kind: Kind, slug: str, now: datetime) -> datetime | None:
        """Return when a collection last changed (see `Snapshot.modified_at`)."""
        with self._store.reading(now) as view:
            return view.modified_at(kind, slug)

    def modification_times(self, now: datetime) -> Mapping[tuple[Kind, str], datetime]:
        """Return when each collection last changed."""
        with self._store.reading(now) as view:
            return view.modification_times()

    def mark(self, holder: str, now: datetime) -> Mark | None:
        """Return how far somebody outside follows (see `Mark`)."""
        with self._store.reading(now) as view:
            return view.mark(holder)

    def keep_mark(self, holder: str, mark: Mark) -> None:
        """Keep how far somebody outside follows.

        Raises:
            IndexBusyError: a refresh keeps the index from being written.
        """
        self._store.keep_mark(holder, mark)

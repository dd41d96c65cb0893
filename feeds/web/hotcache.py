"""Answers kept ready, and given before the web framework wakes. Knows when an answer is still right; knows no route.

Most requests a feed service ever sees are polls for what has not changed. So an answer is made once, kept in bounded
memory with each of its encodings, and given by a thin WSGI layer in front of the application. When the index moves, an
answer keeps its place if its own collection did not change; while somebody makes the next one, others may get it still.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec

from feeds import paths
from feeds.errors import NotReadyError, StoreError
from feeds.model import IndexState, Kind
from feeds.service import FeedService
from feeds.web.answers import Answer
from feeds.web.requests import Spelling

_MAX_BYTES = 16 * 1024 * 1024  # of one worker
_MAX_SPELLINGS = 20_000  # of URLs: each is remembered with the answer it led to
_LONGEST_SPELLING = 600  # characters; longer ones are nobody's feed, and would be much memory
_GO_ON_SECONDS = 0.5  # after a moment, in which what was said in it may be said: a change is seen everywhere within a second
_GRACE_SECONDS = 10.0  # how long an answer may still be given that is right no more: what was taken down must go

_log = logging.getLogger("feeds")


class Subject(msgspec.Struct, frozen=True):
    """What an answer is about: it is right as long as nothing of this changes.

    `is_wide` is for answers that say something of other collections, too: they go with every change of the index.
    """

    key: str  # the canonical URL
    kind: Kind
    slug: str
    is_wide: bool = False


class _Entry(msgspec.Struct):
    subject: Subject
    answer: Answer
    state: IndexState  # for which the answer was last known to be right
    size: int = 0  # as counted
    was_used: bool = False


class Moment(msgspec.Struct, frozen=True):
    """What is known of the index from one look at its state to the next, and what is said in the meantime.

    Whatever is put into `said` has to be right in `state`. It goes with the moment, or half a second later at most (see `may_go_on`).
    """

    state: IndexState | None = None  # None: it was never seen
    until: float = float("-inf")  # on the clock of time.monotonic
    said: dict[Any, Any] = {}


class HotCache:
    """The answers of one worker."""

    def __init__(
        self,
        service: FeedService,
        clock: Callable[[], datetime],
        check_seconds: float,
        max_bytes: int = _MAX_BYTES,
        grace_seconds: float = _GRACE_SECONDS,
        *,
        go_on_seconds: float = _GO_ON_SECONDS,
    ) -> None:
        self._service = service
        self._clock = clock
        self._check_seconds = check_seconds
        self._max_bytes = max_bytes
        self._grace_seconds = grace_seconds
        self._go_on_seconds = go_on_seconds
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size = 0
        self._spellings: dict[Spelling, str] = {}
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._looker = ThreadPoolExecutor(1, "feeds-looker")  # it has no thread before it is needed
        self._is_sent_for = False  # the state of the index, by `may_go_on`
        self._making: dict[str, threading.Lock] = {}
        self.moment = Moment()  # what is known and said right now; once it is over, `state` begins the next
        self._past: dict[IndexState, float] = {}  # where it stood a moment ago, and until when
        self._trouble: str | None = None

    def state(self) -> IndexState:
        """Return where the index stands, as of a moment ago; while it is away, where it last stood.

        Raises:
            NotReadyError: nothing was ever indexed.
            StoreError: the index is away, and we never saw it.
        """
        moment = self.moment
        known = moment.state
        if known is not None and time.monotonic() < moment.until:
            return known
        if not self._looking.acquire(blocking=known is None):
            return known  # type: ignore[return-value] # not None here
        try:
            return self._look(known, self._clock())
        finally:
            self._looking.release()

    def may_go_on(self, moment: Moment) -> bool:
        """Return whether what was said in a moment that is over may still be said, while a thread of its own looks at the index.

        Nobody is kept waiting by that look, and whatever else is asked for does not keep it waiting either.
        """
        if time.monotonic() >= moment.until + self._go_on_seconds:
            return False
        if not self._is_sent_for:
            self._is_sent_for = True
            self._looker.submit(self._look_ahead)
        return True

    def _look_ahead(self) -> None:
        try:
            self.state()
        finally:
            self._is_sent_for = False

    def _look(self, known: IndexState | None, now: datetime) -> IndexState:
        """Look where the index stands; one at a time, because that takes seconds where a server does not even refuse."""
        try:
            state = self._service.state(now)
            if state.refreshed_at is None:
                raise NotReadyError
        except (StoreError, NotReadyError) as error:
            if known is None:
                raise
            if str(error) != self._trouble:
                _log.warning("the index is away, the last good answers go on being given: %s", error)
            state, self._trouble = known, str(error)
        else:
            if self._trouble is not None:
                _log.info("the index is here again")
            self._trouble = None
        looked_at, lasts = time.monotonic(), self._check_seconds
        if state.next_turn_at is not None and state.next_turn_at > now:
            lasts = min(lasts, (state.next_turn_at - now).total_seconds())
        if known is not None and known != state:
            self._past = {past: until for past, until in self._past.items() if until > looked_at - self._grace_seconds} | {known: looked_at}
        self.moment = Moment(state, looked_at + lasts)
        return state

    @property
    def next_turn_at(self) -> datetime | None:
        """Return when the index may say something else by itself, as of the last look at its state."""
        state = self.moment.state
        return None if state is None else state.next_turn_at

    @property
    def trouble(self) -> str | None:
        """Return why the index is away, as of the last look at its state; None while it is here."""
        return self._trouble

    def answer(self, subject: Subject, make: Callable[[], Answer], spelling: Spelling) -> Answer:
        """Return the answer for a subject, made by `make` unless it is at hand; once, however many ask for it.

        `spelling` is what `ready` will know the same request by.
        """
        try:
            with self._making.setdefault(subject.key, threading.Lock()):
                found = self._right(self._entries.get(subject.key))
                if found is None:
                    state = self.state()
                    found = _Entry(subject, make(), state)
                    self._keep(found)
        finally:
            self._making.pop(subject.key, None)
        if sum(map(len, spelling)) <= _LONGEST_SPELLING:
            if len(self._spellings) >= _MAX_SPELLINGS:
                self._spellings.clear()
            self._spellings[spelling] = subject.key
        return found.answer

    def at_hand(self, spelling: Spelling) -> Answer | None:
        """Return what `ready` does, where that needs no look at the index."""
        moment, entry = self.moment, self._entries.get(self._spellings.get(spelling, ""))
        if entry is None or entry.state != moment.state or time.monotonic() >= moment.until:
            return None
        entry.was_used = True
        return entry.answer

    def ready(self, spelling: Spelling) -> Answer | None:
        """Return the answer that a request of this spelling got before, if it is still right."""
        key = self._spellings.get(spelling)
        entry = None if key is None else self._right(self._entries.get(key))
        if entry is None:
            return None
        entry.was_used = True
        return entry.answer

    def weigh(self, spelling: Spelling) -> None:
        """Count in what the answer for a request of this spelling has taken since: its codings are made when they are asked for."""
        entry = self._entries.get(self._spellings.get(spelling, ""))
        if entry is not None and entry.size != entry.answer.size:
            self._keep(entry)

    def last(self, spelling: Spelling) -> Answer | None:
        """Return the answer that a request of this spelling got before, if it is right, or was a moment ago."""
        entry = self._entries.get(self._spellings.get(spelling, ""))
        return None if entry is None or not self._may_be_given(entry) else entry.answer

    def forget(self, spelling: Spelling, answer: Answer) -> None:
        """Give the answer for a request of this spelling no more: there was no other when it should have been renewed."""
        entry = self._entries.get(self._spellings.get(spelling, ""))
        if entry is not None and entry.answer is answer:
            self._spellings.pop(spelling, None)

    def _may_be_given(self, entry: _Entry) -> bool:
        return entry.state == self.moment.state or self._past.get(entry.state, 0.0) > time.monotonic() - self._grace_seconds

    def _right(self, entry: _Entry | None) -> _Entry | None:
        if entry is None:
            return None
        state = self.state()
        if entry.state is state or entry.state == state:
            return entry
        if entry.subject.is_wide or _month(entry.state) != _month(state):
            return None
        try:
            modified_at = self._service.modified_at(entry.subject.kind, entry.subject.slug, self._clock())
        except StoreError:
            return entry  # the last good answer
        if modified_at != entry.answer.modified_at:
            return None
        entry.state = state
        return entry

    def _keep(self, entry: _Entry) -> None:
        """Keep an answer, and let go of the oldest ones that nobody asked for since they were looked at last."""
        with self._lock:
            before = self._entries.pop(entry.subject.key, None)
            self._size -= 0 if before is None else before.size
            entry.size = entry.answer.size
            self._size += entry.size
            self._entries[entry.subject.key] = entry
            while self._size > self._max_bytes:
                key, oldest = next(iter(self._entries.items()))
                if oldest.was_used:
                    oldest.was_used = False
                    self._entries.move_to_end(key)
                else:
                    del self._entries[key]
                    self._size -= oldest.size


def _month(state: IndexState) -> paths.Period | None:
    return None if state.refreshed_at is None else paths.month(state.refreshed_at)

"""Keeps the index up to date while something is served. Knows when to look; knows neither files nor tables."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import watchfiles
from msgspec.structs import replace
from watchfiles import Change
from watchfiles.main import FileChange

from feeds.config import Config
from feeds.errors import FeedsError, IndexBusyError
from feeds.metering import Meter
from feeds.model import EVERYTHING
from feeds.reporting import LoggedProgress, log_news, summary
from feeds.service import FeedService
from feeds.websub import Announcer

_log = logging.getLogger("feeds")
_QUIET_MS = 100  # a save or a checkout makes many events; one refresh takes them all
_MANY = 1_000  # changes; looking through everything costs hardly more
_TELLING = frozenset("\\\ufffd")  # a path with one of these is not spelled as the folder's candidates are
_LONG = timedelta(minutes=5)  # for a refresh; the first one of a hundred thousand files takes one
_TICK_SECONDS = 0.5  # how soon it is seen that the process to work for, or the folder itself, is gone


def watch_in_background(service: FeedService, config: Config, clock: Callable[[], datetime], meter: Meter) -> None:
    """Refresh the index now and every `refresh_seconds`, in a thread that ends with the process."""
    refresher = Refresher(service, config, clock, meter)

    def run() -> None:
        while True:
            refresher.refresh()
            time.sleep(config.refresh_seconds)

    threading.Thread(target=run, name="feeds-refresh", daemon=True).start()


def watch_events(service: FeedService, config: Config, clock: Callable[[], datetime], parent: int, meter: Meter) -> None:
    """Refresh the index now, whenever a file below the folder changes, and every `refresh_seconds` in any case.

    A change takes a look at what changed alone; what no event told is found by the look through everything that follows.
    It returns only when `parent`, the id of the process that started this one, is gone.
    """
    refresher = Refresher(service, config, clock, meter)
    pending: set[FileChange] = set()
    looked_at = time.monotonic()
    for changes in folder_changes(config):  # pragma: no branch - it never ends
        if os.getppid() != parent:
            return
        pending |= changes
        is_due = time.monotonic() - looked_at >= config.refresh_seconds
        if not pending and not is_due:
            continue
        parts = EVERYTHING if is_due else parts_of(str(config.content), pending)
        if refresher.refresh(parts):
            pending = set()
            looked_at = time.monotonic() if parts == EVERYTHING else looked_at


def folder_changes(config: Config) -> Iterator[set[FileChange]]:
    """Yield what changed below the folder as soon as it is quiet again, and nothing twice a second.

    The folder itself counts as changed at first, when the watch is set up, and when another one has taken its place, as
    happens with links to releases. Where it can't be watched, because it is away for instance, that is tried again every
    `refresh_seconds`.
    """
    content, database = str(config.content), config.database_url
    index = database.partition(":///")[2] if database.startswith("sqlite") else ""

    def counts(_: Change, path: str) -> bool:
        is_hidden = f"{os.sep}." in path.removeprefix(content).rpartition(os.sep)[0]
        is_index = index != "" and path.startswith(index)  # it changes with every refresh
        return not is_hidden and not is_index

    while True:
        try:
            watched = _identity(config)
            itself = {(Change.modified, content)}
            for changes in watchfiles.watch(  # pragma: no branch - it never ends
                content,
                watch_filter=counts,
                step=_QUIET_MS,
                rust_timeout=int(_TICK_SECONDS * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                yield changes | itself
                itself = set()
                if _identity(config) != watched:
                    break
        except (FeedsError, OSError, RuntimeError) as error:
            _log.warning("changes are looked for every %d seconds only: %s", config.refresh_seconds, error)
            for _ in range(int(config.refresh_seconds / _TICK_SECONDS)):
                yield set()
                time.sleep(_TICK_SECONDS)


def _identity(config: Config) -> tuple[int, int]:
    facts = config.content_folder().stat()
    return facts.st_dev, facts.st_ino


class Refresher:
    """Refreshes one index again and again, and has the hub told of what changed.

    What goes wrong is logged, once while it stays the same, and mended by the next refresh.
    """

    def __init__(self, service: FeedService, config: Config, clock: Callable[[], datetime], meter: Meter) -> None:
        self._service = service
        self._config = config
        self._clock = clock
        self._meter = meter
        self._failure = ""
        self._announcer = _announcer(service, config, clock, meter)
        self._parts_are_enough = False  # known after a settled look through everything that met no link

    def refresh(self, parts: tuple[str, ...] = EVERYTHING) -> bool:
        """Bring the index up to date, where parts of the folder are enough with these alone; return whether that is done.

        It is not where it was somebody else's turn, or where files were moved meanwhile.
        """
        if not self._parts_are_enough:
            parts = EVERYTHING
        started = time.perf_counter()
        try:
            folder, fingerprint = self._folder(), self._config.fingerprint()
            result = self._service.refresh(folder, fingerprint, self._clock(), parts=parts, progress=LoggedProgress())
        except IndexBusyError as error:
            self._tell_busy(error)
            return False
        except FeedsError as error:
            self._parts_are_enough = False
            _log.log(logging.DEBUG if str(error) == self._failure else logging.ERROR, "not refreshed: %s", error)
            self._failure = str(error)
            return True
        self._meter.refreshed(time.perf_counter() - started)
        self._parts_are_enough = result.is_settled and not result.has_links
        is_news = result.changed or (parts == EVERYTHING and self._failure not in ("", "\n".join(result.troubles)))
        _log.log(logging.INFO if is_news else logging.DEBUG, "%s", summary(result))
        log_news(replace(result, troubles=tuple(line for line in result.troubles if line not in self._failure)))
        if parts == EVERYTHING:
            self._failure = "\n".join(result.troubles)
        if result.changed and self._announcer is not None:
            self._announcer.wake()
        return result.is_settled

    def _tell_busy(self, error: IndexBusyError) -> None:
        """Log that others have the index; where none of them has refreshed it for long, somebody has to see to that."""
        now, age = self._clock(), timedelta(0)
        with suppress(FeedsError):
            age = now - (self._service.state(now).refreshed_at or now)
        if age > max(_LONG, 3 * timedelta(seconds=self._config.refresh_seconds)) and str(error) != self._failure:
            self._failure = str(error)
            _log.error("not refreshed for %d minutes: %s", age.total_seconds() // 60, error)
        else:
            _log.debug("%s", error)

    def _folder(self) -> Path:
        return self._config.content or self._config.content_folder()


def _announcer(service: FeedService, config: Config, clock: Callable[[], datetime], meter: Meter) -> Announcer | None:
    """Return a started announcer where there is a hub that can be told of changes; it begins with what was left untold."""
    site = config.site_with_hub()
    if site is None:
        if config.hub is not None:
            _log.warning("the hub %s can't be told of changes while base_url is not set", config.hub)
        return None
    announcer = Announcer(service, site, clock, meter)
    announcer.start()
    announcer.wake()
    return announcer


def parts_of(content: str, changes: set[FileChange]) -> tuple[str, ...]:
    """Return which parts of a folder changed; everything where that can't be told, or is hardly less."""
    parts = set()
    for _, path in changes:
        part = path.removeprefix(content + os.sep)
        if part == path or not _TELLING.isdisjoint(part):
            return EVERYTHING
        parts.add(part.replace(os.sep, "/"))
    return tuple(sorted(parts)) if len(parts) <= _MANY else EVERYTHING

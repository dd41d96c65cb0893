"""Keeps the index up to date while something is served. Knows when to look; knows neither files nor tables."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import watchfiles
from watchfiles import Change
from watchfiles.main import FileChange

from feeds.config import Config
from feeds.errors import FeedsError, IndexBusyError
from feeds.intake import RefreshResult
from feeds.metering import Meter
from feeds.model import State
from feeds.service import FeedService

_log = logging.getLogger("feeds")
_QUIET_MS = 200  # a save or a checkout makes many events; one refresh takes them all
_TICK_SECONDS = 0.5  # how soon it is seen that the process to work for, or the folder itself, is gone


def watch_in_background(service: FeedService, config: Config, clock: Callable[[], datetime], meter: Meter) -> None:
    """Refresh the index now and every `refresh_seconds`, in a thread that ends with the process."""

    def run() -> None:
        while True:
            refresh_and_log(service, config, clock(), meter)
            time.sleep(config.refresh_seconds)

    threading.Thread(target=run, name="feeds-refresh", daemon=True).start()


def watch_events(service: FeedService, config: Config, clock: Callable[[], datetime], parent: int, meter: Meter) -> None:
    """Refresh the index now, whenever a file below the folder changes, and every `refresh_seconds` in any case.

    It returns only when `parent`, the id of the process that started this one, is gone.
    """
    waited_seconds = 0.0
    for changes in folder_changes(config):  # pragma: no branch - it never ends
        if os.getppid() != parent:
            return
        waited_seconds += _TICK_SECONDS
        if changes or waited_seconds >= config.refresh_seconds:
            refresh_and_log(service, config, clock(), meter)
            waited_seconds = 0.0


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


def refresh_and_log(service: FeedService, config: Config, now: datetime, meter: Meter | None = None) -> None:
    """Refresh the index; what goes wrong is logged and mended by the next one."""
    started = time.perf_counter()
    try:
        result = service.refresh(config.content or config.content_folder(), config.fingerprint(), now)
    except IndexBusyError as error:
        _log.debug("%s", error)
    except FeedsError as error:
        _log.error("not refreshed: %s", error)
    else:
        if meter is not None:
            meter.refreshed(time.perf_counter() - started)
        _log.log(logging.INFO if result.changed else logging.DEBUG, "%s", summary(result))


def summary(result: RefreshResult) -> str:
    """Return what a refresh came to, in one line."""
    return f"{result.read} files read, {result.gone} gone: {counted(result.counts)}"


def counted(counts: Mapping[State, int]) -> str:
    """Return how many files are in each state."""
    return ", ".join(f"{counts[state]} {state}" for state in State)

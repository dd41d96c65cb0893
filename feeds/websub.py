"""Tells a WebSub hub which feeds changed. Knows the hub's side of https://www.w3.org/TR/websub/ section 7; fetches nothing.

The index keeps what the hub was told last, so nothing is told twice, and nothing is lost when the hub or we are away.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from urllib.error import URLError

import msgspec

from feeds import paths
from feeds.errors import FeedsError, IndexBusyError
from feeds.feed import FeedAddress, Site
from feeds.metering import Meter
from feeds.model import Kind
from feeds.posting import post
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.store.base import Mark
from feeds.text import escape_controls

_PAUSES_SECONDS = (1.0, 4.0)  # between the tries of one round
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 60.0, 3600.0  # between rounds while the hub is away
_PASSING = (408, 425, 429)  # a client's fault by their number, and yet worth another try
_KEPT_EVERY = 100  # URLs

_log = logging.getLogger("feeds")
Pause = Callable[[float], object]


class Told(msgspec.Struct, frozen=True, gc=False):
    """What became of telling a hub: the feeds it knows of now, those it refused for good, and those to be told again."""

    accepted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def holder(site: Site) -> str:
    """Return for whom the index keeps what was told."""
    return f"hub {site.hub} {site.base_url}"


def self_urls(site: Site, address: FeedAddress, extensions: Iterable[str] = tuple(FORMATS)) -> tuple[str, ...]:
    """Return the topics (as WebSub calls them) of a feed: its subscription document in each format."""
    return tuple(site.base_url + paths.feed_path(address, extension) for extension in extensions)


class Exported(msgspec.Struct, frozen=True, gc=False):
    """What of a site is read from files, and the URLs of the feeds whose files were written just now."""

    kinds: tuple[Kind, ...]
    extensions: tuple[str, ...]
    written: frozenset[str]


_SERVED = Exported(tuple(Kind), tuple(FORMATS), frozenset())


def announce(service: FeedService, site: Site, now: datetime, pause: Pause = time.sleep, exported: Exported | None = None) -> Told:
    """Tell the hub of every feed that changed since it was told last, and of those that were written just now.

    Where the index does not know that the hub was ever told, it is told of all feeds; of an export, whose index may be made
    anew each time, only of those that were written.

    Raises:
        StoreError: the index can't be read.
    """
    known, changed_at = service.mark(holder(site), now), service.modification_times(now)
    of = exported or _SERVED
    seen = {} if known is None else {place: at for place, at in known.modified_at.items() if place in changed_at}
    latest = {place: at for place, at in sorted(changed_at.items()) if place[0] in of.kinds}
    told_before = latest if known is None and exported is not None else seen
    urls_of = {place: self_urls(site, FeedAddress(*place), of.extensions) for place in latest}
    due = [place for place, at in latest.items() if told_before.get(place) != at or not of.written.isdisjoint(urls_of[place])]

    def keep(answered: int) -> None:
        waiting = set(due[answered // len(of.extensions) :])
        _keep(service, holder(site), Mark("", {place: at for place, at in (seen | latest).items() if place not in waiting}), pause)

    urls = [url for place in due for url in urls_of[place]]
    told = tell(site, urls, pause, keep)
    if due:
        keep(len(urls) - len(told.failed))
    return told


def _keep(service: FeedService, who: str, mark: Mark, pause: Pause) -> None:
    for seconds in (*_PAUSES_SECONDS, None):
        try:
            service.keep_mark(who, mark)
        except IndexBusyError as error:
            if seconds is None:
                _log.warning("%s: the hub will be told again of what it knows: %s", who, error)
            else:
                pause(seconds)
        else:
            return


def tell(site: Site, urls: Sequence[str], pause: Pause = time.sleep, keep: Callable[[int], object] = lambda _: None) -> Told:
    """Tell the hub that these feeds changed; whether it is away is found out by the first that it does not answer.

    `keep` is called now and then with how many it has answered for, lest a kill has it told of everything again.
    """
    accepted, refused, failed = list[str](), list[str](), tuple[str, ...]()
    for number, url in enumerate(urls):
        if number and number % _KEPT_EVERY == 0:
            keep(number)
        reason = _publish(str(site.hub), url, pause)
        if isinstance(reason, _Refused):
            _log.error("hub %s refuses to hear of %s: %s", site.hub, url, reason)
            refused.append(url)
        elif reason is not None:
            failed = tuple(urls[number:])
            _log.warning("hub %s can't be told of %d feeds, which is tried again: %s", site.hub, len(failed), reason)
            break
        else:
            accepted.append(url)
    if accepted and not failed:
        _log.info("hub %s told of %d feeds", site.hub, len(accepted))
    return Told(tuple(accepted), tuple(refused), failed)


class _Refused(str):
    """Why a hub will not take what it was told, however often."""


def _publish(hub: str, url: str, pause: Pause) -> str | None:
    """Tell the hub of one feed, several times if need be; return None, or why it was in vain."""
    reason = ""
    for seconds in (*_PAUSES_SECONDS, None):
        try:
            status, said = post(hub, {"hub.mode": "publish", "hub.url": url})
        except URLError as error:
            reason = str(error.reason)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
        else:
            if status < 300:
                return None
            reason = escape_controls(said)
            if status < 500 and status not in _PASSING:
                return _Refused(reason)
        if seconds is not None:
            pause(seconds)
    return reason


class Announcer:
    """Announces in a thread of its own, so that a dead hub delays nothing; it is woken, and wakes by itself while feeds wait."""

    def __init__(
        self,
        service: FeedService,
        site: Site,
        clock: Callable[[], datetime],
        meter: Meter,
        *,
        pause: Pause = time.sleep,
        first_wait_seconds: float = _FIRST_WAIT_SECONDS,
    ) -> None:
        self._service, self._site, self._clock, self._meter = service, site, clock, meter
        self._pause, self._first_wait_seconds = pause, first_wait_seconds
        self._woken = threading.Event()

    def start(self) -> None:
        """Start the thread, which ends with the process."""
        threading.Thread(target=self._run, name="feeds-websub", daemon=True).start()

    def wake(self) -> None:
        """Have it look at what changed, soon."""
        self._woken.set()

    def _run(self) -> None:
        wait: float | None = None
        while True:  # pragma: no branch - it never ends
            self._woken.wait(wait)
            self._woken.clear()
            try:
                told = announce(self._service, self._site, self._clock(), self._pause)
                for result, urls in (("accepted", told.accepted), ("refused", told.refused), ("failed", told.failed[:1])):
                    self._meter.pinged(result, len(urls))
                is_waiting = bool(told.failed)
            except FeedsError as error:
                _log.warning("hub %s is not told of changes: %s", self._site.hub, error)
                is_waiting = True
            wait = min(_LONGEST_WAIT_SECONDS, 2 * wait if wait else self._first_wait_seconds) if is_waiting else None

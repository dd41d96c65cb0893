"""The history of a feed: which entries stand in which of its documents, and how these link to each other.

Knows RFC 5005 and the calendar; reads no article, and knows no format and no URL but its parts. The running month is the one of the last
refresh, not of the clock, so that the bytes of a feed depend on the index alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec.structs import replace

from feeds import paths
from feeds.feed import DEFAULT_OPTIONS, FeedAddress
from feeds.model import ArticleQuery
from feeds.paths import Period
from feeds.store.base import Snapshot

_LARGEST_MONTH = 500  # entries; a month with more is archived by days


class Chapter(msgspec.Struct, frozen=True, gc=False):
    """Which entries stand in one document, and the parts of the same feed around it."""

    query: ArticleQuery
    is_archive: bool = False
    next: str | None = None
    previous_archive: str | None = None
    next_archive: str | None = None


def chapter(view: Snapshot, address: FeedAddress, refreshed_at: datetime, page_size: int) -> Chapter | None:
    """Return what stands in a document, None where the feed has no such part (any more)."""
    history = _History(view, address, paths.month(refreshed_at), page_size)
    if address.part == paths.SUBSCRIPTION:
        return history.subscription()
    period = paths.period_of(address.part)
    if period is None:
        return None
    return history.archive(period) if period.page is None else history.page(period)


def chapters(view: Snapshot, address: FeedAddress, refreshed_at: datetime, page_size: int) -> Iterator[tuple[str, Chapter]]:
    """Yield every part that a feed has with what stands in it, from the subscription document back to its oldest archive."""
    part: str | None = paths.SUBSCRIPTION
    while part is not None:
        found = chapter(view, replace(address, part=part), refreshed_at, page_size)
        if found is None:
            return
        yield part, found
        part = found.next or found.previous_archive


def parts(view: Snapshot, address: FeedAddress, refreshed_at: datetime, page_size: int) -> Iterator[str]:
    """Yield every part that a feed has, in the same order."""
    for part, _ in chapters(view, address, refreshed_at, page_size):
        yield part


def replacement(view: Snapshot, address: FeedAddress, refreshed_at: datetime, page_size: int) -> str | None:
    """Return the part that has taken the place of one that is no more: a page's month, or a large month's last day."""
    period = paths.period_of(address.part)
    running = paths.month(refreshed_at)
    if period is None or period.start >= running.start:
        return None
    archive = _History(view, address, running, page_size).archive_before(period.end)
    return archive if archive is not None and archive.startswith(paths.month_part(period)) and archive != address.part else None


class _History:
    def __init__(self, view: Snapshot, address: FeedAddress, running: Period, page_size: int) -> None:
        self._view = view
        self._collection = (address.kind, address.slug)
        self._options = address.options
        self._running = running
        self._page_size = page_size
        self._limit = address.options.limit or page_size
        self._query = ArticleQuery(address.kind, address.slug, self._limit)

    def subscription(self) -> Chapter:
        if self._options != DEFAULT_OPTIONS:
            return Chapter(self._query)
        beyond = self._count_running() - self._page_size
        return Chapter(
            self._query,
            next=self._page(-(-beyond // self._page_size)) if beyond > 0 else None,
            previous_archive=self.archive_before(self._running.start),
        )

    def _count_running(self) -> int:
        return self._view.count(replace(self._query, since=self._running.start))

    def _page(self, number: int) -> str:
        return paths.page_part(self._running, number)

    def page(self, period: Period) -> Chapter | None:
        """Return the page that `period` names, counted from the oldest entry of the running month."""
        last = (period.page or 0) * self._page_size
        count = self._count_running()
        if period.start != self._running.start or last - self._page_size >= count:
            return None
        limit = min(self._page_size, count - last + self._page_size, self._limit)
        query = replace(self._query, since=period.start, limit=limit, offset=max(0, count - last))
        if self._options != DEFAULT_OPTIONS:
            return Chapter(query)
        number = period.page or 0
        return Chapter(
            query,
            next=self._page(number - 1) if number > 1 else None,
            previous_archive=self.archive_before(period.start),
        )

    def archive(self, period: Period) -> Chapter | None:
        """Return the archive of a past month or day; None where it has no entry, or has too many for a month."""
        if period.end > self._running.start or not (count := self._count(period)):
            return None
        if period == paths.month(period.start) and count > _LARGEST_MONTH:
            return None
        query = replace(self._query, since=period.start, before=period.end, limit=self._options.limit)
        if self._options != DEFAULT_OPTIONS:
            return Chapter(query)  # without links to others it is no archive by RFC 5005
        return Chapter(
            query,
            is_archive=True,
            previous_archive=self.archive_before(period.start),
            next_archive=self._archive_from(period.end),
        )

    def _count(self, period: Period) -> int:
        return self._view.count(replace(self._query, since=period.start, before=period.end))

    def archive_before(self, moment: datetime) -> str | None:
        """Return the archive of the latest entry before `moment`."""
        listed_at = self._view.listed_before(*self._collection, moment)
        return None if listed_at is None else self._archive_of(listed_at)

    def _archive_from(self, moment: datetime) -> str | None:
        listed_at = self._view.listed_from(*self._collection, moment)
        return None if listed_at is None or listed_at >= self._running.start else self._archive_of(listed_at)

    def _archive_of(self, listed_at: datetime) -> str:
        month = paths.month(listed_at)
        return paths.month_part(month) if self._count(month) <= _LARGEST_MONTH else paths.day_part(paths.day(listed_at))

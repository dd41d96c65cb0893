"""The use cases, each written once. Knows content, index, history and formats; knows no HTTP and no settings.

The moment is always an argument: nothing below asks the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from feeds import assembly, catalog
from feeds.catalog import AnyPage, SearchPage
from feeds.errors import NotFoundError
from feeds.feed import Document, FeedAddress, FeedOptions, Finding, PageAddress, Site
from feeds.intake import ALL, take_in
from feeds.keeping import IndexKeeper
from feeds.model import Collection, FileReport, Kind, Problem, Slice, State
from feeds.reading import Reader, reader_of
from feeds.render import FORMATS, opml
from feeds.render.kept import KeptEntries
from feeds.store.base import Snapshot, Store

_KEPT_BYTES = 64 * 1024 * 1024  # while every feed is looked at


class CheckResult(msgspec.Struct, frozen=True, gc=False):
    """What a refresh would come to."""

    counts: Mapping[State, int]
    reports: tuple[FileReport, ...]
    topic_problems: tuple[tuple[str, Problem], ...]
    findings: tuple[Finding, ...] | None = None  # None: the feeds were not looked at


class FeedService(IndexKeeper):
    """Everything that can be asked of an index of articles; entries that it rendered are kept for other feeds in `kept`."""

    def __init__(self, store: Store, kept: KeptEntries | None = None) -> None:
        super().__init__(store)
        self._kept = kept

    def check(self, content: Path | Reader, now: datetime, site: Site | None = None) -> CheckResult:
        """Return what a refresh would make of every file, and leave the index as it is.

        With a site, also what is wrong with any of the feeds that it would make.
        """
        with self._store.refreshing(now) as refresh:
            counts = take_in(refresh, reader_of(content), None, may_lose=ALL).counts
            view = refresh.preview()
            findings = None if site is None else tuple(_lint(view, site))
            result = CheckResult(counts, tuple(view.reports()), view.topic_problems(), findings)
            refresh.abandon()
            return result

    def collections(self, kind: Kind, now: datetime) -> tuple[Collection, ...]:
        """Return all collections of a kind, by name."""
        with self._store.reading(now) as view:
            return view.collections(kind)

    def document(self, address: FeedAddress, extension: str, site: Site, now: datetime) -> Document:
        """Return a feed in a format.

        Raises:
            NotFoundError: there is no such collection, part or format; it suggests near names.
            Moved: it has another address.
        """
        if extension not in FORMATS:
            raise NotFoundError(f"format {extension!r}", [(known.title, name) for name, known in FORMATS.items()])
        feed_format = FORMATS[extension]
        with self._store.reading(now) as view:
            collection = assembly.collection(view, address)
            feed = assembly.feed(view, collection, address, extension, site)
            # A slice goes by its bytes alone: nothing records when it changed.
            modified_at = None if address.slice is not None else view.modified_at(address.kind, address.slug)
        return Document(feed_format.render(feed, self._kept), feed_format.media_type, modified_at)

    def known_slice(self, part: Slice, now: datetime) -> Slice:
        """Return a slice with every choice by its slug (see `assembly.known_slice`)."""
        with self._store.reading(now) as view:
            return assembly.known_slice(view, part)

    def subscriptions(self, extension: str, site: Site, now: datetime) -> Document:
        """Return the OPML list of all topics, nested by parent, with the links of one format."""
        if extension not in FORMATS:
            raise NotFoundError(f"format {extension!r}", [(known.title, name) for name, known in FORMATS.items()])
        with self._store.reading(now) as view:
            modified_at = view.modified_at(Kind.ALL, "")
            said = assembly.subscriptions(view, extension, site)
        return Document(opml.render_opml(said), opml.MEDIA_TYPE, modified_at)

    def page(self, address: PageAddress, site: Site, now: datetime) -> AnyPage:
        """Return what a page for people shows.

        Raises:
            NotFoundError: there is no such page; it suggests near names.
            Moved: it has another address.
        """
        with self._store.reading(now) as view:
            return catalog.page(view, address, site)

    def search_page(self, part: Slice, options: FeedOptions, site: Site, now: datetime) -> SearchPage:
        """Return what the page of a slice shows; its choices are by slug (see `known_slice`)."""
        with self._store.reading(now) as view:
            return catalog.search_page(view, part, options, site)

    def pages(self, site: Site, now: datetime) -> Iterator[AnyPage]:
        """Yield all pages for people, of one moment."""
        with self._store.reading(now) as view:
            for address in catalog.addresses(view):
                yield catalog.page(view, address, site)

    def page_addresses(self, now: datetime) -> tuple[PageAddress, ...]:
        """Return where all pages for people are."""
        with self._store.reading(now) as view:
            return tuple(catalog.addresses(view))


def _lint(view: Snapshot, site: Site) -> Iterator[Finding]:
    """Yield what is wrong with any document; what is wrong with an entry once, however many documents have it."""
    from feeds.render.lint import lint  # noqa: PLC0415 - only a check needs it, and every server would load it

    said: set[tuple[str, str | None, str]] = set()
    kept = KeptEntries(_KEPT_BYTES)
    for address in assembly.addresses(view, site):
        draft = assembly.draft(view, assembly.collection(view, address), address, site)
        articles = view.articles(draft.chapter.query)
        for extension, feed_format in FORMATS.items():
            feed = assembly.finished(draft, articles, extension, site)
            for finding in lint(feed_format.render(feed, kept), extension, feed.self_url):
                fault = (finding.entry or finding.url, finding.field, finding.reason)
                if fault not in said:
                    said.add(fault)
                    yield finding

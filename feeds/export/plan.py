"""Which files an export has, and what each is made of. Knows feeds, pages and their paths; reads no article and no folder.

What a file is made of has a name, its inputs: the same name means the same bytes, so that a file which another export made
of the same need not be made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from urllib.parse import unquote

import msgspec

from feeds import assembly, catalog, paths
from feeds.assembly import Draft
from feeds.catalog import Around, ListPage, PageDraft
from feeds.feed import FeedAddress, PageAddress, Site, Subscriptions
from feeds.model import Collection, Kind
from feeds.render import FORMATS
from feeds.store.base import Gathered, Snapshot

NOT_FOUND = "404.html"
SITEMAP_PAGES = 50_000  # in one document


class Selection(msgspec.Struct, frozen=True, gc=False):
    """What of a site is exported."""

    kinds: tuple[Kind, ...] = tuple(Kind)
    extensions: tuple[str, ...] = tuple(FORMATS)
    archives: bool = True  # and the pages of the running month
    pages: bool = True


class FeedFiles(msgspec.Struct, frozen=True, gc=False):
    """A document of a feed, in each format."""

    draft: Draft
    extensions: tuple[str, ...]
    inputs: str
    entries: int

    @property
    def start(self) -> datetime | None:
        """Return when the time of an archive or page starts, None for a subscription document."""
        period = paths.period_of(self.draft.address.part)
        return None if period is None else period.start

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(feed_file(self.draft.address, extension) for extension in self.extensions)


class PageFile(msgspec.Struct, frozen=True, gc=False):
    """A page of a collection."""

    around: Around
    draft: PageDraft
    inputs: str

    @property
    def start(self) -> datetime | None:
        """Return when the month of a page starts, None for one of the newest articles."""
        return self.draft.query.since

    @property
    def files(self) -> tuple[str, ...]:
        return (file_of_page(self.draft.address),)


class ListPageFile(msgspec.Struct, frozen=True, gc=False):
    """A page that lists collections."""

    page: ListPage
    inputs: str

    @property
    def files(self) -> tuple[str, ...]:
        return (file_of_page(self.page.address),)


class ListFile(msgspec.Struct, frozen=True, gc=False):
    """The list of subscriptions."""

    said: Subscriptions
    inputs: str

    @property
    def files(self) -> tuple[str, ...]:
        return (file_of(paths.OPML_PATH),)


EVERYTHING = Selection()


def feed_file(address: FeedAddress, extension: str) -> str:
    """Return where a document is."""
    return file_of(paths.feed_path(address, extension))


def file_of(url_path: str) -> str:
    """Return where what is at a path of a server is in an export."""
    return unquote(url_path).removeprefix("/")


def collections(view: Snapshot, selection: Selection) -> Iterator[Collection]:
    """Yield every collection whose feeds are exported."""
    for kind in selection.kinds:
        yield from view.collections(kind)


def feed_files(view: Gathered, collection: Collection, selection: Selection, site: Site) -> Iterator[FeedFiles]:
    """Yield the documents of a collection's feed."""
    drafts = assembly.drafts(view, collection, site)
    for draft in drafts if selection.archives else islice(drafts, 1):
        versions = view.versions(draft.chapter.query)
        said = (collection.name, collection.facts, draft.parent, draft.chapter, versions)
        yield FeedFiles(draft, selection.extensions, named(said), len(versions))


def page_addresses(view: Gathered, selection: Selection) -> tuple[PageAddress, ...]:
    """Return where the pages of what is exported are."""
    return tuple(address for address in catalog.addresses(view) if address.kind in selection.kinds) if selection.pages else ()


class PagePlan:
    """The pages of a site; what is around the articles on all pages of a collection is looked up once."""

    def __init__(self, view: Gathered, site: Site) -> None:
        self._view, self._site = view, site
        self._arounds: dict[tuple[Kind, str], tuple[Around, str]] = {}

    def file(self, address: PageAddress) -> PageFile | ListPageFile:
        """Return a page."""
        if catalog.is_list(address):
            page = catalog.list_page(self._view, address)
            return ListPageFile(page, named(page))
        place = (address.kind, address.slug)
        if place not in self._arounds:
            found = catalog.around_of(self._view, *place, self._site)
            self._arounds[place] = (found, named(found))
        around, name = self._arounds[place]
        draft = catalog.draft(self._view, around, address)
        return PageFile(around, draft, named((name, draft, self._view.versions(draft.query))))


def file_of_page(address: PageAddress) -> str:
    """Return where a page is."""
    return f"{file_of(paths.path_of(address))}index.html"


def is_of_one_collection(address: PageAddress) -> bool:
    """Whether a page changes with its collection alone, as lists and the front page don't.

    It also names topics above and below, but these go by the site's data, with which all collections change.
    """
    return bool(address.slug or address.month)


def list_file(view: Snapshot, selection: Selection, site: Site) -> ListFile:
    """Return the list of subscriptions, with links of the first format that is exported."""
    said = assembly.subscriptions(view, selection.extensions[0], site)
    return ListFile(said, named(said))


def folder_of(address: FeedAddress) -> str:
    """Return where the documents of a feed are."""
    return file_of(paths.page_path(address.kind, address.slug)).removesuffix("/")


def sitemap_parts(pages: int) -> range:
    """Return the numbers of the documents that a sitemap has."""
    return range(1) if pages <= SITEMAP_PAGES else range(-(-pages // SITEMAP_PAGES) + 1)


def is_subscription(path: str) -> bool:
    """Whether a file is a subscription document, by its name."""
    part, _, extension = path.rpartition("/")[2].rpartition(".")
    return extension in FORMATS and part == paths.SUBSCRIPTION


def is_of_feed(path: str) -> bool:
    """Whether a file is a document of a feed, by its name."""
    part, _, extension = path.rpartition("/")[2].rpartition(".")
    return extension in FORMATS and (part == paths.SUBSCRIPTION or paths.period_of(part) is not None)


def named(value: object) -> str:
    """Return what names a value, and with it what is made of it."""
    return hashlib.blake2b(msgspec.msgpack.encode(value), digest_size=12).hexdigest()

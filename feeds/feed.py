"""What is asked for and what is said: options, addresses, sites, feeds and their documents. Values, no I/O.

`model` has what feeds are about.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from feeds.model import Image, Kind, Level, Link, ListedArticle, Slice


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wrong with a feed: in which document, entry and field, and why."""

    url: str
    reason: str
    field: str | None = None
    entry: str | None = None  # its id, or its place where it has none
    level: Level = Level.ERROR


class ImageOption(StrEnum):
    """Where a feed puts the pictures of its articles."""

    ATTACH = "attach"
    INLINE = "inline"
    BOTH = "both"
    NONE = "none"


class RelatedOption(StrEnum):
    """What a feed makes of related stories."""

    LINKS = "links"
    ENTRIES = "entries"
    NONE = "none"


LIMITS = (10, 20, 50, 100, 200)
PAGE_SIZE = 50


class FeedOptions(msgspec.Struct, frozen=True, gc=False):
    """The parameters that any feed takes."""

    limit: int | None = None  # the site's page size
    images: ImageOption = ImageOption.ATTACH
    related: RelatedOption = RelatedOption.LINKS


DEFAULT_OPTIONS = FeedOptions()


class FeedAddress(msgspec.Struct, frozen=True, gc=False):
    """Which document of which feed, in whatever format.

    `part` is "feed" for the subscription document; `YYYY-MM` and `YYYY-MM-DD` for archives of a past month or day;
    `YYYY-MM-page-N` for the N-th page of the running month, counted from its oldest, so that full ones never move.
    """

    kind: Kind = Kind.ALL
    slug: str = ""
    part: str = "feed"
    options: FeedOptions = DEFAULT_OPTIONS
    slice: Slice | None = None  # of all articles; it has a subscription document alone


class PageAddress(msgspec.Struct, frozen=True, gc=False):
    """Which page for people: of a collection, or, without a slug, of all collections of a kind.

    Without a month it shows the newest articles, with one (`YYYY-MM`) those listed in it, on as many pages as they need.
    """

    kind: Kind = Kind.ALL
    slug: str = ""
    month: str = ""
    number: int = 1


class Site(msgspec.Struct, frozen=True, gc=False):
    """What holds for all feeds of a site. URLs are absolute and without a trailing slash."""

    base_url: str  # where the feeds are
    site_url: str  # where the articles are
    site_id: str
    title: str
    description: str
    language: str
    max_age_seconds: int
    hub: str | None = None
    picture: str | None = None  # of feeds that have none of their own
    has_search: bool = False  # whether pages can offer it
    page_size: int = PAGE_SIZE  # entries of a document, unless another limit is asked for


class FeedLinks(msgspec.Struct, frozen=True, gc=False):
    """Absolute URLs of the documents around one, in the same format (RFC 5005 sections 3 and 4)."""

    next: str | None = None  # older entries of the running month
    previous_archive: str | None = None
    next_archive: str | None = None
    current: str | None = None  # set in archives only


class Feed(msgspec.Struct, frozen=True, gc=False):
    """What a feed says, in any format. All URLs are absolute; `articles` are in their order."""

    id: str
    title: str
    description: str
    page_url: str
    self_url: str
    updated_at: datetime
    site: Site
    articles: tuple[ListedArticle, ...] = ()
    options: FeedOptions = DEFAULT_OPTIONS
    links: FeedLinks = FeedLinks()
    picture: Image | None = None
    parent: Link | None = None
    has_hub: bool = False

    @property
    def is_archive(self) -> bool:
        """Whether the set of entries will never grow (RFC 5005 section 4)."""
        return self.links.current is not None


class Outline(msgspec.Struct, frozen=True, gc=False):
    """A feed in a list of subscriptions, with those below it."""

    title: str
    feed_url: str
    page_url: str
    description: str | None = None
    children: tuple[Outline, ...] = ()


class Subscriptions(msgspec.Struct, frozen=True, gc=False):
    """A list of feeds to subscribe to; `newest_at` is when the newest article of all was listed."""

    title: str
    newest_at: datetime | None
    outlines: tuple[Outline, ...]


EMPTY_FEED_UPDATED_AT = datetime(2000, 1, 1, tzinfo=UTC)


class Document(msgspec.Struct, frozen=True, gc=False):
    """A feed or list in one format: the bytes and what HTTP says about them."""

    body: bytes
    media_type: str
    modified_at: datetime | None  # None: has no Last-Modified; may be some seconds ahead of the clock

    @property
    def etag(self) -> str:
        """Return what names these bytes and no others."""
        return hashlib.sha256(self.body).hexdigest()

"""What the program talks about: articles, what becomes of their files, collections, feeds. Values, no I/O.

Datetimes are aware, in UTC and whole seconds. Sequences are tuples. `None` means absent, never `""`. Values are frozen structs of
msgspec, here as in the other rooms: they are made by the hundred thousand, and every command defines all of their classes first.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec


class Image(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A picture. `url` is absolute, or `/x` in an article that no site has been applied to yet."""

    url: str
    width: int | None = None  # pixels
    height: int | None = None  # pixels
    title: str | None = None
    credit: str | None = None


class Provider(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who published an article first. `domain` is lower case, without `www.`."""

    name: str
    domain: str | None = None
    images: tuple[Image, ...] = ()
    authors: tuple[str, ...] = ()


class Download(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The file that an article of the type `download` offers."""

    url: str
    title: str | None = None
    credit: str | None = None


class Related(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A story that an article points to: of the site, where an article has its id, or of somebody else."""

    id: str
    title: str
    url: str
    original_url: str | None = None
    excerpt: str | None = None
    published_at: datetime | None = None
    provider: Provider | None = None
    quality: int | None = None
    images: tuple[Image, ...] = ()


class Article(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of news, the same from the loader to the renderers.

    `updated_at` is never before `published_at`. `content_html` is sanitised, its URLs are absolute.
    """

    id: str
    title: str
    url: str
    published_at: datetime
    updated_at: datetime
    original_url: str | None = None  # where it differs from `url`
    amp_url: str | None = None
    excerpt: str | None = None
    content_html: str | None = None
    category: str | None = None
    type: str | None = None
    topics: tuple[str, ...] = ()
    provider: Provider | None = None
    images: tuple[Image, ...] = ()
    related: tuple[Related, ...] = ()
    download: Download | None = None
    player_url: str | None = None
    duration_seconds: int | None = None
    quality: int | None = None
    heat: int | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        for moment in (self.published_at, self.updated_at):
            if moment.utcoffset() != timedelta(0) or moment.microsecond:
                raise ValueError(f"{moment!r} is not in UTC and whole seconds")
        if self.updated_at < self.published_at:
            raise ValueError(f"{self.id} is updated before it is published")


EVERYTHING = ("",)  # the whole content folder, as parts of it: paths of files and folders, relative to it


class State(StrEnum):
    """What becomes of a candidate file; each ends in exactly one."""

    SHOWN = "shown"
    HIDDEN = "hidden"
    SKIPPED = "skipped"
    REFUSED = "refused"


class Level(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True, gc=False):
    """One thing to say about a file: where (1-based line, field as written) and why. It never quotes a value."""

    reason: str
    line: int | None = None
    field: str | None = None
    level: Level = Level.WARNING


class Takedown(StrEnum):
    """What a file says about its own visibility."""

    NONE = "none"
    FILE = "file"  # `published: false`, `draft: true`, or a visibility that can't be read
    IDENTITY = "identity"  # `removed` or `deleted`: no other file may show the article either


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What reading one candidate file came to.

    `state` is SHOWN exactly when there is an `article`; whether it is shown now also depends on its date and on
    the other files, which is the index's matter. `id` is known for hidden files too, where it can be read.
    """

    path: str
    state: State
    article: Article | None = None
    id: str | None = None
    takedown: Takedown = Takedown.NONE
    problems: tuple[Problem, ...] = ()


class FileFacts(msgspec.Struct, frozen=True, gc=False):
    """What tells whether a file changed; the digest is of its bytes."""

    size: int  # bytes
    modified_ns: int
    digest: bytes


# What tells at a look whether a file changed: its path, its size in bytes, its time in nanoseconds. A bare tuple, because there is one for
# every file in each refresh, and sets of them are compared.
FileStamp = tuple[str, int, int]


class FileReport(msgspec.Struct, frozen=True, gc=False):
    """A candidate file, its state and what there is to say about it."""

    path: str
    state: State
    problems: tuple[Problem, ...]


class Kind(StrEnum):
    """What articles are collected by; the value is the first segment of the URL path."""

    ALL = ""
    TOPIC = "topics"
    CATEGORY = "categories"
    TYPE = "types"
    PROVIDER = "providers"

    @property
    def singular(self) -> str:
        """The word for one of the kind, for messages."""
        return {"": "feed", "topics": "topic", "categories": "category", "types": "type", "providers": "provider"}[self.value]


class TopicFacts(msgspec.Struct, frozen=True, gc=False):
    """What a site's `_data/topics` says about a topic."""

    slug: str
    name: str
    short_name: str | None = None
    parent: str | None = None  # a name or a slug
    description: str | None = None
    images: tuple[Image, ...] = ()


class Collection(msgspec.Struct, frozen=True, gc=False):
    """The articles of one topic, category, type or provider, or (kind ALL, slug "") of the site."""

    kind: Kind
    slug: str
    name: str
    article_count: int = 0
    newest_at: datetime | None = None  # listing time of the newest article
    facts: TopicFacts | None = None


class Month(msgspec.Struct, frozen=True, gc=False):
    """How many articles of a collection were listed in a UTC month; `start` is its first moment."""

    start: datetime
    article_count: int


class Label(msgspec.Struct, frozen=True, gc=False):
    """A topic as an entry names it: the slug and display name of the collection."""

    slug: str
    name: str


class ListedArticle(msgspec.Struct, frozen=True, gc=False):
    """An article in the order of listing, with the names of its topics as the index knows them.

    `parent_urls` are the shown articles that point to it, where it is in a feed as their related story.
    """

    article: Article
    listed_at: datetime
    topics: tuple[Label, ...] = ()
    parent_urls: tuple[str, ...] = ()


class Link(msgspec.Struct, frozen=True, gc=False):
    """A place on the web and what it is called."""

    url: str
    title: str


class Cursor(msgspec.Struct, frozen=True, gc=False):
    """A place in the listing order; a page goes on behind it."""

    listed_at: datetime
    id: str


class SliceOrder(StrEnum):
    """By what a slice chooses its entries where there are more than its limit: the highest number first."""

    HEAT = "heat"
    QUALITY = "quality"


class Choice(msgspec.Struct, frozen=True, gc=False, order=True):
    """A collection that the articles of a slice are in, or are not in where it is excluded."""

    kind: Kind
    slug: str
    is_excluded: bool = False


class Slice(msgspec.Struct, frozen=True, gc=False):
    """A part of all articles: those that meet every condition, choices of one kind being alternatives.

    Days are of publication, in UTC and inclusive. Articles without the number fail `min_quality` and `min_heat`.
    """

    choices: tuple[Choice, ...] = ()  # sorted, each once
    match_all: bool = False  # every topic, not any
    sought: str | None = None  # text that has at least one word
    min_quality: int | None = None
    min_heat: int | None = None
    since: date | None = None
    until: date | None = None
    order: SliceOrder | None = None

    @property
    def is_everything(self) -> bool:
        """Whether there is no condition."""
        return self == Slice(match_all=self.match_all, order=self.order)

    def wanted(self, kind: Kind) -> tuple[str, ...]:
        """Return the slugs of a kind that are asked for."""
        return tuple(choice.slug for choice in self.choices if choice.kind is kind and not choice.is_excluded)


class ArticleQuery(msgspec.Struct, frozen=True, gc=False):
    """Which articles of which collection, newest listing first, ties by id.

    `since` is inclusive and `before` exclusive, both of the listing time. `offset` leaves out that many newest ones;
    it takes time with its size, so long walks go by `after`.
    """

    kind: Kind = Kind.ALL
    slug: str = ""
    limit: int | None = 50
    offset: int = 0
    after: Cursor | None = None
    since: datetime | None = None
    before: datetime | None = None


class IndexState(msgspec.Struct, frozen=True, gc=False):
    """Where the index stands at a moment. Equal states give equal answers to equal questions."""

    revision: int  # counts the commits that changed something
    turned_at: datetime | None  # when last an article appeared or was superseded by its date alone
    next_turn_at: datetime | None  # when that will happen next
    refreshed_at: datetime | None  # None: never, nothing can be served yet; another UTC month is another revision

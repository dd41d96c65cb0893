"""From the index to what a page for people shows. Knows which articles, topics and months stand on which page.

Knows no markup, no HTTP and no files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from feeds import assembly, paths
from feeds.errors import NotFoundError
from feeds.feed import Feed, FeedAddress, FeedOptions, PageAddress, Site
from feeds.model import ArticleQuery, Collection, Image, Kind, Label, ListedArticle, Month, Slice, TopicFacts
from feeds.render import FORMATS
from feeds.store.base import Snapshot

_ARTICLES = 24  # on a page
_FRONT_ARTICLES = 12
_FRONT_TOPICS = 48  # with more the front page would weigh too much; all of them have pages of their own
_FRONT_OTHERS = 12  # categories, types, providers
_LISTED = 200  # collections on a page that lists them
_ACTIVITY_MONTHS = 12
_NEIGHBOURS = 10
_CHOICES = 10  # of a kind to choose from
OTHER_KINDS = (Kind.CATEGORY, Kind.TYPE, Kind.PROVIDER)


class TopicRow(msgspec.Struct, frozen=True, gc=False):
    """A topic on the front page, `depth` steps below the top, with its articles in each of the last months."""

    collection: Collection
    depth: int
    activity: tuple[int, ...]  # the earliest month first


class Shelf(msgspec.Struct, frozen=True, gc=False):
    """Some collections of a kind, and how many there are."""

    kind: Kind
    collections: tuple[Collection, ...]
    count: int


class Front(msgspec.Struct, frozen=True, gc=False):
    """What the site's own page shows besides its articles."""

    topics: tuple[TopicRow, ...]
    topic_count: int
    others: tuple[Shelf, ...]


class Around(msgspec.Struct, frozen=True, gc=False):
    """What stands around the articles on all pages of a collection."""

    collection: Collection
    title: str
    description: str
    months: tuple[Month, ...]  # the latest first
    above: tuple[Label, ...] = ()  # from the top down
    below: tuple[Label, ...] = ()
    neighbours: tuple[Label, ...] = ()


class PageDraft(msgspec.Struct, frozen=True, gc=False):
    """A page of a collection before its articles are read: the newest ones, or those of a month, and the way to all others."""

    address: PageAddress
    query: ArticleQuery
    newer: PageAddress | None = None
    older: PageAddress | None = None
    said: str = ""  # of which month it is
    front: Front | None = None  # on the newest page of the site


class Page(msgspec.Struct, frozen=True, gc=False):
    """What the page of a collection shows."""

    around: Around
    draft: PageDraft
    articles: tuple[ListedArticle, ...]
    picture: Image | None

    @property
    def address(self) -> PageAddress:
        return self.draft.address

    @property
    def title(self) -> str:
        """Return what tells the page from all others."""
        return f"{self.draft.said}, {self.around.title}" if self.draft.said else self.around.title


class ListPage(msgspec.Struct, frozen=True, gc=False):
    """All collections of a kind, by name, or some of them where they need more pages."""

    address: PageAddress
    shelf: Shelf
    newer: PageAddress | None
    older: PageAddress | None


class SearchPage(msgspec.Struct, frozen=True, gc=False):
    """What the page of a slice shows: its feed, and of each kind the collections to choose from, counted as choices of them would be."""

    part: Slice
    options: FeedOptions
    feed: Feed
    article_count: int
    facets: tuple[Shelf, ...]  # topics first


AnyPage = Page | ListPage


def addresses(view: Snapshot) -> Iterator[PageAddress]:
    """Yield every page there is."""
    assembly.refreshed_at(view)
    for kind in Kind:
        collections = view.collections(kind)
        if kind is not Kind.ALL:
            yield from (PageAddress(kind, number=number) for number in _numbers(len(collections), _LISTED))
        months = view.all_months(kind)
        for found in collections:
            yield PageAddress(kind, found.slug)
            for month in months.get(found.slug, ()):
                part = paths.month_name(month.start)
                yield from (PageAddress(kind, found.slug, part, number) for number in _numbers(month.article_count, _ARTICLES))


def page(view: Snapshot, address: PageAddress, site: Site) -> AnyPage:
    """Return what a page shows.

    Raises:
        NotReadyError: the index was never refreshed.
        NotFoundError: there is no such page; it suggests near names.
        Moved: it has another address.
    """
    assembly.refreshed_at(view)
    if is_list(address):
        return list_page(view, address)
    around_it = _without_labels if address == PageAddress() else around_of  # the front page has no room for neighbours
    around = around_it(view, address.kind, address.slug, site)
    drafted = draft(view, around, address)
    return finished(around, drafted, view.articles(drafted.query), site)


def is_list(address: PageAddress) -> bool:
    """Whether a page shows collections, and no articles."""
    return address.kind is not Kind.ALL and not address.slug


def around_of(view: Snapshot, kind: Kind, slug: str, site: Site) -> Around:
    """Return what all pages of a collection show around their articles.

    Raises:
        NotReadyError: the index was never refreshed.
        NotFoundError: there is no such collection; it suggests near names.
        Moved: it has another slug.
    """
    found = _without_labels(view, kind, slug, site)
    facts = view.topic_facts() if kind is Kind.TOPIC else ()
    parents = assembly.parents(facts)
    below = tuple(Label(one.slug, one.name) for one in facts if parents.get(one.slug) == slug)
    neighbours = tuple(one for one in view.neighbours(kind, slug, _NEIGHBOURS) if one not in below)
    return replace(found, above=_above(slug, facts, parents), below=below, neighbours=neighbours)


def _without_labels(view: Snapshot, kind: Kind, slug: str, site: Site) -> Around:
    collection = assembly.collection(view, FeedAddress(kind, slug))
    return Around(collection, assembly.title(collection, site), assembly.description(collection, site), view.months(kind, slug))


def draft(view: Snapshot, around: Around, address: PageAddress) -> PageDraft:
    """Return what a page shows, but for the articles and what is around them.

    Raises:
        NotFoundError: there is no such page of the collection.
    """
    if address.month:
        return _month_page(address, around.months)
    if address == PageAddress():
        return replace(_newest_page(address, around.months, _FRONT_ARTICLES), front=_front(view, around.months))
    return _newest_page(address, around.months, _ARTICLES)


def finished(around: Around, drafted: PageDraft, articles: tuple[ListedArticle, ...], site: Site) -> Page:
    """Return what a page shows: pure, so that it can be worked out anywhere."""
    return Page(around, drafted, articles, assembly.picture_of(around.collection, articles, site))


def search_page(view: Snapshot, part: Slice, options: FeedOptions, site: Site) -> SearchPage:
    """Return what the page of a slice shows.

    Raises:
        NotReadyError: the index was never refreshed.
    """
    assembly.refreshed_at(view)
    kinds = (Kind.TOPIC, Kind.PROVIDER, Kind.CATEGORY, Kind.TYPE)
    # Each is counted once: to count is most of the work.
    counted = view.slice_collections(part, (Kind.ALL, *(kind for kind in kinds if not _are_alternatives(part, kind))))
    address = FeedAddress(options=options, slice=part)
    everything = assembly.collection(view, FeedAddress())
    return SearchPage(
        part,
        options,
        assembly.feed(view, everything, address, next(iter(FORMATS)), site),
        next((one.article_count for one in counted if one.kind is Kind.ALL), 0),
        tuple(_facet(view, part, kind, counted) for kind in kinds),
    )


def _facet(view: Snapshot, part: Slice, kind: Kind, counted: tuple[Collection, ...]) -> Shelf:
    if _are_alternatives(part, kind):
        # One more of the kind would be an alternative: it counts as if none were wanted yet.
        others = tuple(choice for choice in part.choices if choice.kind is not kind or choice.is_excluded)
        counted = view.slice_collections(replace(part, choices=others), (kind,))
    found = [one for one in counted if one.kind is kind]
    chosen = {choice.slug for choice in part.choices if choice.kind is kind}
    shown = [one for place, one in enumerate(found) if place < _CHOICES or one.slug in chosen]
    missing = (view.collection(kind, slug) for slug in sorted(chosen - {one.slug for one in shown}))
    shown += [replace(one, article_count=0) for one in missing if one is not None]
    return Shelf(kind, tuple(shown), max(len(found), len(shown)))


def _are_alternatives(part: Slice, kind: Kind) -> bool:
    return bool(part.wanted(kind)) and not (part.match_all and kind is Kind.TOPIC)


def _numbers(count: int, size: int) -> range:
    return range(1, max(1, -(-count // size)) + 1)


def _newest_page(address: PageAddress, months: Sequence[Month], size: int) -> PageDraft:
    return PageDraft(address, ArticleQuery(address.kind, address.slug, size), older=_behind(address, months, size))


def _behind(address: PageAddress, months: Sequence[Month], count: int) -> PageAddress | None:
    """Return the page that has the article behind the newest `count`."""
    for month in months:
        if count < month.article_count:
            return replace(address, month=paths.month_name(month.start), number=count // _ARTICLES + 1)
        count -= month.article_count
    return None


def _month_page(address: PageAddress, months: Sequence[Month]) -> PageDraft:
    named = paths.period_of(address.month)
    # The latest month comes first.
    place = len(months) if named is None else bisect_left(months, -named.start.timestamp(), key=lambda month: -month.start.timestamp())
    if place == len(months) or paths.month_name(months[place].start) != address.month:
        raise NotFoundError(f"article in {address.month}", [])
    last = _numbers(months[place].article_count, _ARTICLES)[-1]
    if address.number > last:
        raise NotFoundError(f"page {address.number} of {address.month}", [])
    period = paths.month(months[place].start)
    newer = PageAddress(address.kind, address.slug)
    if address.number > 1:
        newer = replace(address, number=address.number - 1)
    elif place > 0:
        newer = replace(
            address, month=paths.month_name(months[place - 1].start), number=_numbers(months[place - 1].article_count, _ARTICLES)[-1]
        )
    older = None
    if address.number < last:
        older = replace(address, number=address.number + 1)
    elif place + 1 < len(months):
        older = replace(address, month=paths.month_name(months[place + 1].start), number=1)
    return PageDraft(
        address,
        ArticleQuery(address.kind, address.slug, _ARTICLES, (address.number - 1) * _ARTICLES, since=period.start, before=period.end),
        newer,
        older,
        f"{period.start:%B} {period.start.year}" + (f", page {address.number}" if address.number > 1 else ""),
    )


def _front(view: Snapshot, months: Sequence[Month]) -> Front:
    topics = view.collections(Kind.TOPIC)
    largest = sorted(topics, key=lambda topic: -topic.article_count)[:_FRONT_TOPICS]
    children = assembly.nested([topic for topic in topics if topic in largest])
    last = months[0].start if months else assembly.refreshed_at(view)
    starts = paths.months_up_to(paths.month(last).start, _ACTIVITY_MONTHS)
    latest = view.all_months(Kind.TOPIC, starts[0])

    def rows(above: str | None, depth: int) -> Iterator[TopicRow]:
        for topic in children.get(above, ()):
            counts = {one.start: one.article_count for one in latest.get(topic.slug, ())}
            yield TopicRow(topic, depth, tuple(counts.get(start, 0) for start in starts))
            yield from rows(topic.slug, depth + 1)

    return Front(tuple(rows(None, 0)), len(topics), tuple(_shelf(view, kind) for kind in OTHER_KINDS))


def _shelf(view: Snapshot, kind: Kind) -> Shelf:
    collections = view.collections(kind)
    largest = sorted(collections, key=lambda one: -one.article_count)[:_FRONT_OTHERS]
    return Shelf(kind, tuple(largest), len(collections))


def list_page(view: Snapshot, address: PageAddress) -> ListPage:
    """Return what a page that lists collections shows.

    Raises:
        NotFoundError: there is no such page.
    """
    collections = view.collections(address.kind)
    numbers = _numbers(len(collections), _LISTED)
    if address.number not in numbers:
        raise NotFoundError(f"page {address.number} of all {address.kind}", [])
    start = (address.number - 1) * _LISTED
    return ListPage(
        address,
        Shelf(address.kind, collections[start : start + _LISTED], len(collections)),
        replace(address, number=address.number - 1) if address.number > 1 else None,
        replace(address, number=address.number + 1) if address.number < numbers[-1] else None,
    )


def _above(slug: str, facts: Sequence[TopicFacts], parents: Mapping[str, str]) -> tuple[Label, ...]:
    """Return the topics above one, from the top down; where they go in a circle, each once."""
    names = {one.slug: one.name for one in facts}
    found: list[Label] = []
    seen, parent = {slug}, parents.get(slug)
    while parent is not None and parent not in seen:
        seen.add(parent)
        found.insert(0, Label(parent, names[parent]))
        parent = parents.get(parent)
    return tuple(found)

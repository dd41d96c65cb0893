"""From the index to what a feed says: which collection, which articles, which links, which words.

Knows the rules of feeds and of related stories; knows no format but its name, no HTTP and no files.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from feeds import history, parameters, paths
from feeds.errors import NotFoundError, NotReadyError, RequestError
from feeds.feed import DEFAULT_OPTIONS, EMPTY_FEED_UPDATED_AT, Feed, FeedAddress, FeedLinks, Outline, RelatedOption, Site, Subscriptions
from feeds.history import Chapter
from feeds.identity import feed_id, fold
from feeds.model import Article, Choice, Collection, Image, Kind, Label, Link, ListedArticle, Related, Slice, TopicFacts
from feeds.render.entry import picture
from feeds.store.base import Snapshot

_SUGGESTIONS = 5
_LIKENESS = 0.5  # as difflib measures it; short slugs differ much by one letter


class Moved(Exception):  # noqa: N818 - no error: it is where to go
    """What was asked for has this address now, for good."""

    def __init__(self, address: FeedAddress) -> None:
        self.address = address
        super().__init__(paths.stem(address))


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A document of a feed before its articles are read: all of the index that it says something of, in any format."""

    address: FeedAddress
    collection: Collection
    chapter: Chapter
    parent: Label | None


def addresses(view: Snapshot, site: Site) -> Iterator[FeedAddress]:
    """Yield every document of every feed, without parameters."""
    moment = refreshed_at(view)
    for kind in Kind:
        for found in view.collections(kind):
            address = FeedAddress(kind, found.slug)
            for part in history.parts(view, address, moment, site.page_size):
                yield replace(address, part=part)


def refreshed_at(view: Snapshot) -> datetime:
    """Return when the index was refreshed last.

    Raises:
        NotReadyError: it never was.
    """
    moment = view.state().refreshed_at
    if moment is None:
        raise NotReadyError
    return moment


def collection(view: Snapshot, address: FeedAddress) -> Collection:
    """Return the collection that an address is about.

    Raises:
        NotReadyError: the index was never refreshed.
        NotFoundError: there is none; it suggests near names.
        Moved: it has another slug.
    """
    refreshed_at(view)
    found = view.collection(address.kind, address.slug)
    if found is not None:
        return found
    slug = view.slug_for(address.kind, address.slug)
    if slug is not None:
        raise Moved(replace(address, slug=slug))
    raise NotFoundError(f"{address.kind.singular} {address.slug!r}", _near(address.slug, view.collections(address.kind)))


def _near(spelling: str, collections: tuple[Collection, ...]) -> list[tuple[str, str]]:
    known = {form: collection for collection in collections for form in (collection.slug, fold(collection.name))}
    close = difflib.get_close_matches(fold(spelling), known, _SUGGESTIONS * 2, _LIKENESS)
    unique = {known[form].slug: known[form].name for form in close}
    return [(name, slug) for slug, name in unique.items()][:_SUGGESTIONS]


def feed(view: Snapshot, collection: Collection, address: FeedAddress, extension: str, site: Site) -> Feed:
    """Return what a document of the collection's feed says.

    Raises:
        NotFoundError: the feed has no such part.
        Moved: another part has taken its place.
    """
    if address.slice is not None:
        return _slice_feed(view, address, address.slice, extension, site)
    drafted = draft(view, collection, address, site)
    articles = view.articles(drafted.chapter.query)
    if address.options.related is RelatedOption.ENTRIES:
        articles = _with_related(view, articles)
    return finished(drafted, articles, extension, site)


def draft(view: Snapshot, collection: Collection, address: FeedAddress, site: Site) -> Draft:
    """Return what a document of the collection's feed is made of, but for the articles.

    Raises:
        NotFoundError: the feed has no such part.
        Moved: another part has taken its place.
    """
    moment = refreshed_at(view)
    chapter = history.chapter(view, address, moment, site.page_size)
    if chapter is None:
        part = history.replacement(view, address, moment, site.page_size)
        if part is not None:
            raise Moved(replace(address, part=part))
        raise NotFoundError(f"part {address.part!r} of this feed")
    return Draft(address, collection, chapter, _parent(view, collection))


def drafts(view: Snapshot, collection: Collection, site: Site) -> Iterator[Draft]:
    """Yield what each document of the collection's feed is made of, the subscription document first."""
    address, parent = FeedAddress(collection.kind, collection.slug), _parent(view, collection)
    for part, chapter in history.chapters(view, address, refreshed_at(view), site.page_size):
        yield Draft(replace(address, part=part), collection, chapter, parent)


def finished(drafted: Draft, articles: tuple[ListedArticle, ...], extension: str, site: Site) -> Feed:
    """Return what a document says in a format: pure, so that it can be worked out anywhere."""
    address, collection, parent = drafted.address, drafted.collection, drafted.parent
    return Feed(
        id=_id(address, site),
        title=title(collection, site),
        description=description(collection, site),
        page_url=site.base_url + paths.page_path(address.kind, address.slug),
        self_url=site.base_url + paths.feed_path(address, extension),
        updated_at=max((listed.article.updated_at for listed in articles), default=EMPTY_FEED_UPDATED_AT),
        site=site,
        articles=articles,
        options=address.options,
        links=_links(drafted.chapter, address, extension, site),
        picture=picture_of(collection, articles, site),
        parent=None if parent is None else Link(site.base_url + paths.page_path(Kind.TOPIC, parent.slug), parent.name),
        has_hub=address.part == paths.SUBSCRIPTION and address.options == DEFAULT_OPTIONS,
    )


def _id(address: FeedAddress, site: Site) -> str:
    return feed_id(site.site_id, paths.stem(replace(address, part=paths.SUBSCRIPTION)) + parameters.query(address.options, address.slice))


def _slice_feed(view: Snapshot, address: FeedAddress, part: Slice, extension: str, site: Site) -> Feed:
    articles = view.slice(part, address.options.limit or site.page_size)
    if address.options.related is RelatedOption.ENTRIES:
        articles = _with_related(view, articles)
    asked = _in_words(view, part)
    return Feed(
        id=_id(address, site),
        title=f"{asked} – {site.title}",
        description=f"{asked}: articles from {site.title}",
        page_url=site.base_url + paths.search_path(address.options, part),
        self_url=site.base_url + paths.feed_path(address, extension),
        updated_at=max((listed.article.updated_at for listed in articles), default=EMPTY_FEED_UPDATED_AT),
        site=site,
        articles=articles,
        options=address.options,
        picture=_site_picture(site),
    )


def _in_words(view: Snapshot, part: Slice) -> str:
    """Return what a slice asks for, as people say it."""
    said: list[str] = []
    for kind in Kind:
        names = [found.name for slug in part.wanted(kind) if (found := view.collection(kind, slug)) is not None]
        if names:
            said.append((" and " if part.match_all and kind is Kind.TOPIC else " or ").join(names))
    excluded = (view.collection(choice.kind, choice.slug) for choice in part.choices if choice.is_excluded)
    said += [f"not {found.name}" for found in excluded if found is not None]
    said += [f"“{part.sought}”"] if part.sought else []
    said += [f"{name} from {number}" for name, number in (("quality", part.min_quality), ("heat", part.min_heat)) if number is not None]
    said += [f"{word} {day}" for word, day in (("since", part.since), ("until", part.until)) if day is not None]
    said += [f"by {part.order}"] if part.order else []
    return ", ".join(said) or "All"


def known_slice(view: Snapshot, part: Slice) -> Slice:
    """Return a slice with every choice by its slug, whatever spelling of it was given.

    Raises:
        NotReadyError: the index was never refreshed.
        RequestError: there is no such topic, provider, category or type; it names near ones.
    """
    refreshed_at(view)
    return replace(part, choices=tuple(sorted({replace(choice, slug=_known_slug(view, choice)) for choice in part.choices})))


def _known_slug(view: Snapshot, choice: Choice) -> str:
    found = view.collection(choice.kind, choice.slug)
    slug = choice.slug if found is not None else view.slug_for(choice.kind, choice.slug)
    if slug is None:
        near = ", ".join(known for _, known in _near(choice.slug, view.collections(choice.kind)))
        raise RequestError(choice.kind.singular, f"there is no {choice.slug!r}" + (f"; near: {near}" if near else ""))
    return slug


def _links(chapter: Chapter, address: FeedAddress, extension: str, site: Site) -> FeedLinks:
    def url(part: str | None) -> str | None:
        return None if part is None else site.base_url + paths.feed_path(replace(address, part=part), extension)

    return FeedLinks(
        next=url(chapter.next),
        previous_archive=url(chapter.previous_archive),
        next_archive=url(chapter.next_archive),
        current=url(paths.SUBSCRIPTION) if chapter.is_archive else None,
    )


def title(collection: Collection, site: Site) -> str:
    """Return what tells a collection's feed from all others in a reader's list."""
    return site.title if collection.kind is Kind.ALL else f"{collection.name} – {site.title}"


def description(collection: Collection, site: Site) -> str:
    """Return what a collection's feed is about, in a sentence."""
    if collection.facts is not None and collection.facts.description:
        return collection.facts.description
    return {
        Kind.ALL: site.description,
        Kind.TOPIC: f"Articles about {collection.name} from {site.title}",
        Kind.CATEGORY: f"Articles in the category {collection.name} from {site.title}",
        Kind.TYPE: f"Articles of the type {collection.name} from {site.title}",
        Kind.PROVIDER: f"Articles by {collection.name} from {site.title}",
    }[collection.kind]


def picture_of(collection: Collection, articles: tuple[ListedArticle, ...], site: Site) -> Image | None:
    """Return the picture of a collection, with an absolute URL: its own, else the site's."""
    images = collection.facts.images if collection.facts is not None else ()
    if collection.kind is Kind.PROVIDER and articles and articles[0].article.provider is not None:
        images = articles[0].article.provider.images
    return picture(images, site.site_url) or _site_picture(site)


def _site_picture(site: Site) -> Image | None:
    return None if site.picture is None else Image(site.picture)


def _parent(view: Snapshot, collection: Collection) -> Label | None:
    # Of the site's data alone: a topic of articles can appear without any change of this collection, which would keep its time.
    if collection.facts is None or collection.facts.parent is None:
        return None
    facts = view.topic_facts()
    above = parents(facts).get(collection.slug)
    return next((Label(one.slug, one.name) for one in facts if one.slug == above), None)


def parents(facts: Sequence[TopicFacts]) -> Mapping[str, str]:
    """Return the slug of the topic above each that has one in the site's data."""
    by_name = {form: one.slug for one in facts for form in (one.slug, fold(one.name))}
    found = ((one.slug, by_name.get(fold(one.parent))) for one in facts if one.parent is not None)
    return {slug: parent for slug, parent in found if parent is not None and parent != slug}


def _with_related(view: Snapshot, articles: tuple[ListedArticle, ...]) -> tuple[ListedArticle, ...]:
    """Return the articles, and behind each the stories it points to that are not in the feed yet."""
    wanted = {story.id for listed in articles for story in listed.article.related}
    own = view.shown(wanted)
    parents = view.parents(wanted - own.keys())
    said = {listed.article.id for listed in articles}
    result: list[ListedArticle] = []
    for listed in articles:
        result.append(listed)
        for story in listed.article.related:
            if story.id not in said:
                said.add(story.id)
                result.append(own[story.id] if story.id in own else _story(story, parents[story.id]))
    return tuple(result)


def _story(story: Related, parents: tuple[Article, ...]) -> ListedArticle:
    """Return somebody else's story as an entry of its own."""
    published_at = story.published_at or parents[0].published_at
    article = Article(
        id=story.id,
        title=story.title,
        url=story.url,
        original_url=story.original_url,
        published_at=published_at,
        updated_at=published_at,
        excerpt=story.excerpt,
        provider=story.provider,
        images=story.images,
        quality=story.quality,
    )
    return ListedArticle(article, published_at, parent_urls=tuple(parent.url for parent in parents))


def subscriptions(view: Snapshot, extension: str, site: Site) -> Subscriptions:
    """Return the list of the topics in the site's data and of those with articles.

    Raises:
        NotReadyError: the index was never refreshed.
    """
    everything = collection(view, FeedAddress())
    topics = [topic for topic in view.collections(Kind.TOPIC) if topic.facts or topic.article_count]
    return Subscriptions(site.title, everything.newest_at, outlines(topics, extension, site))


def nested(topics: Sequence[Collection]) -> Mapping[str | None, Sequence[Collection]]:
    """Return the topics by the slug of the one above; one without, or whose parents go in a circle, is below None."""
    by_name = {form: topic.slug for topic in topics for form in (topic.slug, fold(topic.name))}
    parent_of = {
        topic.slug: by_name.get(fold(topic.facts.parent)) for topic in topics if topic.facts is not None and topic.facts.parent is not None
    }

    def parent(slug: str) -> str | None:
        seen, above = {slug}, parent_of.get(slug)
        while above is not None and above not in seen:
            seen.add(above)
            above = parent_of.get(above)
        return parent_of.get(slug) if above is None else None

    children: dict[str | None, list[Collection]] = {}
    for topic in topics:
        children.setdefault(parent(topic.slug), []).append(topic)
    return children


def outlines(topics: Sequence[Collection], extension: str, site: Site) -> tuple[Outline, ...]:
    """Return the topics nested below their parents, by name."""
    children = nested(topics)

    def below(parent_slug: str | None) -> tuple[Outline, ...]:
        return tuple(
            Outline(
                topic.name,
                site.base_url + paths.feed_path(FeedAddress(Kind.TOPIC, topic.slug), extension),
                site.base_url + paths.page_path(Kind.TOPIC, topic.slug),
                description(topic, site),
                below(topic.slug),
            )
            for topic in children.get(parent_slug, ())
        )

    return below(None)

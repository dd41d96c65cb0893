"""The use cases, each written once. Knows content, index, history and formats; knows no HTTP and no settings.

The moment is always an argument: nothing below asks the clock.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from feeds import history, paths
from feeds.content import folder, loader
from feeds.errors import NotFoundError, NotReadyError
from feeds.history import Chapter
from feeds.identity import feed_id, fold
from feeds.model import (
    DEFAULT_OPTIONS,
    EMPTY_FEED_UPDATED_AT,
    Article,
    ArticleQuery,
    Collection,
    Document,
    Feed,
    FeedAddress,
    FeedLinks,
    FileFacts,
    FileReport,
    Finding,
    Image,
    IndexState,
    Kind,
    Link,
    ListedArticle,
    Outcome,
    Outline,
    Problem,
    Related,
    RelatedOption,
    Site,
    State,
)
from feeds.render import FORMATS, opml
from feeds.render.entry import picture
from feeds.render.lint import lint
from feeds.store.base import Refresh, RefreshResult, Snapshot, Store

_SUGGESTIONS = 5
_LIKENESS = 0.5  # as difflib measures it; short slugs differ much by one letter


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a refresh would come to."""

    counts: Mapping[State, int]
    reports: tuple[FileReport, ...]
    topic_problems: tuple[tuple[str, Problem], ...]
    findings: tuple[Finding, ...] | None = None  # None: the feeds were not looked at


@dataclass(frozen=True, slots=True)
class Page:
    """What a page for people shows: a collection with its newest articles, and all topics."""

    title: str
    description: str
    collection: Collection
    articles: tuple[ListedArticle, ...]
    topics: tuple[Collection, ...]
    modified_at: datetime | None


class Moved(Exception):  # noqa: N818 - no error: it is where to go
    """What was asked for has this address now, for good."""

    def __init__(self, address: FeedAddress) -> None:
        self.address = address
        super().__init__(paths.stem(address))


class FeedService:
    """Everything that can be asked of an index of articles."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def refresh(self, content: Path, fingerprint: str, now: datetime) -> RefreshResult:
        """Bring the index up to date with the folder, all at once.

        Raises:
            FolderError: the folder can't be read; the index stays as it is.
            IndexBusyError: somebody else does it right now.
        """
        with self._store.refreshing(now) as refresh:
            return _refresh(refresh, content, fingerprint)

    def check(self, content: Path, now: datetime, site: Site | None = None) -> CheckResult:
        """Return what a refresh would make of every file, and leave the index as it is.

        With a site, also what is wrong with any of the feeds that it would make.
        """
        with self._store.refreshing(now) as refresh:
            counts = _refresh(refresh, content, "").counts
            view = refresh.preview()
            findings = None if site is None else tuple(_lint(view, site))
            result = CheckResult(counts, tuple(view.reports()), view.topic_problems(), findings)
            refresh.abandon()
            return result

    def state(self, now: datetime) -> IndexState:
        """Return where the index stands."""
        with self._store.reading(now) as view:
            return view.state()

    def modified_at(self, kind: Kind, slug: str, now: datetime) -> datetime | None:
        """Return when a collection last changed (see `Snapshot.modified_at`)."""
        with self._store.reading(now) as view:
            return view.modified_at(kind, slug)

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
            collection = _collection(view, address)
            feed = _feed(view, collection, address, extension, site)
            modified_at = view.modified_at(address.kind, address.slug)
        return Document(feed_format.render(feed), feed_format.media_type, modified_at)

    def subscriptions(self, extension: str, site: Site, now: datetime) -> Document:
        """Return the OPML list of all topics, nested by parent, with the links of one format."""
        if extension not in FORMATS:
            raise NotFoundError(f"format {extension!r}", [(known.title, name) for name, known in FORMATS.items()])
        with self._store.reading(now) as view:
            _refreshed_at(view)
            topics = [topic for topic in view.collections(Kind.TOPIC) if topic.facts or topic.article_count]
            modified_at = view.modified_at(Kind.ALL, "")
        outlines = _outlines(topics, extension, site)
        return Document(opml.render_opml(site.title, modified_at, outlines), opml.MEDIA_TYPE, modified_at)

    def page(self, kind: Kind, slug: str, site: Site, now: datetime) -> Page:
        """Return what a page shows.

        Raises:
            NotFoundError: there is no such collection.
            Moved: it has another address.
        """
        with self._store.reading(now) as view:
            collection = _collection(view, FeedAddress(kind, slug))
            return Page(
                _title(collection, site),
                _description(collection, site),
                collection,
                view.articles(ArticleQuery(kind, slug)),
                view.collections(Kind.TOPIC),
                view.modified_at(kind, slug),
            )


def _refresh(refresh: Refresh, content: Path, fingerprint: str) -> RefreshResult:
    known = refresh.known_files()
    candidates = list(folder.scan(content))
    read = 0

    def outcomes() -> Iterator[tuple[FileFacts, Outcome]]:
        nonlocal read
        for loaded in loader.load(loader.changed(candidates, known), known):
            if loaded.outcome is None:
                refresh.touch(loaded.path, loaded.facts)
            else:
                read += 1
                yield loaded.facts, loaded.outcome

    refresh.put(outcomes())
    gone = known.keys() - {candidate.path for candidate in candidates}
    refresh.forget(sorted(gone))
    refresh.put_topics((topic.path, topic.facts, topic.problems) for topic in loader.load_topics(content))
    changed = refresh.finish(fingerprint)
    return RefreshResult(read, len(gone), changed, refresh.preview().counts())


def _addresses(view: Snapshot) -> Iterator[FeedAddress]:
    """Yield every document of every feed, without parameters."""
    refreshed_at = _refreshed_at(view)
    for kind in Kind:
        for collection in view.collections(kind):
            address = FeedAddress(kind, collection.slug)
            for part in history.parts(view, address, refreshed_at):
                yield replace(address, part=part)


def _lint(view: Snapshot, site: Site) -> Iterator[Finding]:
    for address in _addresses(view):
        collection = _collection(view, address)
        for extension, feed_format in FORMATS.items():
            feed = _feed(view, collection, address, extension, site)
            yield from lint(feed_format.render(feed), extension, feed.self_url)


def _refreshed_at(view: Snapshot) -> datetime:
    refreshed_at = view.state().refreshed_at
    if refreshed_at is None:
        raise NotReadyError
    return refreshed_at


def _collection(view: Snapshot, address: FeedAddress) -> Collection:
    _refreshed_at(view)
    collection = view.collection(address.kind, address.slug)
    if collection is not None:
        return collection
    slug = view.slug_for(address.kind, address.slug)
    if slug is not None:
        raise Moved(replace(address, slug=slug))
    raise NotFoundError(f"{address.kind.singular} {address.slug!r}", _near(address.slug, view.collections(address.kind)))


def _near(spelling: str, collections: tuple[Collection, ...]) -> list[tuple[str, str]]:
    known = {form: collection for collection in collections for form in (collection.slug, fold(collection.name))}
    close = difflib.get_close_matches(fold(spelling), known, _SUGGESTIONS * 2, _LIKENESS)
    unique = {known[form].slug: known[form].name for form in close}
    return [(name, slug) for slug, name in unique.items()][:_SUGGESTIONS]


def _feed(view: Snapshot, collection: Collection, address: FeedAddress, extension: str, site: Site) -> Feed:
    refreshed_at = _refreshed_at(view)
    chapter = history.chapter(view, address, refreshed_at)
    if chapter is None:
        part = history.replacement(view, address, refreshed_at)
        if part is not None:
            raise Moved(replace(address, part=part))
        raise NotFoundError(f"part {address.part!r} of this feed")
    articles = chapter.articles
    if address.options.related is RelatedOption.ENTRIES:
        articles = _with_related(view, articles)
    return Feed(
        id=feed_id(site.site_id, paths.stem(replace(address, part=paths.SUBSCRIPTION)) + paths.query(address.options)),
        title=_title(collection, site),
        description=_description(collection, site),
        page_url=site.base_url + paths.page_path(address.kind, address.slug),
        self_url=site.base_url + paths.feed_path(address, extension),
        updated_at=max((listed.article.updated_at for listed in articles), default=EMPTY_FEED_UPDATED_AT),
        site=site,
        articles=articles,
        options=address.options,
        links=_links(chapter, address, extension, site),
        picture=_picture(collection, articles, site),
        parent=_parent(view, collection, site),
        has_hub=address.part == paths.SUBSCRIPTION and address.options == DEFAULT_OPTIONS,
    )


def _links(chapter: Chapter, address: FeedAddress, extension: str, site: Site) -> FeedLinks:
    def url(part: str | None) -> str | None:
        return None if part is None else site.base_url + paths.feed_path(replace(address, part=part), extension)

    return FeedLinks(
        next=url(chapter.next),
        previous_archive=url(chapter.previous_archive),
        next_archive=url(chapter.next_archive),
        current=url(paths.SUBSCRIPTION) if chapter.is_archive else None,
    )


def _title(collection: Collection, site: Site) -> str:
    return site.title if collection.kind is Kind.ALL else f"{collection.name} – {site.title}"


def _description(collection: Collection, site: Site) -> str:
    if collection.facts is not None and collection.facts.description:
        return collection.facts.description
    return {
        Kind.ALL: site.description,
        Kind.TOPIC: f"Articles about {collection.name} from {site.title}",
        Kind.CATEGORY: f"Articles in the category {collection.name} from {site.title}",
        Kind.TYPE: f"Articles of the type {collection.name} from {site.title}",
        Kind.PROVIDER: f"Articles by {collection.name} from {site.title}",
    }[collection.kind]


def _picture(collection: Collection, articles: tuple[ListedArticle, ...], site: Site) -> Image | None:
    images = collection.facts.images if collection.facts is not None else ()
    if collection.kind is Kind.PROVIDER and articles and articles[0].article.provider is not None:
        images = articles[0].article.provider.images
    return picture(images, site.site_url)


def _parent(view: Snapshot, collection: Collection, site: Site) -> Link | None:
    if collection.facts is None or collection.facts.parent is None:
        return None
    slug = view.slug_for(Kind.TOPIC, collection.facts.parent)
    parent = None if slug is None or slug == collection.slug else view.collection(Kind.TOPIC, slug)
    return None if parent is None else Link(site.base_url + paths.page_path(Kind.TOPIC, parent.slug), parent.name)


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


def _outlines(topics: list[Collection], extension: str, site: Site) -> tuple[Outline, ...]:
    """Return the topics nested below their parents, by name; one whose parents go in a circle stands at the top."""
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

    def below(parent_slug: str | None) -> tuple[Outline, ...]:
        return tuple(
            Outline(
                topic.name,
                site.base_url + paths.feed_path(FeedAddress(Kind.TOPIC, topic.slug), extension),
                site.base_url + paths.page_path(Kind.TOPIC, topic.slug),
                _description(topic, site),
                below(topic.slug),
            )
            for topic in children.get(parent_slug, ())
        )

    return below(None)

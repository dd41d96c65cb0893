"""Reading the index: one view, one moment. Knows the tables; writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, func, or_, select

from feeds.identity import identity_key
from feeds.model import (
    Article,
    ArticleQuery,
    Collection,
    FileReport,
    IndexState,
    Kind,
    Label,
    ListedArticle,
    Month,
    Problem,
    Slice,
    State,
    Takedown,
)
from feeds.store import bulk, rows
from feeds.store.base import Mark
from feeds.store.collected import SqlCollections, collection_of
from feeds.store.database import WordIndex
from feeds.store.filereports import FileReports
from feeds.store.queries import in_batches
from feeds.store.schema import (
    articles,
    collections,
    files,
    marks,
    memberships,
    meta,
    months,
    payloads,
    relations,
    topic_files,
    turns,
)
from feeds.store.slices import SliceQuery

_LATEST = 500  # articles whose topics are neighbours
# One question, put into words once: every worker asks it several times a second, and its requests wait meanwhile.
_STATE = select(
    select(meta.c.value).where(meta.c.name == "revision").scalar_subquery(),
    select(func.max(turns.c.at)).where(turns.c.at <= bindparam("now")).scalar_subquery(),
    select(func.min(turns.c.at)).where(turns.c.at > bindparam("now")).scalar_subquery(),
    select(meta.c.value).where(meta.c.name == "refreshed_at").scalar_subquery(),
)


class SqlSnapshot(SqlCollections):
    """A `Snapshot` (see `base`) on one connection, inside one transaction."""

    def __init__(self, connection: Connection, words: WordIndex, now: datetime) -> None:
        super().__init__(connection, rows.seconds(now))
        self._words = words
        self._files = FileReports(connection, self._now)

    def state(self) -> IndexState:
        found = self._connection.execute(_STATE, {"now": self._now}).one()
        return IndexState(int(found[0] or 0), *(None if moment is None else rows.moment(int(moment)) for moment in found[1:]))

    def articles(self, query: ArticleQuery) -> tuple[ListedArticle, ...]:
        found = (
            self._listed(memberships)
            .join_from(memberships, articles, memberships.c.article_id == articles.c.id)
            .where(*self._matching(query))
            .order_by(memberships.c.listed_at.desc(), articles.c.identity)
            .limit(query.limit)
            .offset(query.offset)
        )
        if query.after is not None:
            at = rows.seconds(query.after.listed_at)
            behind = or_(memberships.c.listed_at < at, articles.c.identity > query.after.id)
            found = found.where(memberships.c.listed_at <= at, behind)
        return self._read(self._connection.execute(found).all())

    def slice(self, part: Slice, limit: int) -> tuple[ListedArticle, ...]:
        chosen = self._read(self._slice(part).first(limit))
        return tuple(sorted(chosen, key=lambda listed: (-listed.listed_at.timestamp(), listed.article.id)))

    def _slice(self, part: Slice) -> SliceQuery:
        return SliceQuery(self._connection, self._words, self._now, part)

    def _listed(self, table: Table) -> Select[Any]:
        return select(articles.c.id, articles.c.labels, table.c.listed_at)

    def _matching(self, query: ArticleQuery) -> Iterator[ColumnElement[bool]]:
        yield memberships.c.collection_id == collection_id(query.kind, query.slug)
        yield self._visible(memberships.c)
        if query.since is not None:
            yield memberships.c.listed_at >= rows.seconds(query.since)
        if query.before is not None:
            yield memberships.c.listed_at < rows.seconds(query.before)

    def _read(self, found: Sequence[rows.Row]) -> tuple[ListedArticle, ...]:
        names = self._topic_names(label[0] for row in found for label in rows.labels(row.labels))
        payload_of = {row.id: row.payload for row in self._in_batches(payloads.select(), payloads.c.id, (row.id for row in found))}
        read = [(rows.article(payload_of[row.id]), row) for row in found]
        hidden = self._hidden(story.id for article, _ in read for story in article.related)
        return tuple(
            ListedArticle(
                _without(article, hidden),
                rows.moment(row.listed_at),
                tuple(names[label[0]] for label in rows.labels(row.labels) if label[0] in names),
            )
            for article, row in read
        )

    def count(self, query: ArticleQuery) -> int:
        counted = select(func.count()).select_from(memberships).where(*self._matching(query))
        return self._connection.execute(counted).scalar_one()

    def months(self, kind: Kind, slug: str) -> tuple[Month, ...]:
        return self._counted_months(kind, collections.c.slug == slug).get(slug, ())

    def all_months(self, kind: Kind, since: datetime | None = None) -> Mapping[str, tuple[Month, ...]]:
        return self._counted_months(kind) if since is None else self._counted_months(kind, since=rows.seconds(since))

    def _counted_months(self, kind: Kind, *conditions: ColumnElement[bool], since: int = rows.DAY_ONE) -> dict[str, tuple[Month, ...]]:
        of_it = and_(months.c.collection_id == collections.c.id, months.c.start >= since)
        counted = (
            select(collections.c.id, collections.c.slug, months.c.start, months.c.shown)
            .join_from(collections, months, of_it, isouter=True)
            .where(collections.c.kind == kind, *conditions, self._exists())
        )
        slugs: dict[int, str] = {}
        shown: dict[int, dict[int, int]] = {}
        for collection, slug, start, count in self._connection.execute(counted):
            slugs[collection] = slug
            if start is not None:
                shown.setdefault(collection, {})[start] = count
        spans = memberships.c
        turned = self._turned(spans.collection_id, spans.listed_at).where(spans.listed_at >= since)
        for collection, listed_at, more in self._connection.execute(turned):
            if collection in slugs:
                counts, start = shown.setdefault(collection, {}), rows.month_start(listed_at)
                counts[start] = counts.get(start, 0) + more
        return {
            slugs[collection]: tuple(Month(rows.moment(start), counts[start]) for start in sorted(counts, reverse=True) if counts[start])
            for collection, counts in shown.items()
        }

    def slice_collections(self, part: Slice, kinds: tuple[Kind, ...] = tuple(Kind)) -> tuple[Collection, ...]:
        if part.is_everything:
            found = (one for kind in kinds for one in self.collections(kind) if one.article_count)
            return tuple(sorted(found, key=lambda one: -one.article_count))
        counted = (
            select(memberships.c.collection_id, func.count().label("total"), func.max(memberships.c.listed_at).label("newest"))
            .where(
                self._visible(memberships.c), memberships.c.collection_id.in_(select(collections.c.id).where(collections.c.kind.in_(kinds)))
            )
            .where(self._slice(part).covers(memberships.c.article_id))
            .group_by(memberships.c.collection_id)
            .subquery()
        )
        query = (
            select(collections, counted.c.total, counted.c.newest)
            .join_from(counted, collections, counted.c.collection_id == collections.c.id)
            .order_by(counted.c.total.desc(), collections.c.folded)
        )
        return tuple(collection_of(row) for row in self._connection.execute(query))

    def neighbours(self, kind: Kind, slug: str, limit: int) -> tuple[Label, ...]:
        latest = (
            select(memberships.c.article_id)
            .where(*self._matching(ArticleQuery(kind, slug)))
            .order_by(memberships.c.listed_at.desc())
            .limit(_LATEST)
            .subquery()
        )
        query = (
            select(collections.c.slug, collections.c.name)
            .join_from(latest, memberships, latest.c.article_id == memberships.c.article_id)
            .join(collections, memberships.c.collection_id == collections.c.id)
            .where(collections.c.kind == Kind.TOPIC, self._visible(memberships.c))
            .group_by(collections.c.id, collections.c.slug, collections.c.name, collections.c.folded)
            .order_by(func.count().desc(), collections.c.folded)
            .limit(limit + 1)  # a topic is no neighbour of its own
        )
        found = (Label(row.slug, row.name) for row in self._connection.execute(query))
        return tuple(label for label in found if (kind, slug) != (Kind.TOPIC, label.slug))[:limit]

    def listed_before(self, kind: Kind, slug: str, moment: datetime) -> datetime | None:
        return self._extreme_listing(func.max, ArticleQuery(kind, slug, before=moment))

    def listed_from(self, kind: Kind, slug: str, moment: datetime) -> datetime | None:
        return self._extreme_listing(func.min, ArticleQuery(kind, slug, since=moment))

    def _extreme_listing(self, extreme: Any, query: ArticleQuery) -> datetime | None:
        found = select(extreme(memberships.c.listed_at)).where(*self._matching(query))
        listed_at = self._connection.execute(found).scalar()
        return None if listed_at is None else rows.moment(listed_at)

    def shown(self, identities: Iterable[str]) -> Mapping[str, ListedArticle]:
        visible = self._listed(articles).where(self._visible(articles.c))
        found = self._in_batches(visible, articles.c.key, map(identity_key, identities))
        return {listed.article.id: listed for listed in self._read(list(found))}

    def parents(self, identities: Iterable[str]) -> Mapping[str, tuple[Article, ...]]:
        keys = {identity_key(identity): identity for identity in identities}
        pointing = (
            select(relations.c.key, payloads.c.payload)
            .join_from(relations, articles, relations.c.article_id == articles.c.id)
            .join(payloads, payloads.c.id == articles.c.id)
            .where(self._visible(articles.c))
        )
        found: dict[str, list[Article]] = {identity: [] for identity in keys.values()}
        for row in self._in_batches(pointing, relations.c.key, keys):
            found[keys[row.key]].append(rows.article(row.payload))
        order = attrgetter("published_at", "id")
        return {identity: tuple(sorted(pointers, key=order)) for identity, pointers in found.items()}

    def _topic_names(self, ids: Iterable[int]) -> dict[int, Label]:
        columns = (collections.c.id, collections.c.slug, collections.c.name)
        topics = select(*columns).where(collections.c.kind == Kind.TOPIC)
        found = self._in_batches(topics, collections.c.id, set(ids))
        return {row.id: Label(row.slug, row.name) for row in found}

    def _hidden(self, identities: Iterable[str]) -> frozenset[str]:
        """Return those of the identities that are articles of the index and not shown."""
        keys = {identity_key(identity): identity for identity in identities}
        taken_down = select(files.c.key).where(files.c.takedown != Takedown.NONE)
        known = {row.key for row in self._in_batches(taken_down, files.c.key, keys)}
        for row in self._in_batches(select(articles.c.key), articles.c.key, keys):
            known.add(row.key)
        shown = {row.key for row in self._in_batches(select(articles.c.key).where(self._visible(articles.c)), articles.c.key, known)}
        return frozenset(keys[key] for key in known - shown)

    def _in_batches(self, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]) -> Iterator[rows.Row]:
        return in_batches(self._connection, query, column, values)

    def listings(self) -> Mapping[str, int]:
        found = select(articles.c.key, articles.c.listed_at).where(self._visible(articles.c))
        return dict(bulk.select(self._connection, found))

    def mark(self, holder: str) -> Mark | None:
        found = self._connection.execute(marks.select().where(marks.c.holder == holder)).one_or_none()
        return None if found is None else Mark(found.token, rows.seen(found.seen))

    def counts(self) -> Mapping[State, int]:
        return self._files.counts()

    def reports(self) -> Iterator[FileReport]:
        return self._files.reports()

    def refused(self) -> tuple[FileReport, ...]:
        return self._files.refused()

    def troubles(self) -> tuple[str, ...]:
        found = self._connection.execute(select(meta.c.value).where(meta.c.name == "troubles")).scalar()
        return tuple(found.split("\n")) if found else ()

    def failure(self) -> str | None:
        return self._connection.execute(select(meta.c.value).where(meta.c.name == "failure")).scalar() or None

    def topic_problems(self) -> tuple[tuple[str, Problem], ...]:
        found = self._connection.execute(topic_files.select().order_by(topic_files.c.path))
        return tuple((row.path, problem) for row in found for problem in rows.problems(row.problems))


def collection_id(kind: Kind, slug: str) -> Any:
    """Return the id of a collection, as a query."""
    return select(collections.c.id).where(collections.c.kind == kind, collections.c.slug == slug).scalar_subquery()


def _without(article: Article, hidden: frozenset[str]) -> Article:
    if not any(story.id in hidden for story in article.related):
        return article
    return replace(article, related=tuple(story for story in article.related if story.id not in hidden))

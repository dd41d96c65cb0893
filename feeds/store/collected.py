"""Reading the index: the collections at one moment, what they show and when they changed. Knows the tables; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from feeds import urls
from feeds.identity import fold
from feeds.model import Collection, Kind, TopicFacts
from feeds.store import rows
from feeds.store.queries import visible
from feeds.store.schema import articles, collections, former_slugs, memberships, meta, turns


class SqlCollections:
    """What a `Snapshot` (see `base`) says of collections, on one connection, inside one transaction."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now

    def collection(self, kind: Kind, slug: str) -> Collection | None:
        return next(iter(self._collections(kind, collections.c.slug == slug)), None)

    def collections(self, kind: Kind) -> tuple[Collection, ...]:
        return self._collections(kind, collections.c.kind == kind)

    def _collections(self, kind: Kind, condition: ColumnElement[bool]) -> tuple[Collection, ...]:
        newest = (
            select(memberships.c.listed_at)
            .where(memberships.c.collection_id == collections.c.id, self._visible(memberships.c))
            .order_by(memberships.c.listed_at.desc())
            .limit(1)
            .scalar_subquery()
        )
        turned = self._turned(memberships.c.collection_id).subquery()
        query = (
            select(collections, (collections.c.shown + func.coalesce(turned.c.more, 0)).label("total"), newest.label("newest"))
            .join_from(collections, turned, turned.c.collection_id == collections.c.id, isouter=True)
            .where(collections.c.kind == kind, condition, self._exists())
            .order_by(collections.c.folded)
        )
        return tuple(collection_of(row) for row in self._connection.execute(query))

    def _turned(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Return how many more memberships with each value of the columns are shown than at the refresh that counted them."""
        refreshed_at = self._connection.execute(select(meta.c.value).where(meta.c.name == "refreshed_at")).scalar()
        counted_at = int(refreshed_at or self._now)
        earlier, later = sorted((self._now, counted_at))
        turns_between = (and_(moment > earlier, moment <= later) for moment in (articles.c.shown_from, articles.c.shown_until))
        spans = memberships.c
        then = and_(spans.shown_from <= counted_at, spans.shown_until > counted_at)
        more = func.sum(case((self._visible(spans), 1), else_=0) - case((then, 1), else_=0))
        return (
            select(*columns, more.label("more"))
            .where(spans.article_id.in_(select(articles.c.id).where(or_(*turns_between))))
            .group_by(*columns)
        )

    def _exists(self) -> ColumnElement[bool]:
        return or_(collections.c.facts.is_not(None), collections.c.since <= self._now, collections.c.kind == Kind.ALL)

    def _visible(self, columns: Any) -> ColumnElement[bool]:
        return visible(columns, self._now)

    def slug_for(self, kind: Kind, spelling: str) -> str | None:
        folded = _known_as(kind, spelling)
        near = (
            select(collections.c.slug)
            .where(collections.c.kind == kind, or_(collections.c.folded == folded, collections.c.slug == folded), self._exists())
            .order_by(collections.c.folded != folded)
        )
        former = (
            select(collections.c.slug)
            .join_from(former_slugs, collections, former_slugs.c.collection_id == collections.c.id)
            .where(former_slugs.c.kind == kind, former_slugs.c.slug == folded, self._exists())
        )
        return self._connection.execute(near).scalars().first() or self._connection.execute(former).scalars().first()

    def topic_facts(self) -> tuple[TopicFacts, ...]:
        described = select(collections.c.slug, collections.c.facts).where(
            collections.c.kind == Kind.TOPIC, collections.c.facts.is_not(None)
        )
        found = ((row.slug, rows.topic_facts(row.facts)) for row in self._connection.execute(described.order_by(collections.c.folded)))
        return tuple(replace(facts, slug=slug) for slug, facts in found if facts is not None)

    def modified_at(self, kind: Kind, slug: str) -> datetime | None:
        return self._modification_times(collections.c.kind == kind, collections.c.slug == slug).get((kind, slug))

    def modification_times(self) -> Mapping[tuple[Kind, str], datetime]:
        return self._modification_times(self._exists())

    def _modification_times(self, *conditions: ColumnElement[bool]) -> dict[tuple[Kind, str], datetime]:
        passed = and_(turns.c.collection_id == collections.c.id, turns.c.at <= self._now)
        columns = (collections.c.kind, collections.c.slug, collections.c.modified_at)
        found = self._connection.execute(
            select(*columns, func.count(turns.c.at).label("total"), func.max(turns.c.at).label("last"))
            .join_from(collections, turns, passed, isouter=True)
            .where(*conditions)
            .group_by(collections.c.id, *columns)
        ).all()
        settings = self._connection.execute(select(meta.c.value).where(meta.c.name == "settings_at")).scalar()
        return {
            (Kind(row.kind), row.slug): rows.moment(modification_time(row.modified_at, int(settings or 0), row.total, row.last or 0))
            for row in found
        }


def _known_as(kind: Kind, spelling: str) -> str:
    """Return the folded name that a spelling stands for; providers go by their domain, whatever that is written like."""
    if kind is Kind.PROVIDER:
        with suppress(ValueError):
            return urls.domain(spelling)
    return fold(spelling)


def modification_time(modified_at: int, settings_at: int, turned: int, last_turn_at: int) -> int:
    """Return when a collection last changed, given how often it changed by itself since it was written.

    Every change counts for a second at least, so that each is later than the one before.
    """
    return max(last_turn_at, max(modified_at, settings_at) + turned)


def collection_of(row: rows.Row) -> Collection:
    """Return the collection of a row that has its `total` and its `newest` listing besides."""
    facts = rows.topic_facts(row.facts)
    newest_at = None if row.newest is None else rows.moment(row.newest)
    return Collection(Kind(row.kind), row.slug, row.name, row.total, newest_at, facts)

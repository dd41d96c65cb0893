"""A view that is read ahead, for who goes through all documents of many collections. Knows the tables; writes nothing.

An export has tens of thousands of documents, and a few questions for each; asked of the database one by one they take longer
than everything else. So the listing of a collection is read once, as numbers, and an article once, within bounds.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import msgspec
from sqlalchemy import and_, case, exists, not_, select, union

from feeds.identity import identity_key
from feeds.model import ArticleQuery, Collection, IndexState, Kind, Label, ListedArticle, Month, Takedown, TopicFacts
from feeds.store import rows
from feeds.store.schema import IS_REFUSED, articles, collections, files, memberships, payloads, relations
from feeds.store.snapshot import SqlSnapshot, collection_id

_Answer = TypeVar("_Answer")
_MAX_ARTICLES = 10_000  # kept at a time; some 10 KB each


class _Listing(msgspec.Struct, frozen=True, gc=False):
    """The shown articles of a collection in their order: when each was listed, as a negative number, and the id of its file."""

    times: tuple[int, ...]
    ids: tuple[int, ...]

    def span(self, query: ArticleQuery) -> tuple[int, int]:
        """Return where the articles of a time start and end."""
        start = 0 if query.before is None else bisect_right(self.times, -rows.seconds(query.before))
        end = len(self.times) if query.since is None else bisect_right(self.times, -rows.seconds(query.since))
        return start, max(start, end)

    def chosen(self, query: ArticleQuery) -> tuple[int, ...]:
        start, end = self.span(query)
        start += query.offset
        return self.ids[start : end if query.limit is None else min(end, start + query.limit)]


class GatheredSnapshot(SqlSnapshot):
    """A `Gathered` view (see `base`)."""

    @cached_property
    def _listings(self) -> dict[tuple[Kind, str], _Listing]:
        return {}

    @cached_property
    def _articles(self) -> OrderedDict[int, ListedArticle]:
        return OrderedDict()

    @cached_property
    def _versions(self) -> dict[int, bytes]:
        return {}

    @cached_property
    def _answers(self) -> dict[tuple[object, ...], Any]:
        return {}

    @cached_property
    def _state(self) -> IndexState:
        return super().state()

    @cached_property
    def _by_kind(self) -> dict[Kind, dict[str, Collection]]:
        return {}

    @cached_property
    def _names(self) -> dict[int, Label]:
        topics = select(collections.c.id, collections.c.slug, collections.c.name).where(collections.c.kind == Kind.TOPIC)
        return {row.id: Label(row.slug, row.name) for row in self._connection.execute(topics)}

    @cached_property
    def _lost(self) -> Mapping[int, tuple[str, ...]]:
        """Return the keys of the related stories that each article has and does not show."""
        shown = exists().where(articles.c.key == relations.c.key, self._visible(articles.c))  # a set of all that are takes longer
        taken_down = select(files.c.key).where(files.c.takedown != Takedown.NONE, files.c.key.is_not(None))
        known = union(taken_down, select(articles.c.key).where(not_(self._visible(articles.c))))
        query = select(relations).where(and_(relations.c.key.in_(known), not_(shown)))
        found: dict[int, tuple[str, ...]] = {}
        for row in self._connection.execute(query.order_by(relations.c.key)):
            found[row.article_id] = (*found.get(row.article_id, ()), row.key)
        return found

    @cached_property
    def _lost_keys(self) -> frozenset[str]:
        return frozenset(key for keys in self._lost.values() for key in keys)

    def _hidden(self, identities: Iterable[str]) -> frozenset[str]:
        return frozenset(identity for identity in identities if identity_key(identity) in self._lost_keys)

    def state(self) -> IndexState:
        return self._state

    def collection(self, kind: Kind, slug: str) -> Collection | None:
        return self._of_kind(kind).get(slug)

    def collections(self, kind: Kind) -> tuple[Collection, ...]:
        return tuple(self._of_kind(kind).values())

    def _of_kind(self, kind: Kind) -> dict[str, Collection]:
        if kind not in self._by_kind:
            self._by_kind[kind] = {found.slug: found for found in super().collections(kind)}
        return self._by_kind[kind]

    def articles(self, query: ArticleQuery) -> tuple[ListedArticle, ...]:
        if query.after is not None:
            return super().articles(query)
        chosen = self._listing(query.kind, query.slug).chosen(query)
        missing = {number for number in chosen if number not in self._articles}
        made = self._made(missing) if missing else {}  # even an empty question takes long to put
        result = tuple(made[number] if number in made else self._articles[number] for number in chosen)
        self._articles.update(made)
        while len(self._articles) > _MAX_ARTICLES:
            self._articles.popitem(last=False)
        return result

    def _made(self, missing: set[int]) -> dict[int, ListedArticle]:
        found = list(self._in_batches(self._listed(articles), articles.c.id, missing))
        return dict(zip((row.id for row in found), self._read(found), strict=True))

    def versions(self, query: ArticleQuery) -> tuple[bytes, ...]:
        chosen = self._listing(query.kind, query.slug).chosen(query)
        if missing := {number for number in chosen if number not in self._versions}:
            self._name(missing)
        return tuple(self._versions[number] for number in chosen)

    def _name(self, missing: set[int]) -> None:
        # The digest of a refused file is that of its broken bytes; what is shown is what it said before.
        kept = select(payloads.c.payload).where(payloads.c.id == articles.c.id).scalar_subquery()
        facts = select(
            articles.c.id, files.c.digest, files.c.path, articles.c.labels, case((IS_REFUSED, kept), else_=None).label("kept")
        ).join_from(articles, files, articles.c.id == files.c.id)
        for row in self._in_batches(facts, articles.c.id, missing):
            names = [self._names[label[0]] for label in rows.labels(row.labels) if label[0] in self._names]
            said = rows.encode((row.digest, row.path, names, self._lost.get(row.id), row.kept))
            self._versions[row.id] = hashlib.blake2b(said, digest_size=16).digest()

    def neighbours(self, kind: Kind, slug: str, limit: int) -> tuple[Label, ...]:
        return self._once(super().neighbours, kind, slug, limit)

    def topic_facts(self) -> tuple[TopicFacts, ...]:
        return self._once(super().topic_facts)

    def _once(self, ask: Callable[..., _Answer], *arguments: object) -> _Answer:
        """Return what was answered before; a question is asked for every page of a collection."""
        key = (ask.__name__, *arguments)
        if key not in self._answers:
            self._answers[key] = ask(*arguments)
        answer: _Answer = self._answers[key]
        return answer

    def months(self, kind: Kind, slug: str) -> tuple[Month, ...]:
        return self.all_months(kind).get(slug, ())

    def all_months(self, kind: Kind, since: datetime | None = None) -> Mapping[str, tuple[Month, ...]]:
        return self._once(super().all_months, kind, since)

    def count(self, query: ArticleQuery) -> int:
        start, end = self._listing(query.kind, query.slug).span(query)
        return end - start

    def listed_before(self, kind: Kind, slug: str, moment: datetime) -> datetime | None:
        listing = self._listing(kind, slug)
        start, end = listing.span(ArticleQuery(kind, slug, before=moment))
        return rows.moment(-listing.times[start]) if start < end else None

    def listed_from(self, kind: Kind, slug: str, moment: datetime) -> datetime | None:
        listing = self._listing(kind, slug)
        start, end = listing.span(ArticleQuery(kind, slug, since=moment))
        return rows.moment(-listing.times[end - 1]) if start < end else None

    def _listing(self, kind: Kind, slug: str) -> _Listing:
        found = self._listings.get((kind, slug))
        if found is None:
            listed = (
                select(memberships.c.listed_at, memberships.c.article_id)
                .join_from(memberships, articles, memberships.c.article_id == articles.c.id)
                .where(memberships.c.collection_id == collection_id(kind, slug), self._visible(memberships.c))
                .order_by(memberships.c.listed_at.desc(), articles.c.identity)
            )
            read = self._connection.execute(listed).all()
            found = self._listings[kind, slug] = _Listing(tuple(-row[0] for row in read), tuple(row[1] for row in read))
        return found

    def _topic_names(self, ids: Iterable[int]) -> dict[int, Label]:
        return {number: self._names[number] for number in set(ids) if number in self._names}

"""A slice of all articles -> the rows that match, wherever in a large index they are. Knows the tables and the conditions of a slice.

There are two ways to the first of many. Where articles that match are frequent, going through the foremost soon finds enough; where a
condition is rare, all that meet it are looked at. Some thousand rows tell which it is, and no database is left to guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select, tuple_

from feeds.model import Choice, Kind, Slice
from feeds.store import rows
from feeds.store.database import WordIndex
from feeds.store.queries import visible
from feeds.store.schema import articles, collections, memberships
from feeds.words import sought_words

_ALL = 2**62  # a limit that keeps an inner query apart: the order of the outer one is not to choose the way through it
_DAY = int(timedelta(days=1).total_seconds())
_KINDS = (Kind.TOPIC, Kind.PROVIDER, Kind.CATEGORY, Kind.TYPE)
_USED = tuple(articles.c[name] for name in ("id", "identity", "published_at", "listed_at", "quality", "heat", "labels"))
_Condition = ColumnElement[bool]
_Test = Callable[[Any], _Condition]  # of one article, given the columns of `articles`


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """How many articles a database looks at in some milliseconds; and how many are counted at most to find the fewest."""

    few: int = 2_000
    many: int = 20_000


_BOUNDS = Bounds()


class _Part(msgspec.Struct, frozen=True, gc=False):
    """The articles that meet one condition of a slice: all their ids, how to tell of one, and how many there are."""

    ids: Select[Any]
    has: _Test
    size: int | None = None  # None: not known yet
    collection: int | None = None  # its id, where they are those of one


class SliceQuery:
    """A slice in a view of the index at the moment `now`."""

    def __init__(self, connection: Connection, words: WordIndex, now: int, asked: Slice, bounds: Bounds = _BOUNDS) -> None:
        self._connection = connection
        self._words = words
        self._now = now
        self._asked = asked
        self._bounds = bounds

    def first(self, limit: int) -> Sequence[rows.Row]:
        """Return id, labels and listing time of those that match, at most `limit`: those that come first by the slice's order."""
        narrowest = self._narrowest(self._bounds.few)
        if narrowest is None:
            found = self._first_of_the_foremost(limit)
            if found is not None:
                return found
            narrowest = self._lead()
        candidates = select(*_USED).where(*self._begin(narrowest)).limit(_ALL)
        if len(self._parts) > 1:
            candidates = candidates.order_by(*self._order(articles.c))  # the other conditions are tested until enough meet them
        columns = candidates.subquery().c
        query = select(columns.id, columns.labels, columns.listed_at).where(*self._tests(columns, narrowest))
        return self._connection.execute(query.order_by(*self._order(columns)).limit(limit)).all()

    def covers(self, article_id: ColumnElement[int]) -> _Condition:
        """Return the condition that rows of another table, any number of them, are of articles that match."""
        narrowest = self._narrowest(self._bounds.many)
        lead = narrowest or self._lead()
        matching = select(articles.c.id).where(*self._begin(lead), *self._tests(articles.c, lead))
        # Rows of more articles are found sooner by going through all than by looking each up: for a sum there is no index.
        return (article_id if narrowest is not None else article_id + 0).in_(matching)

    def _first_of_the_foremost(self, limit: int) -> Sequence[rows.Row] | None:
        """Go through those articles alone that come first by the order; return None where too few of them match to tell."""
        query, lead = select(articles.c.id, articles.c.labels, articles.c.listed_at), None
        if self._asked.order is None:
            lead = min((part for part in self._parts if part.collection is not None), key=_size, default=None)
            place: tuple[Any, ...] = (memberships.c.listed_at,)
            collection = self._known[Kind.ALL, ""].id if lead is None else lead.collection
            within = [memberships.c.collection_id == collection, visible(memberships.c, self._now)]
            query = query.join_from(memberships, articles, memberships.c.article_id == articles.c.id)
        else:
            place = (articles.c[self._asked.order], articles.c.listed_at)
            within = [visible(articles.c, self._now)]
        order = [column.desc().nulls_last() if column.nullable else column.desc() for column in place]
        end = self._connection.execute(select(*place).where(*within).order_by(*order).offset(self._bounds.few).limit(1)).one_or_none()
        if end is not None:
            # Those that share their place with the last one are left out with it: the order among them goes on by identity.
            within.append(place[0].is_not(None) if end[0] is None else tuple_(*place) > tuple_(*end))
        query = query.where(*within, *self._tests(articles.c, lead)).order_by(*order, articles.c.identity)
        found = self._connection.execute(query.limit(limit)).all()
        return found if end is None or len(found) == limit else None

    def _begin(self, lead: _Part | None) -> Iterator[_Condition]:
        if lead is not None:
            yield articles.c.id.in_(lead.ids)
        yield visible(articles.c, self._now)

    def _tests(self, columns: Any, met: _Part | None) -> Iterator[_Condition]:
        """Yield every condition but one that is met anyway."""
        yield from (part.has(columns) for part in self._parts if part is not met)
        unwanted = self._ids(choice for choice in self._asked.choices if choice.is_excluded)
        if unwanted:
            yield ~_is_in(unwanted)(columns)

    def _order(self, columns: Any) -> tuple[ColumnElement[Any], ...]:
        number = () if self._asked.order is None else (columns[self._asked.order].desc().nulls_last(),)
        return (*number, columns.listed_at.desc(), columns.identity)

    def _narrowest(self, most: int) -> _Part | None:
        """Return the condition that the fewest articles meet, where they are at most `most`."""
        narrowest = None
        for part in sorted(self._parts, key=_size):
            size = self._count(part, most) if part.size is None else part.size
            if size <= most:
                narrowest, most = part, size
        return narrowest

    def _lead(self) -> _Part | None:
        """Return the condition to begin with where no article is left out of sight."""
        narrowest = self._narrowest(self._bounds.many) if len(self._parts) > 1 else None
        return narrowest or min(self._parts, key=_size, default=None)

    def _count(self, part: _Part, most: int) -> int:
        """Return how many articles meet a condition; where they are more than `most`, one more than that."""
        return self._connection.execute(select(func.count()).select_from(part.ids.limit(most + 1).subquery())).scalar_one()

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        return tuple(self._found_parts())

    def _found_parts(self) -> Iterator[_Part]:
        asked = self._asked
        for kind in _KINDS:
            choices = tuple(choice for choice in asked.choices if choice.kind is kind and not choice.is_excluded)
            alternatives = ((choice,) for choice in choices) if asked.match_all and kind is Kind.TOPIC else (choices,)
            yield from (self._of_any(any_of) for any_of in alternatives if any_of)
        for name, least in (("quality", asked.min_quality), ("heat", asked.min_heat)):
            if least is not None:
                yield _of_all(_at_least(name, least))
        if asked.since is not None or asked.until is not None:
            days = _midnight(asked.since or date.min), _midnight(asked.until or date.max) + _DAY - 1
            yield _of_all(lambda columns: columns.published_at.between(*days))
        if asked.sought is not None:
            words = sought_words(asked.sought)
            yield _Part(self._words.found(words), lambda columns: self._words.test(words, columns.id))

    def _of_any(self, choices: tuple[Choice, ...]) -> _Part:
        ids = self._ids(choices)
        found = select(memberships.c.article_id).where(memberships.c.collection_id.in_(ids))
        size = sum(self._known[choice.kind, choice.slug].shown for choice in choices if (choice.kind, choice.slug) in self._known)
        return _Part(found, _is_in(ids), size, ids[0] if len(ids) == 1 else None)

    def _ids(self, choices: Iterable[Choice]) -> list[int]:
        return [self._known[choice.kind, choice.slug].id for choice in choices if (choice.kind, choice.slug) in self._known]

    @cached_property
    def _known(self) -> dict[tuple[Kind, str], rows.Row]:
        """The collections that are chosen, and all articles: id, and how many were shown at the last refresh."""
        chosen = [(Kind.ALL, ""), *((choice.kind, choice.slug) for choice in self._asked.choices)]
        query = select(collections.c.id, collections.c.kind, collections.c.slug, collections.c.shown)
        found = self._connection.execute(query.where(tuple_(collections.c.kind, collections.c.slug).in_(chosen)))
        return {(Kind(row.kind), row.slug): row for row in found}


def _of_all(test: _Test) -> _Part:
    return _Part(select(articles.c.id).where(test(articles.c)), test)


def _at_least(name: str, least: int) -> _Test:
    return lambda columns: columns[name] >= least


def _is_in(ids: list[int]) -> _Test:
    """Return the test whether an article is in any of the collections: one look into the index of their listings."""

    def test(columns: Any) -> _Condition:
        other = memberships.alias().c
        listed = other.collection_id.in_(ids), other.listed_at == columns.listed_at, other.article_id == columns.id
        # As a value, not as `EXISTS`, which a database may turn into another way through everything.
        return select(literal_column("1")).where(*listed).limit(1).scalar_subquery().is_not(None)

    return test


def _size(part: _Part) -> int:
    return _ALL if part.size is None else part.size


def _midnight(day: date) -> int:
    return rows.seconds(datetime.combine(day, time(), UTC))

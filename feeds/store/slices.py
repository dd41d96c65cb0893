"""A slice of all articles -> the rows that match, wherever in a large index they are. Knows the tables and the conditions of a slice.

There are two ways to the first of many. Where articles that match are frequent, going through the foremost soon finds enough. Else
the index of words gives all that have the words and are in the collections, and the numbers and days of these are looked at: that
takes as long as there are articles, and no longer, whatever is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from feeds.model import Choice, Kind, Slice
from feeds.store import rows
from feeds.store.database import Sought, WordIndex
from feeds.store.queries import visible
from feeds.store.schema import articles, collections, memberships
from feeds.words import sought_words

_ALL = 2**62  # a limit that keeps an inner query apart: the order of the outer one is not to choose the way through it
_KINDS = (Kind.TOPIC, Kind.PROVIDER, Kind.CATEGORY, Kind.TYPE)
_Condition = ColumnElement[bool]


class Bounds(NamedTuple):
    """How many of the foremost articles are gone through; and of how many the collections are looked up one by one."""

    foremost: int = 2_000
    counted: int = 20_000


_BOUNDS = Bounds()


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
        if self._sought is None:
            return ()
        found = self._first_of_the_foremost(self._sought, limit)
        if found is not None:
            return found
        number = () if self._asked.order is None else (articles.c[self._asked.order],)
        used = (articles.c.id, articles.c.labels, articles.c.listed_at, articles.c.identity, *number)
        columns = self._matching(self._sought, used).limit(_ALL).subquery().c
        query = select(columns.id, columns.labels, columns.listed_at).order_by(*self._order(columns)).limit(limit)
        return self._connection.execute(query).all()

    def covers(self, article_id: ColumnElement[int]) -> _Condition:
        """Return the condition that rows of another table, any number of them, are of articles that match."""
        if self._sought is None:
            return article_id.is_(None)
        matching = self._matching(self._sought, (articles.c.id,))
        some = matching.limit(self._bounds.counted + 1).subquery()
        are_many = self._connection.execute(select(func.count()).select_from(some)).scalar_one() > self._bounds.counted
        # Rows of more articles are found sooner by going through all than by looking each up: for a sum there is no index.
        return (article_id + 0 if are_many else article_id).in_(matching)

    def _matching(self, sought: Sought, columns: Iterable[ColumnElement[Any]]) -> Select[Any]:
        found = self._words.found(sought).subquery()
        return (
            select(*columns).join_from(found, articles, articles.c.id == found.c.id).where(visible(articles.c, self._now), *self._tests())
        )

    def _first_of_the_foremost(self, sought: Sought, limit: int) -> Sequence[rows.Row] | None:
        """Go through those articles alone that come first by the order; return None where too few of them match to tell."""
        tests = list(self._tests())
        collection = self._only(sought)
        if collection is None or self._asked.order is not None:
            test = self._words.test(sought, articles.c.id)
            if test is None or self._are_rare:
                return None
            tests.append(test)
        query = select(articles.c.id, articles.c.labels, articles.c.listed_at)
        if self._asked.order is None:
            place: tuple[Any, ...] = (memberships.c.listed_at,)
            walked = self._everything if collection is None else collection
            within = [memberships.c.collection_id == walked, visible(memberships.c, self._now)]
            query = query.join_from(memberships, articles, memberships.c.article_id == articles.c.id)
        else:
            place = (articles.c[self._asked.order], articles.c.listed_at)
            within = [visible(articles.c, self._now)]
        order = [column.desc().nulls_last() if column.nullable else column.desc() for column in place]
        foremost = select(*place).where(*within).order_by(*order).offset(self._bounds.foremost).limit(1)
        end = self._connection.execute(foremost).one_or_none()
        if end is not None:
            # Those that share their place with the last one are left out with it: the order among them goes on by identity.
            within.append(place[0].is_not(None) if end[0] is None else tuple_(*place) > tuple_(*end))
        query = query.where(*within, *tests).order_by(*order, articles.c.identity)
        found = self._connection.execute(query.limit(limit)).all()
        return found if end is None or len(found) == limit else None

    def _only(self, sought: Sought) -> int | None:
        """Return the collection, where to be in it is all that is sought."""
        is_one = not sought.words and not sought.unwanted and [len(group) for group in sought.groups] == [1]
        return sought.groups[0][0] if is_one else None

    def _order(self, columns: Any) -> tuple[ColumnElement[Any], ...]:
        number = () if self._asked.order is None else (columns[self._asked.order].desc().nulls_last(),)
        return (*number, columns.listed_at.desc(), columns.identity)

    def _tests(self) -> Iterator[_Condition]:
        """Yield the conditions of numbers and days."""
        asked = self._asked
        for column, least in ((articles.c.quality, asked.min_quality), (articles.c.heat, asked.min_heat)):
            if least is not None:
                yield column >= least
        if asked.since is not None:
            yield articles.c.published_at >= _midnight(asked.since)
        if asked.until is not None:
            yield articles.c.published_at < _midnight(asked.until) + rows.DAY

    @cached_property
    def _sought(self) -> Sought | None:
        """What the index of words is asked for; None where no article can match."""
        groups = [self._ids(choices) for choices in self._groups]
        if not all(groups):
            return None
        words = () if self._asked.sought is None else sought_words(self._asked.sought)
        if not words and not groups:
            groups.append((self._everything,))
        return Sought(words, tuple(groups), self._ids(choice for choice in self._asked.choices if choice.is_excluded))

    @property
    def _groups(self) -> Iterator[tuple[Choice, ...]]:
        """The choices that are asked for: those of a group are alternatives."""
        for kind in _KINDS:
            choices = tuple(choice for choice in self._asked.choices if choice.kind is kind and not choice.is_excluded)
            if self._asked.match_all and kind is Kind.TOPIC:
                yield from ((choice,) for choice in choices)
            elif choices:
                yield choices

    @property
    def _are_rare(self) -> bool:
        """Whether so few articles can match that all are found at once."""
        sizes = (sum(self._known[place].shown for choice in group if (place := _place(choice)) in self._known) for group in self._groups)
        return min(sizes, default=_ALL) <= self._bounds.foremost

    @property
    def _everything(self) -> int:
        number: int = self._known[Kind.ALL, ""].id
        return number

    def _ids(self, choices: Iterable[Choice]) -> tuple[int, ...]:
        return tuple(self._known[_place(choice)].id for choice in choices if _place(choice) in self._known)

    @cached_property
    def _known(self) -> dict[tuple[Kind, str], rows.Row]:
        """The collections that are chosen, and all articles: id, and how many were shown at the last refresh."""
        chosen = [(Kind.ALL, ""), *map(_place, self._asked.choices)]
        query = select(collections.c.id, collections.c.kind, collections.c.slug, collections.c.shown)
        found = self._connection.execute(query.where(tuple_(collections.c.kind, collections.c.slug).in_(chosen)))
        return {(Kind(row.kind), row.slug): row for row in found}


def _place(choice: Choice) -> tuple[Kind, str]:
    return choice.kind, choice.slug


def _midnight(day: date) -> int:
    return rows.seconds(datetime.combine(day, time(), UTC))

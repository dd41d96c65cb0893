"""Writing the index: how many articles each collection shows of each month. Knows the calendar, and what has to be counted anew.

To count them whenever somebody asks took a quarter of a second for a list of all pages of 100,000 articles, and most of the time of
any page. As `collections.shown`, they are those of the refresh; who reads adds what turned since then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Connection, and_, func, select

from feeds.store import bulk, rows
from feeds.store.queries import batches, in_batches, visible
from feeds.store.schema import memberships, months

_LONGEST_MONTH = 31 * rows.DAY


class MonthBook:
    """The months of all collections, within one refresh; each is known by its first second."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._moved: dict[int, set[int]] = {}

    def move(self, collection: int, listed_at: int) -> None:
        """Note that a collection has other articles of a listing time."""
        self._moved.setdefault(collection, set()).add(rows.month_start(listed_at))

    def count(self, whole: Collection[int]) -> None:
        """Count the collections that are given anew, and of others the months that moved."""
        for some in batches(sorted(whole)):
            self._connection.execute(months.delete().where(months.c.collection_id.in_(some)))
            self._write(self._by_month(memberships.c.collection_id.in_(some)))
        for collection, moved in sorted(self._moved.items()):
            if collection not in whole:
                first, last = min(moved), max(moved)
                span = and_(memberships.c.listed_at >= first, memberships.c.listed_at < last + _LONGEST_MONTH)
                counts = self._by_month(and_(memberships.c.collection_id == collection, span))
                of_it = and_(months.c.collection_id == collection, months.c.start >= first, months.c.start <= last)
                self._connection.execute(months.delete().where(of_it))
                self._write({place: count for place, count in counts.items() if place[1] <= last})

    def _by_month(self, condition: ColumnElement[bool]) -> dict[tuple[int, int], int]:
        # Databases agree about whole numbers, not about calendars: they tell the days, and these are put into months here.
        day = (memberships.c.listed_at - rows.DAY_ONE) // rows.DAY
        listed = select(memberships.c.collection_id, day).where(visible(memberships.c, self._now), condition)
        counts: dict[tuple[int, int], int] = {}
        for (collection, number), count in Counter(bulk.select(self._connection, listed)).items():
            place = (collection, rows.month_of_day(number))
            counts[place] = counts.get(place, 0) + count
        return counts

    def _write(self, counts: Mapping[tuple[int, int], int]) -> None:
        bulk.insert(self._connection, months, [(*place, count) for place, count in sorted(counts.items())])

    def totals(self, collections: Collection[int]) -> dict[int, int]:
        """Return how many articles each of them shows; one that shows none is left out."""
        total = select(months.c.collection_id, func.sum(months.c.shown)).group_by(months.c.collection_id)
        found = in_batches(self._connection, total, months.c.collection_id, collections)
        return {collection: int(shown) for collection, shown in found}

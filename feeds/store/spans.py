"""Writing the index: when the article of a file is listed and shown. Knows the rule by which one takes over from another."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from sqlalchemy import Connection, bindparam, delete, update

from feeds.store import bulk, rows
from feeds.store.schema import FOREVER, articles, memberships


class Span(msgspec.Struct, frozen=True, gc=False):
    """When the article of a file is listed and shown; empty where `start` is not before `end`."""

    listed_at: int
    start: int
    end: int

    def listing(self, moment: int) -> int | None:
        """Return the listing time where the article is shown at the moment."""
        return self.listed_at if self.start <= moment < self.end else None


NEVER = Span(0, 0, 0)


def of(starts: list[int], listed_at: int | None, now: int, earliest: int) -> list[Span]:
    """Return the spans of the files of one identity, given when each starts and in the order in which they win.

    `listed_at` is when the identity was listed before; one that was not is listed at its publication, but not before `earliest`.
    """
    current = max((start for start in starts if start <= now), default=starts[0])
    if listed_at is None or listed_at > now:  # not shown yet
        listed_at = max(current, earliest)
    elif current > now:  # was shown, and is put off now
        listed_at = current
    return [Span(listed_at, start, end) for start, end in pairwise([*starts, FOREVER])]


def write(connection: Connection, changes: list[tuple[rows.Row, Span]]) -> None:
    """Give articles other spans; there may be none."""
    if not changes:
        return
    connection.execute(
        update(articles).where(articles.c.id == bindparam("of")),
        [{"of": row.id, "listed_at": span.listed_at, "shown_from": span.start, "shown_until": span.end} for row, span in changes],
    )
    connection.execute(delete(memberships).where(memberships.c.article_id.in_([row.id for row, _ in changes])))
    put_memberships(connection, [(row.id, rows.labels(row.labels), span) for row, span in changes if span.start < span.end])


def put_memberships(connection: Connection, listed: list[tuple[int, rows.Labels, Span]]) -> None:
    """List articles, by the id of their file, in the collections that they belong to."""
    bulk.insert(
        connection,
        memberships,
        [
            (collection, span.listed_at, file_id, span.start, span.end, name)
            for file_id, belongs, span in listed
            for collection, name in belongs
        ],
    )

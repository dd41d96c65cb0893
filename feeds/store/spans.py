"""Writing the index: when the article of a file is listed and shown. Knows the rule by which one takes over from another."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from feeds.model import Takedown
from feeds.store import bulk, rows
from feeds.store.labels import CollectionBook
from feeds.store.schema import FOREVER, articles, files, listings, memberships

COLUMNS = (articles.c.listed_at, articles.c.shown_from, articles.c.shown_until)


class Span(msgspec.Struct, frozen=True, gc=False):
    """When the article of a file is listed and shown; empty where `start` is not before `end`."""

    listed_at: int
    start: int
    end: int

    def listing(self, moment: int) -> int | None:
        """Return the listing time where the article is shown at the moment."""
        return self.listed_at if self.start <= moment < self.end else None


NEVER = Span(0, 0, 0)


def _of(starts: list[int], listed_at: int | None, now: int, earliest: int) -> list[Span]:
    """Return the spans of the files of one identity, given when each starts and in the order in which they win.

    `listed_at` is when the identity was listed before; one that was not is listed at its publication, but not before `earliest`.
    """
    current = max((start for start in starts if start <= now), default=starts[0])
    if listed_at is None or listed_at > now:  # not shown yet
        listed_at = max(current, earliest)
    elif current > now:  # was shown, and is put off now
        listed_at = current
    return [Span(listed_at, start, end) for start, end in pairwise([*starts, FOREVER])]


def settle(connection: Connection, book: CollectionBook, keys: list[str], now: int, earliest: int) -> set[str]:
    """Find who is shown when among the files of each identity, given by its key, and when it was listed.

    Returns the keys of those that were, or are now, seen differently; `earliest` is as in `_of`.
    """
    candidates: dict[str, list[rows.Row]] = {}
    query = (
        select(articles.c.id, articles.c.key, articles.c.published_at, files.c.path, *COLUMNS, articles.c.labels)
        .join_from(articles, files, articles.c.id == files.c.id)
        .where(articles.c.key.in_(keys))
        .order_by(articles.c.published_at, articles.c.updated_at, files.c.path)
    )
    for row in connection.execute(query):
        candidates.setdefault(row.key, []).append(row)
    removed = set(connection.execute(select(files.c.key).where(files.c.key.in_(keys), files.c.takedown == Takedown.IDENTITY)).scalars())
    listed = {row.key: row.listed_at for row in connection.execute(listings.select().where(listings.c.key.in_(keys)))}
    new_listings: list[bulk.Row] = []
    never_shown: list[str] = []
    changes: list[tuple[rows.Row, Span]] = []
    moved: set[str] = set()
    for key in keys:
        found, listed_at = candidates.get(key, []), listed.get(key)
        if found and key not in removed:
            settled = _of([row.published_at for row in found], listed_at, now, earliest)
            if settled[0].listed_at != listed_at:
                new_listings.append((key, settled[0].listed_at))
        else:
            settled = [NEVER for _ in found]
            if listed_at is not None and listed_at > now:
                never_shown.append(key)
        if all(span.listing(now) is None for span in settled):
            moved.add(key)
        for row, span in zip(found, settled, strict=True):
            before = Span(row.listed_at, row.shown_from, row.shown_until)
            if span != before:
                changes.append((row, span))
                book.revisit(row.labels, *(one.listed_at for one in (before, span) if one.start < one.end))
            if span.listing(now) != before.listing(now):
                book.touch(row.labels)
                moved.add(key)
    _write(connection, changes)
    unlisted = [*never_shown, *(key for key, _ in new_listings)]
    if unlisted:
        connection.execute(delete(listings).where(listings.c.key.in_(unlisted)))
    bulk.insert(connection, listings, new_listings)
    return moved


def _write(connection: Connection, changes: list[tuple[rows.Row, Span]]) -> None:
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

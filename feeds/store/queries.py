"""What the questions to the index have in common. Knows SQL and what a span is; knows no table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_

from feeds.store import rows

IN_CHUNK = 500  # values in one `IN (…)`


def visible(columns: Any, now: int) -> ColumnElement[bool]:
    """Return the condition that a span of the table covers the moment."""
    return and_(columns.shown_from <= now, columns.shown_until > now)


def in_chunks(connection: Connection, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]) -> Iterator[rows.Row]:
    """Yield what a query finds where a column has one of the values, however many there are."""
    ordered = sorted(values)
    for start in range(0, len(ordered), IN_CHUNK):
        yield from connection.execute(query.where(column.in_(ordered[start : start + IN_CHUNK])))

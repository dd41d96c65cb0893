"""What the questions to the index have in common. Knows SQL and what a span is; knows no table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_

from feeds.store import rows

_BATCH = 500  # values in one `IN (…)`, and rows written at once

_Value = TypeVar("_Value")


def visible(columns: Any, now: int) -> ColumnElement[bool]:
    """Return the condition that a span of the table covers the moment."""
    return and_(columns.shown_from <= now, columns.shown_until > now)


def batches(values: Iterable[_Value]) -> Iterator[list[_Value]]:
    """Part values into lists that are short enough for one statement, in their order."""
    iterator = iter(values)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def in_batches(connection: Connection, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]) -> Iterator[rows.Row]:
    """Yield what a query finds where a column has one of the values, however many there are."""
    for batch in batches(sorted(values)):
        yield from connection.execute(query.where(column.in_(batch)))

"""Many rows at once, past SQLAlchemy's own way, which takes longer than the database. Knows drivers' parameters; knows no table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Select, Table

Row = tuple[Any, ...]  # a value for each column, in the order of the table


def insert(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Insert rows; there may be none."""
    if rows:
        connection.exec_driver_sql(_statement(table, connection.dialect.paramstyle), rows)


def select(connection: Connection, query: Select[Any]) -> Iterator[Row]:
    """Return rows as the driver has them; of columns whose type makes no difference."""
    return iter(cast("Iterator[Row]", connection.execute(query).cursor))


@cache
def _statement(table: Table, style: str) -> str:
    mark = "?" if style == "qmark" else "%s"
    columns = ", ".join(column.name for column in table.columns)
    return f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join([mark] * len(table.columns))})"  # noqa: S608 - names of ours

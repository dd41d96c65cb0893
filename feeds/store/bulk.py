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


def drop_indexes(connection: Connection) -> tuple[str, ...]:
    """Drop the indexes of all tables for a first filling, where no reader notices that; return the statements that make them again.

    To sort all of an index at once takes half of the time that putting each row into its place does, and far less in a large one.
    """
    if connection.dialect.name != "sqlite":
        return ()
    known = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    indexes = connection.exec_driver_sql(known).all()
    for name, _ in indexes:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    return tuple(statement for _, statement in indexes)


def select(connection: Connection, query: Select[Any]) -> Iterator[Row]:
    """Return rows as the driver has them; of columns whose type makes no difference."""
    return iter(cast("Iterator[Row]", connection.execute(query).cursor))


@cache
def _statement(table: Table, style: str) -> str:
    mark = "?" if style == "qmark" else "%s"
    columns = ", ".join(column.name for column in table.columns)
    return f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join([mark] * len(table.columns))})"  # noqa: S608 - names of ours

"""What the index asks of a database, in types and words: its transactions and its words. Knows none by name.

Everything that differs from one database to the other stands behind this; tables and queries are the same for all.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, Select

if TYPE_CHECKING:
    from feeds.store.salvage import Salvage  # which knows the tables, whose module knows this one


class Sought(NamedTuple):
    """What articles are found by: they have all of the words, belong to a collection of each group, and to none that is unwanted.

    There is at least one word or group, and no group is empty; collections are said by their ids.
    """

    words: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]
    unwanted: tuple[int, ...]


def collection_word(number: int) -> str:
    """Return the word that stands for a collection; no word of a text begins with its sign."""
    return f"#{number}"


def collection_words(numbers: Iterable[int]) -> str:
    """Return the words of the collections that an article belongs to, with a space between two."""
    return " ".join(map(collection_word, numbers))


class WordIndex(Protocol):
    """By which words an article is found: those of `feeds.words`, and no dictionary of the database, and those of its collections.

    So one look tells who has the words and is in the collections, however many meet each of these conditions alone.
    """

    def create(self, connection: Connection) -> None:
        """Create what it keeps them in."""

    def put(self, connection: Connection, found_by: list[tuple[int, str]]) -> None:
        """Add the words of articles, with a space between two, by the id of their file, which must not be in the index."""

    def drop(self, connection: Connection, file_id: int, words: str) -> None:
        """Take an article out; the words must be those that were put in."""

    def adopt(self, connection: Connection, found_by: list[tuple[int, str]]) -> None:
        """Add more words of articles that are in the index; those must be others than they have."""

    def forget(self, connection: Connection) -> None:
        """Overwrite what was dropped, as far as the database does that at all."""

    def found(self, sought: Sought) -> Select[tuple[int]]:
        """Return the ids of all articles that are sought, as a query."""

    def test(self, sought: Sought, article_id: ColumnElement[int]) -> ColumnElement[bool] | None:
        """Return the condition that one article is sought, for some thousand that are asked about; None where all are found sooner."""


class Filling(Protocol):
    """A new index beside one that was never filled; unless it is accepted, nothing comes of it."""

    def connection(self) -> AbstractContextManager[Connection]:
        """Open the one transaction that makes its tables and fills it; leaving it commits."""

    def accept(self) -> None:
        """Put the new one in the place of the other one."""


class Rebuilding(Protocol):
    """An index that is made anew beside a damaged one; unless it is accepted, nothing comes of it."""

    @property
    def database(self) -> Database:
        """The new one, without a table."""

    def salvaging(self, now: int) -> AbstractContextManager[Salvage]:
        """Open what the damaged one still gives; the new one must have its tables by now."""

    def accept(self) -> str:
        """Put the new one in the place of the damaged one; return what to say of that."""


class Database(Protocol):
    """A database that keeps an index. Each of these may raise `StoreError`, and so may the work in the transactions."""

    @property
    def words(self) -> WordIndex:
        """By which words its articles are found."""

    def identity(self) -> object:
        """Return what tells the place of the tables from another that takes it; None where there is none yet."""

    def exists(self) -> bool:
        """Whether it has the tables of an index already, of whatever version."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that sees one state to its end, whoever writes meanwhile."""

    def migrating(self) -> AbstractContextManager[Connection]:
        """Open a transaction that nobody else writes beside, after waiting for its turn; leaving it commits."""

    def refreshing(self) -> AbstractContextManager[Connection]:
        """Open the same without waiting; the work may roll it back.

        Raises:
            IndexBusyError: another process has it.
        """

    def filling(self) -> AbstractContextManager[Filling | None]:
        """Open what takes a first filling better than the tables do; None where nothing does. It is only for who is in `refreshing`."""

    def rebuilding(self) -> AbstractContextManager[Rebuilding] | None:
        """Open what makes a damaged index anew, which one process does at a time; None where none was noticed to be damaged.

        Raises:
            IndexBusyError: another process does, or refreshes what it can of the damaged one.
        """

    def close(self) -> None:
        """Give back what is held open."""

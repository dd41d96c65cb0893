"""The index in SQLite, in a file or in memory: transactions, what is left in the file of what was overwritten, FTS5.

Knows SQLite; knows no table but its own of words.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec
from sqlalchemy import URL, ColumnElement, Connection, Integer, Select, column, select, table, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from feeds.errors import IndexBusyError, IndexDamagedError, StoreError
from feeds.store import mending
from feeds.store.database import Sought, collection_word
from feeds.store.filling import Filling
from feeds.store.sqlitefile import BUSY_SECONDS, READING_KIB, WRITING_KIB, engine_of, is_empty, set_pragma

if TYPE_CHECKING:
    from feeds.store.salvage import Salvage

DRIVERS = ("sqlite", "sqlite+pysqlite")
_log = logging.getLogger("feeds")
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_INDEX = table("word_index", column("rowid", Integer))


class Fts5Words:
    """The `WordIndex` (see `database`) of SQLite. It keeps no text, so what was put in has to be said again to be taken out.

    Spec: https://www.sqlite.org/fts5.html, sections 4.4.3 and 6.
    """

    def create(self, connection: Connection) -> None:
        # The tokenizer only parts at spaces: the words are made and folded already.
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE word_index USING fts5(words, content='', columnsize=0, detail=none, tokenize=\"ascii tokenchars '+#'\")"
        )

    def put(self, connection: Connection, found_by: list[tuple[int, str]]) -> None:
        if found_by:
            connection.exec_driver_sql("INSERT INTO word_index(rowid, words) VALUES (?, ?)", found_by)

    def drop(self, connection: Connection, file_id: int, words: str) -> None:
        statement = "INSERT INTO word_index(word_index, rowid, words) VALUES ('delete', ?, ?)"
        connection.exec_driver_sql(statement, (file_id, words))

    def forget(self, connection: Connection) -> None:
        # Until then the words still stand in the index's pages.
        connection.exec_driver_sql("INSERT INTO word_index(word_index) VALUES ('optimize')")

    def adopt(self, connection: Connection, found_by: list[tuple[int, str]]) -> None:
        self.put(connection, found_by)  # an article is where its words are, and nowhere else

    def found(self, sought: Sought) -> Select[tuple[int]]:
        wanted = [f'"{word}"' for word in sought.words] + [_any_of(group) for group in sought.groups]
        unwanted = f" NOT {_any_of(sought.unwanted)}" if sought.unwanted else ""
        matching = text("word_index MATCH :sought").bindparams(sought=f"({' AND '.join(wanted)}){unwanted}")
        # A sum, by which this table can't be asked: who joins it goes through it, once, in the order of the articles' own table.
        return select((_INDEX.c.rowid + 0).label("id")).where(matching)

    def test(self, sought: Sought, article_id: ColumnElement[int]) -> None:
        """Test none: to find the place of one article among all that have a word takes as long as to go through thousands."""


class SqliteDatabase:
    """The `Database` (see `database`) at an SQLite URL.

    Raises:
        StoreError: the URL says more than where the file is.
    """

    words = Fts5Words()

    def __init__(self, url: URL) -> None:
        self._name = url.render_as_string()
        if url.host or url.query:
            raise StoreError(f"{self._name}: only sqlite:///PATH is supported")
        self._file = Path(url.database) if url.database else None
        self._engine = engine_of(url, self._file)
        self._sound: object = None  # the identity of the file that was looked through last and found sound

    def identity(self) -> object:
        return "memory" if self._file is None else mending.identity(self._file)

    def exists(self) -> bool:
        return self._file is not None and self._file.is_file()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        if self.identity() is None:  # who only reads makes no file
            raise StoreError(f"{self._name}: is not there")
        with self._errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        with self._errors(), self._writing(BUSY_SECONDS) as connection:
            yield connection

    @contextmanager
    def refreshing(self) -> Iterator[Connection]:
        with self._errors():
            with self._writing(wait_seconds=0) as connection:
                yield connection
            self._forget_overwritten()

    @contextmanager
    def _writing(self, wait_seconds: int) -> Iterator[Connection]:
        connected = self._engine.connect().execution_options(begin="BEGIN IMMEDIATE")
        with connected as connection, _busy_timeout(connection, wait_seconds), _room_to_write(connection), connection.begin():
            yield connection

    def _forget_overwritten(self) -> None:
        """Empty the write-ahead log, which still holds what a takedown overwrote; where a reader needs it, the next refresh does."""
        with self._engine.connect() as connection, _busy_timeout(connection, 0):
            set_pragma(connection, "wal_checkpoint(TRUNCATE)")

    @contextmanager
    def filling(self) -> Iterator[Filling | None]:
        try:
            filling = None if self._file is None else Filling(self._file)
        except OSError:  # then it is filled where it is
            filling = None
        try:
            yield filling
        finally:
            if filling is not None:
                filling.close()

    def rebuilding(self) -> AbstractContextManager[_Rebuilding] | None:
        return None if self._file is None or mending.noted(self._file) is None else self._rebuilding(self._file)

    @contextmanager
    def _rebuilding(self, file: Path) -> Iterator[_Rebuilding]:
        with self._driver_errors(), ExitStack() as held:
            with mending.errors(file):
                held.enter_context(mending.alone(file.parent))
                rebuilding = _Rebuilding(file)
            held.callback(rebuilding.close)
            with suppress(IndexDamagedError), self._driver_errors():  # as far as it still has locks, nobody else refreshes it
                held.enter_context(self._writing(wait_seconds=0))
            yield rebuilding

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with self._driver_errors():
                yield
        except msgspec.MsgspecError as error:
            self._damaged(error)
        except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
            if self._is_sound():
                raise  # a bug
            self._damaged(error)  # broken pages give values that no index has

    @contextmanager
    def _driver_errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            if "locked" in str(cause):
                raise IndexBusyError("another process refreshes the index right now") from error
            if self._is_damage(cause):
                self._damaged(cause)
            raise StoreError(f"{self._name}: {cause}") from error
        except UnicodeDecodeError as error:  # of a text, or of what SQLite quotes of a broken schema
            self._damaged(error)

    def _is_damage(self, cause: BaseException) -> bool:
        is_told = getattr(cause, "sqlite_errorcode", 0) & 0xFF in _DAMAGE or "Could not decode" in str(cause)
        return is_told or (self._file is not None and is_empty(self._file))

    def _is_sound(self) -> bool:
        identity = self.identity()
        if self._file is None or identity == self._sound:  # a look takes long, and a bug may be met often
            return True
        try:
            with closing(sqlite3.connect(self._file)) as connection:
                is_sound = bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.Error:
            return False
        self._sound = identity if is_sound else None
        return is_sound

    def _damaged(self, error: BaseException) -> NoReturn:
        damaged = IndexDamagedError(self._file or self._name, str(error))
        if self._file is not None and mending.note(self._file, str(error)):
            _log.error("%s", damaged)
        raise damaged from error

    def blank(self) -> bytes:
        """Return the bytes of the file as they would be without a write-ahead log."""
        with self._engine.connect() as connection:
            return bytes(connection.connection.driver_connection.serialize())  # type: ignore[union-attr] # of sqlite3

    def close(self) -> None:
        self._engine.dispose()


def _any_of(group: tuple[int, ...]) -> str:
    words = [f'"{collection_word(number)}"' for number in group]
    return f"({' OR '.join(words)})"


class _Rebuilding:
    """A `Rebuilding` (see `database`) beside a damaged file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._new = file.with_name(f"{file.name}.new")
        mending.remove(self._new)  # of who was killed at it
        self._new.touch()  # says why where that is impossible
        self._new.unlink()
        self.database = SqliteDatabase(URL.create("sqlite", database=str(self._new)))

    @contextmanager
    def salvaging(self, now: int) -> Iterator[Salvage]:
        from feeds.store.salvage import salvaging  # noqa: PLC0415 - it is hardly ever needed

        with ExitStack() as held:
            with mending.errors(self._file):
                found = held.enter_context(salvaging(self._file, self.database.blank, now))
            yield found

    def accept(self) -> str:
        reason = mending.noted(self._file)
        self.database.close()  # the last one who has it open takes its log away
        with mending.errors(self._file):
            aside = mending.replace(self._file, self._new)
        return f"{self._file}: was damaged ({reason}) and is made anew; the damaged one is kept as {aside}"

    def close(self) -> None:
        self.database.close()
        mending.remove(self._new)


@contextmanager
def _busy_timeout(connection: Connection, seconds: int) -> Iterator[None]:
    set_pragma(connection, f"busy_timeout={seconds * 1000}")
    try:
        yield
    finally:
        set_pragma(connection, f"busy_timeout={BUSY_SECONDS * 1000}")


@contextmanager
def _room_to_write(connection: Connection) -> Iterator[None]:
    set_pragma(connection, f"cache_size=-{WRITING_KIB}")
    try:
        yield
    finally:
        set_pragma(connection, f"cache_size=-{READING_KIB}")

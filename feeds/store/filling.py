"""The first filling of an index file: a new file beside it, which takes its place. Knows SQLite's files; knows no table.

Who fills an index where it stands writes all of it twice, once into the write-ahead log. But as long as nothing was ever in it,
nobody misses what is not finished: so it is written without any log, for nobody to see, and is there at one stroke.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection

from feeds.errors import StoreError
from feeds.store import mending
from feeds.store.sqlitefile import WRITING_KIB, engine_of, set_pragma


class Filling:
    """The new file; unless it is accepted, nothing comes of it. Whoever has it holds the lock to write the other one."""

    def __init__(self, file: Path) -> None:
        """Make room for it.

        Raises:
            OSError: there is none beside the file.
        """
        self._file = file.resolve()  # a link stays one
        self._new = self._file.with_name(f"{self._file.name}.filling")
        mending.remove(self._new)  # of who was killed at it
        self._new.touch()
        self._new.unlink()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Open the one transaction that fills it."""
        engine = engine_of(URL.create("sqlite", database=str(self._new)), self._new)
        try:
            with engine.connect() as connection:
                for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{WRITING_KIB}"):
                    set_pragma(connection, pragma)
                with connection.begin():
                    yield connection
                set_pragma(connection, "journal_mode=WAL")
        finally:
            engine.dispose()

    def accept(self) -> None:
        """Put the finished file in the place of the other one; who has that open sees that it is gone (see `sqlitefile`).

        Raises:
            StoreError: the file system does not let it.
        """
        try:
            self._new.chmod(self._file.stat().st_mode & 0o777)
            with self._new.open("rb") as written:
                os.fsync(written.fileno())
            mending.remove_beside(self._file)  # first, because the new database would take them for its own
            self._new.replace(self._file)
        except OSError as error:
            raise StoreError(f"{self._file}: can't be replaced by what was filled: {error.strerror}") from error

    def close(self) -> None:
        """Remove it where it was not accepted."""
        mending.remove(self._new)

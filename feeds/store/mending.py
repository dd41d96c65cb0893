"""A damaged index file: how it is noted for who makes it anew, and how the new one takes its place. Knows files; knows no table."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from feeds.errors import IndexBusyError, StoreError

_KEPT = 3  # damaged files; older ones make room
_LOGS = ("-wal", "-shm")  # what SQLite has beside a database

Identity = tuple[int, int]


def identity(file: Path) -> Identity | None:
    """Return what tells a file from another in its place; None where there is none."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def note(file: Path, reason: str) -> bool:
    """Leave word that a file is damaged, for whoever refreshes next; return whether that is news."""
    if noted(file) is not None:
        return False
    with suppress(OSError):  # who may write nothing here mends nothing here either
        _notice(file).write_text(f"{_told(file)} {reason}\n", "utf-8")
    return True


def noted(file: Path) -> str | None:
    """Return why a file was said to be damaged; None where that was not said of this file, or of an earlier one in its place."""
    if identity(file) is None:
        return None
    try:
        told, _, reason = _notice(file).read_text("utf-8", errors="replace").strip().partition(" ")
    except OSError:
        return None
    return reason if told == _told(file) else None


def _notice(file: Path) -> Path:
    return file.with_name(f"{file.name}.to-mend")


def _told(file: Path) -> str:
    return ":".join(map(str, identity(file) or ()))


@contextmanager
def errors(file: Path) -> Iterator[None]:
    """Turn what the file system refuses into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{file}: is damaged, and can't be made anew: {error.strerror}") from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only one who makes an index in a folder anew: a damaged file has no locks to rely on.

    Raises:
        IndexBusyError: somebody else does.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise IndexBusyError("another process makes the index anew right now") from error
    finally:
        os.close(descriptor)


def replace(file: Path, new: Path) -> Path:
    """Put a closed database in the place of a damaged one, at one stroke; return where that is kept.

    Who has the damaged one open goes on with it, and at its end leaves alone what has its name by then:
    SQLite looks whether its file has moved (https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html, HAS_MOVED).
    """
    kept = sorted((int(found[1]), path) for path in file.parent.iterdir() if (found := _numbered(file).fullmatch(path.name)))
    for _, oldest in kept[: max(0, len(kept) - _KEPT + 1)]:
        remove(oldest)
    aside = file.with_name(f"{file.name}.damaged-{kept[-1][0] + 1 if kept else 1}")
    for suffix in _LOGS:  # first, because a new database would take them for its own
        with suppress(FileNotFoundError):
            Path(f"{file}{suffix}").rename(f"{aside}{suffix}")
    aside.hardlink_to(file)
    new.rename(file)
    _notice(file).unlink(missing_ok=True)
    return aside


def _numbered(file: Path) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(file.name)}\.damaged-([0-9]+)")


def remove(database: Path) -> None:
    """Remove a database file and what is beside it, as far as there is any."""
    database.unlink(missing_ok=True)
    remove_beside(database)


def remove_beside(database: Path) -> None:
    """Remove what SQLite has beside a database file, and the word that it is damaged."""
    for suffix in _LOGS:
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    _notice(database).unlink(missing_ok=True)

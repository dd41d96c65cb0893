"""What an index knows of files, so that a refresh can tell which ones changed. Knows their table; writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, and_, case, func, or_, select

from feeds.model import FileFacts, FileStamp
from feeds.store import bulk
from feeds.store.queries import in_batches
from feeds.store.schema import files


def stamps(connection: Connection, parts: Iterable[str], digest_start: bytes) -> set[FileStamp]:
    """Return the stamps of known files (see `Refresh.known_files`)."""
    is_like = func.substr(files.c.digest, 1, len(digest_start)) == digest_start
    query = select(files.c.path, case((is_like, files.c.size), else_=-1), files.c.modified_ns)
    known: set[FileStamp] = set()
    for part in parts:
        below = and_(files.c.path >= f"{part}/", files.c.path < f"{part}0")  # "0" comes right after "/"
        known.update(bulk.select(connection, query.where(or_(files.c.path == part, below)) if part else query))
    return known


def facts(connection: Connection, paths: Iterable[str]) -> Mapping[str, FileFacts]:
    """Return the facts of known files by their path."""
    query = select(files.c.path, files.c.size, files.c.modified_ns, files.c.digest)
    found = in_batches(connection, query, files.c.path, paths)
    return {row.path: FileFacts(row.size, row.modified_ns, row.digest) for row in found}

"""What a damaged index file still gives of what its files can't give back: row by row, past all that is broken.

Knows how SQLite fails, and in which tables what stands; knows no rule. Nothing that is read here is believed unseen.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, Table

from feeds.model import Kind, Outcome, State, Takedown
from feeds.store import bulk, mending, rows
from feeds.store.prepared import Prepared, prepare
from feeds.store.schema import (
    SALVAGED,
    SALVAGED_IN_PART,
    SALVAGED_WHOLE,
    articles,
    collections,
    files,
    former_slugs,
    listings,
    marks,
    meta,
    topic_files,
)

_BROKEN = (sqlite3.Error, UnicodeDecodeError)  # the latter where SQLite quotes what it can't read
_KEY = re.compile(b"[0-9a-f]{32}")
_PREFIXES = 16**3  # of keys; where listings are broken, reading goes on at the next
_END_OF_TIME = 253_402_300_800  # of what a datetime can say
_GAP = 100_000  # rows; behind a longer gap nothing is looked for
_LARGEST_POWER = 25  # of two: no table has more rows
_HEADER_BYTES = 100
_VERSIONS_AT, _PAGE_COUNT_AT = 18, 28
_META = frozenset({"revision", "settings_at", "fingerprint", "refreshed_at"})  # the rest says what is in tables that are made anew


@contextmanager
def salvaging(file: Path, blank: Callable[[], bytes], now: int) -> Iterator[Salvage]:
    """Open what a damaged file still gives; `blank` returns the bytes of an empty index, for what is missing of its first pages.

    What is said to have happened after `now` did not.
    """
    copy = file.with_name(f"{file.name}.salvage")
    try:
        with closing(_readable(file, copy, blank)) as connection:
            yield Salvage(connection, now)
    finally:
        mending.remove(copy)


def _readable(file: Path, copy: Path, blank: Callable[[], bytes]) -> sqlite3.Connection:
    """Return a connection to the file or, where that gives no table, to a copy with another beginning; else to nothing."""
    connection = _opened(file)
    if _answers(connection):
        return connection
    connection.close()
    pages = _Pages(blank())
    for beginning in (pages.header, pages.schema):
        _copy(file, copy, pages, beginning)
        connection = _opened(copy)
        if _answers(connection):
            return connection
        connection.close()
    return sqlite3.connect(":memory:")


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(file))}", uri=True, isolation_level=None)
    connection.text_factory = bytes  # a broken text must not keep back its row
    with suppress(*_BROKEN):
        connection.execute("PRAGMA writable_schema=ON")  # read what there is of a broken schema
    return connection


def _answers(connection: sqlite3.Connection) -> bool:
    try:
        return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'listings'").fetchone() is not None
    except _BROKEN:
        return False


class _Pages:
    """The bytes of another index with the same tables, made in the same order: parts of it stand for what is broken in ours.

    Spec: https://www.sqlite.org/fileformat2.html, section 1.3.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = int.from_bytes(data[16:18], "big")  # bytes

    @property
    def header(self) -> bytes:
        """Return what the file begins with."""
        return self._data[:_HEADER_BYTES]

    @property
    def schema(self) -> bytes:
        """Return the page that says which tables there are, which is the first."""
        return self._data[: self.size]


def _copy(file: Path, copy: Path, pages: _Pages, beginning: bytes) -> None:
    mending.remove(copy)
    shutil.copyfile(file, copy)
    with suppress(FileNotFoundError):
        shutil.copyfile(f"{file}-wal", f"{copy}-wal")
    with copy.open("r+b") as stream:
        stream.write(beginning)
        stream.seek(_VERSIONS_AT)
        stream.write(b"\2\2")  # it has a write-ahead log
        stream.seek(_PAGE_COUNT_AT)
        stream.write((copy.stat().st_size // pages.size).to_bytes(4, "big"))


class Salvage:
    """What can be read of one broken database, to be put into a new one."""

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._broken: set[Table] = set()
        self._counts: dict[str, int] = {}

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self._counts.items())

    def restore(self, connection: Connection) -> None:
        """Put the rows that stand as they did into new tables."""
        listed, found = self._listed(), list(self._collections())
        ids = {row[0] for row in found}
        marked = _distinct(1, self._marks())
        bulk.insert(connection, listings, list(listed.items()))
        bulk.insert(connection, collections, found)
        bulk.insert(connection, former_slugs, _distinct(2, (row for row in self._former_slugs() if row[2] in ids)))
        bulk.insert(connection, marks, marked)
        bulk.insert(connection, topic_files, _distinct(1, self._topic_files()))
        if listed or found:
            known = {"refreshed_at": "0"} | dict(self._meta())
            known[SALVAGED] = SALVAGED_IN_PART if listings in self._broken else SALVAGED_WHOLE
            bulk.insert(connection, meta, list(known.items()))
        self._counts = {"listing times": len(listed), "topics and other collections": len(found), "marks of who follows": len(marked)}

    def files(self) -> Iterator[Prepared]:
        """Yield what files said when they were good, and what others take down.

        They are to be read anew all the same: what can't be read now, or is refused, stays what it was.
        """
        count, seen = 0, set[str]()
        for number, path, takedown, key in self._walk(files, "id", "path", "takedown", "key"):
            name, taken = _text(path), _text(takedown)
            if not name or name in seen or taken not in tuple(Takedown):
                continue
            seen.add(name)
            if taken != Takedown.NONE:
                yield Prepared(name, State.HIDDEN, Takedown(taken), key.decode() if _is_key(key) else None, None, None)
                continue
            with suppress(*_BROKEN, msgspec.MsgspecError, ValueError, TypeError):
                payload = self._connection.execute("SELECT payload FROM payloads WHERE id = ?", (number,)).fetchone()
                if payload is not None:
                    article = rows.article(payload[0])
                    yield prepare(Outcome(name, State.SHOWN, article, article.id))
                    count += 1
        self._counts["articles"] = count

    def _walk(self, table: Table, *names: str) -> Iterator[tuple[Any, ...]]:
        """Yield columns of a table that has row ids, past what is broken, each text as bytes."""
        place, misses = 0, 0
        query = f"SELECT rowid, {', '.join(names)} FROM {table.name} WHERE rowid > ? ORDER BY rowid"  # noqa: S608 - names of ours
        while misses < _GAP:
            try:
                for row_id, *row in self._connection.execute(query, (place,)):
                    if row_id <= place:
                        raise sqlite3.DatabaseError("rows in no order")
                    place, misses = row_id, 0
                    yield tuple(row)
            except _BROKEN:
                self._broken.add(table)
                if not self._is_reachable(table):
                    return
                place, misses = place + 1, misses + 1
            else:
                return

    @cache  # noqa: B019 - of a reader that is gone with its file
    def _is_reachable(self, table: Table) -> bool:
        """Whether any place of a table can be reached, rows there or not."""
        query = f"SELECT rowid FROM {table.name} WHERE rowid >= ? LIMIT 1"  # noqa: S608 - names of ours
        for power in range(_LARGEST_POWER):
            with suppress(*_BROKEN):
                self._connection.execute(query, (2**power,)).fetchall()
                return True
        return False

    def _listed(self) -> dict[str, int]:
        """Return when each identity was first shown; of those whose row is lost, where its article still says it."""
        listed: dict[str, int] = {}
        prefix = 0
        while prefix < _PREFIXES:
            try:
                for key, listed_at in self._connection.execute("SELECT key, listed_at FROM listings WHERE key >= ?", (f"{prefix:03x}",)):
                    if _is_key(key) and _is_moment(listed_at):
                        listed[key.decode()] = listed_at
                        prefix = max(prefix, int(key[:3], 16))
            except _BROKEN:
                self._broken.add(listings)
                prefix += 1
            else:
                break
        for key, listed_at, start, end in self._walk(articles, "key", "listed_at", "shown_from", "shown_until"):
            if _is_key(key) and _is_moment(listed_at) and isinstance(start, int) and isinstance(end, int) and start < end:
                listed.setdefault(key.decode(), listed_at)
        return listed

    def _collections(self) -> Iterator[bulk.Row]:
        seen: set[tuple[str, str]] = set()
        columns = ("id", "kind", "folded", "slug", "name", "since", "modified_at", "facts")
        for number, kind, folded, slug, name, since, modified_at, facts in self._walk(collections, *columns):
            of, texts = _text(kind), tuple(map(_text, (folded, slug, name)))
            if of not in tuple(Kind) or None in texts or (of, texts[0]) in seen:
                continue
            if not _is_moment(modified_at) or not (since is None or _is_moment(since)):
                continue
            seen.add((of, str(texts[0])))
            yield (number, of, *texts, since, min(modified_at, self._now), facts if _decodes(rows.topic_facts, facts) else None, 0)

    def _former_slugs(self) -> Iterator[bulk.Row]:
        for kind, slug, number in self._walk(former_slugs, "kind", "slug", "collection_id"):
            yield _text(kind), _text(slug), number

    def _marks(self) -> Iterator[bulk.Row]:
        for holder, token, seen in self._walk(marks, "holder", "token", "seen"):
            if seen is not None and _decodes(rows.seen, seen):
                yield _text(holder), _text(token), seen

    def _topic_files(self) -> Iterator[bulk.Row]:
        for path, facts, problems in self._walk(topic_files, "path", "facts", "problems"):
            if _decodes(rows.topic_facts, facts) and _decodes(rows.problems, problems):
                yield _text(path), facts, problems

    def _meta(self) -> Iterator[tuple[str, str]]:
        for name, value in self._walk(meta, "name", "value"):
            known, text = _text(name), _text(value)
            if known == "fingerprint" and text:
                yield known, text
            elif known in _META and text and text.isdecimal():
                yield known, text if known == "revision" else str(min(int(text), self._now))


def _distinct(width: int, found: Iterator[bulk.Row]) -> list[bulk.Row]:
    """Return rows whose texts could be read, each once by its first columns."""
    return list({row[:width]: row for row in found if None not in row[:2]}.values())


def _text(value: Any) -> str | None:
    try:
        return value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        return None


def _decodes(decode: Callable[[Any], object], payload: Any) -> bool:
    try:
        decode(payload)
    except (msgspec.MsgspecError, ArithmeticError, ValueError, TypeError, OSError):
        return False
    return True


def _is_key(value: Any) -> bool:
    return isinstance(value, bytes) and _KEY.fullmatch(value) is not None


def _is_moment(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < _END_OF_TIME

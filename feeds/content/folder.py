"""A folder -> its candidate files, and their bytes. Knows the file system; knows nothing of what the files say."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from feeds.content.frontmatter import MAX_BYTES
from feeds.errors import FeedsError

SUFFIXES = (".md", ".markdown", ".html", ".txt")
_TOPIC_DATA = ("_data", "topics")
_TOPIC_SUFFIXES = (".yaml", ".yml")
_LEFT_OUT = frozenset({"_drafts", "_site", "node_modules", "vendor"})


class FolderError(FeedsError):
    """The content folder can't be read; what is indexed stays as it is."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A regular file that may be an article, or topic data. `path` is relative to the folder, with slashes, and always text."""

    path: str
    file: str  # as the operating system has it
    size: int  # bytes
    modified_ns: int


def scan(folder: Path) -> Iterator[Candidate]:
    """Yield every candidate below the folder, each once, in no particular order.

    A link counts only where what it leads to is inside the folder; a folder that is reached twice counts once.

    Raises:
        FolderError: the folder itself can't be read.
    """
    root = os.path.realpath(folder)
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        raise FolderError(f"{folder}: can't be read as a folder: {error.strerror}") from error
    yield from _with_one_path_each(_walk(root))


def _with_one_path_each(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Leave out a file whose name is no text where another has the same escapes written out in its name."""
    escaped: set[str] = set()
    for candidate in candidates:
        if "\\" in candidate.path:
            if candidate.path in escaped:
                continue
            escaped.add(candidate.path)
        yield candidate


def _walk(root: str) -> Iterator[Candidate]:
    visited: set[str] = set()
    links: list[str] = []
    yield from _below(root, root, visited, links)
    for link in links:  # grows while it is gone through: links may lead to links
        if os.path.realpath(link).startswith(root + os.sep):
            yield from _below(link, root, visited, links)


def _below(top: str, root: str, visited: set[str], links: list[str]) -> Iterator[Candidate]:
    pending = [top]
    while pending:
        directory = pending.pop()
        real = os.path.realpath(directory)
        if real in visited:
            continue
        visited.add(real)
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError:
            continue  # vanished or forbidden since its parent was read: its files are gone for us
        for entry in entries:
            if entry.name.lower().endswith(SUFFIXES):
                candidate = _candidate(entry, root)
                if candidate is not None:
                    yield candidate
                    continue
            if not entry.name.startswith(".") and entry.name not in _LEFT_OUT and _is_directory(entry):
                (links if entry.is_symlink() else pending).append(entry.path)


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link in a circle


def _candidate(entry: os.DirEntry[str], root: str) -> Candidate | None:
    try:
        facts = entry.stat()
        if not stat.S_ISREG(facts.st_mode):
            return None
        if entry.is_symlink() and not os.path.realpath(entry.path).startswith(root + os.sep):
            return None
    except OSError:
        return None  # a link into nothing or in a circle, or a file that vanished meanwhile
    relative = entry.path[len(root) + 1 :].replace(os.sep, "/")
    path = relative.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return Candidate(path, entry.path, facts.st_size, facts.st_mtime_ns)


def read(file: str | Path) -> bytes | None:
    """Return the bytes of a candidate, or None where it is gone or no regular file any more.

    Of a file that is too large only as much as shows that.

    Raises:
        OSError: it is there and can't be read.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # never waits for the writer of a FIFO
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with open(descriptor, "rb") as stream:
        return stream.read(MAX_BYTES + 1)


def topic_data_files(folder: Path) -> list[Candidate]:
    """Return the regular files of the site's `_data/topics`, by name; of links, what holds for candidates."""
    root = os.path.realpath(folder)
    directory = os.path.join(root, *_TOPIC_DATA)
    if not os.path.realpath(directory).startswith(root + os.sep):
        return []
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return []
    found = (_candidate(entry, root) for entry in entries if entry.name.endswith(_TOPIC_SUFFIXES) and not entry.name.startswith("."))
    return list(_with_one_path_each(candidate for candidate in found if candidate is not None))

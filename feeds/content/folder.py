"""A folder -> its candidate files. Knows the file system; knows nothing of what the files say."""

from __future__ import annotations

import errno
import os
import stat
from itertools import accumulate
from operator import attrgetter
from pathlib import Path, PurePath

import msgspec

from feeds.errors import FeedsError
from feeds.model import EVERYTHING

SUFFIXES = (".md", ".markdown", ".html", ".txt")
TOPIC_DATA = "_data/topics"
_TOPIC_SUFFIXES = (".yaml", ".yml")
_LEFT_OUT = frozenset({"_drafts", "_site", "node_modules", "vendor"})
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

Identity = tuple[int, int]  # of a folder: its device, and its number on it


class FolderError(FeedsError):
    """The content folder can't be read; what is indexed stays as it is."""


class Candidate(msgspec.Struct, frozen=True, gc=False):  # a struct, because there is one for every file in each refresh
    """A regular file that may be an article, or topic data. `path` is relative to the folder, with slashes, and always text."""

    path: str
    file: bytes  # where it is, as the operating system has it
    size: int  # bytes
    modified_ns: int


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """A folder or file that is there and can't be looked at: what was known of it, and of all below it, still holds."""

    path: str
    reason: str

    def covers(self, path: str) -> bool:
        """Whether a path is this one or below it."""
        return path == self.path or path.startswith(f"{self.path}/")


class Scan(msgspec.Struct, frozen=True, gc=False):
    """What was found below a folder, each file once and in no particular order."""

    folder: Identity  # from before the look
    candidates: tuple[Candidate, ...]
    unreadable: tuple[Unreadable, ...]
    has_links: bool  # then a file may have other paths than the one at which it changed

    @property
    def paths(self) -> frozenset[str]:
        """Return where candidates are."""
        return frozenset(candidate.path for candidate in self.candidates)


def scan(folder: Path, parts: tuple[str, ...] = EVERYTHING) -> Scan:
    """Return every candidate below some parts of the folder: paths of files or folders, relative to it.

    A link counts only where what it leads to is inside the folder; a folder that is reached twice counts once. Where a
    part is a link, or below one, nothing of it is returned but that there are links.

    Raises:
        FolderError: the folder itself can't be read.
    """
    before, root = identity(folder), os.path.realpath(folder)
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        raise FolderError(f"{folder}: can't be read as a folder: {error.strerror}") from error
    walk = _Walk(root)
    if parts == EVERYTHING:
        walk.all()
    else:
        for part in _outermost(parts):
            walk.part(part)
    return Scan(before, _with_one_path_each(walk.found), tuple(walk.unreadable), walk.has_links)


def _outermost(parts: tuple[str, ...]) -> list[str]:
    """Return the parts that are in no other one, each once: a new folder and a file in it are often told together."""
    whole = frozenset(parts)
    return sorted(part for part in whole if whole.isdisjoint(accumulate(part.split("/")[:-1], "{}/{}".format)))


def identity(folder: Path) -> Identity:
    """Return what tells the folder from another one in its place, as links to releases and mounts put it there.

    Raises:
        FolderError: it is not there.
    """
    try:
        facts = folder.stat()
    except OSError as error:
        raise FolderError(f"{folder}: can't be read as a folder: {error.strerror}") from error
    return facts.st_dev, facts.st_ino


def _with_one_path_each(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Leave out a file whose name is no text where another has the same escapes written out in its name."""
    escaped = {candidate.path: candidate for candidate in reversed(candidates) if "\\" in candidate.path}
    if not escaped:
        return tuple(candidates)
    return tuple(candidate for candidate in candidates if escaped.get(candidate.path, candidate) is candidate)


def is_never_scanned(inside: PurePath) -> bool:
    """Whether no candidate is ever found below a path inside the folder."""
    return any(map(_is_left_out, inside.parts))


class _Walk:
    """One way through a folder, given by its real path."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._visited: set[str] = set()
        self._links: list[str] = []
        self.found: list[Candidate] = []
        self.unreadable: list[Unreadable] = []
        self.has_links = False

    def all(self) -> None:
        self._below(self._root)
        for link in self._links:  # grows while it is gone through: links may lead to links
            if self._is_inside(link):
                self._below(link)

    def part(self, path: str) -> None:
        *parents, name = path.split("/")
        file = os.path.join(self._root, path)
        if any(map(_is_left_out, parents)):
            return
        parent = file.rpartition(os.sep)[0]
        if os.path.realpath(parent) != parent:
            self.has_links = True
            return
        try:
            facts = os.lstat(file)
        except OSError as error:
            self._note(file, error)
            return
        if stat.S_ISLNK(facts.st_mode):
            self.has_links = True
        elif stat.S_ISREG(facts.st_mode) and name.lower().endswith(SUFFIXES):
            self._find(file, facts)
        elif stat.S_ISDIR(facts.st_mode) and not _is_left_out(name):
            self._below(file)

    def topic_data(self) -> None:
        directory = os.path.join(self._root, TOPIC_DATA)
        if not self._is_inside(directory):
            return
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry.name.endswith(_TOPIC_SUFFIXES) and not entry.name.startswith("."):
                try:
                    facts = entry.stat()
                except OSError as error:
                    if error.errno in _GONE:
                        continue
                    raise
                if stat.S_ISREG(facts.st_mode) and (not entry.is_symlink() or self._is_inside(entry.path)):
                    self._find(entry.path, facts)

    def _below(self, top: str) -> None:
        pending, find = [top], self.found.append
        while pending:
            directory = pending.pop()
            real = os.path.realpath(directory)
            if real in self._visited:
                continue
            self._visited.add(real)
            try:
                entries = sorted(os.scandir(directory), key=attrgetter("name"))
            except OSError as error:
                self._note(directory, error)
                continue
            start = f"{self._relative(directory)}/" if directory != self._root else ""
            for entry in entries:
                name = entry.name
                try:
                    if name.endswith(SUFFIXES) or name.lower().endswith(SUFFIXES):
                        facts = entry.stat()
                        if stat.S_ISREG(facts.st_mode):
                            if not self._is_link(entry) or self._is_inside(entry.path):
                                path = start + (name if name.isascii() else _as_text(name))
                                find(Candidate(path, os.fsencode(entry.path), facts.st_size, facts.st_mtime_ns))
                            continue
                    if not _is_left_out(name) and entry.is_dir():
                        (self._links if self._is_link(entry) else pending).append(entry.path)
                except OSError as error:
                    self._note(entry.path, error)

    def _is_link(self, entry: os.DirEntry[str]) -> bool:
        if entry.is_symlink():
            self.has_links = True
            return True
        return False

    def _is_inside(self, path: str) -> bool:
        return os.path.realpath(path).startswith(self._root + os.sep)

    def _note(self, path: str, error: OSError) -> None:
        """Note what can't be looked at; what is gone, or is a link into nothing or in a circle, is just not there."""
        if error.errno not in _GONE:
            self.unreadable.append(Unreadable(self._relative(path), error.strerror or str(error)))

    def _find(self, path: str, facts: os.stat_result) -> None:
        self.found.append(Candidate(self._relative(path), os.fsencode(path), facts.st_size, facts.st_mtime_ns))

    def _relative(self, path: str) -> str:
        return _as_text(path[len(self._root) + 1 :].replace(os.sep, "/"))


def _as_text(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_OUT


def topic_data_files(folder: Path) -> list[Candidate]:
    """Return the regular files of the site's `_data/topics`, by name; of links, what holds for candidates.

    Raises:
        OSError: it is there and can't be read.
    """
    walk = _Walk(os.path.realpath(folder))
    walk.topic_data()
    return list(_with_one_path_each(walk.found))

"""A folder -> its candidate files. Knows the file system; knows nothing of what the files say."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Mapping
from itertools import accumulate
from operator import attrgetter
from pathlib import Path, PurePath

import msgspec

from feeds.errors import FeedsError
from feeds.model import EVERYTHING, FileStamp

TOPIC_DATA = "_data/topics"
_SUFFIXES = (b".md", b".markdown", b".html", b".txt")
_TOPIC_SUFFIXES = (b".yaml", b".yml")
_LEFT_OUT = frozenset({b"_drafts", b"_site", b"node_modules", b"vendor"})
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

Identity = tuple[int, int]  # of a folder: its device, and its number on it


class FolderError(FeedsError):
    """The content folder can't be read; what is indexed stays as it is."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
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
    root: bytes  # its real path
    stamps: tuple[FileStamp, ...]  # of candidates; these are made of few of them
    odd: Mapping[str, bytes]  # where the candidates are whose path has a backslash, which may stand for a byte that is no text
    unreadable: tuple[Unreadable, ...]
    has_links: bool  # then a file may have other paths than the one at which it changed

    @property
    def paths(self) -> frozenset[str]:
        """Return where candidates are."""
        return frozenset(path for path, *_ in self.stamps)

    def candidates(self, stamps: Iterable[FileStamp]) -> list[Candidate]:
        """Return the candidates that have some of the stamps, in their order."""
        return [
            Candidate(path, self.odd.get(path) or os.path.join(self.root, os.fsencode(path)), size, modified_ns)
            for path, size, modified_ns in stamps
        ]


def scan(folder: Path, parts: tuple[str, ...] = EVERYTHING) -> Scan:
    """Return every candidate below some parts of the folder: paths of files or folders, relative to it.

    A link counts only where what it leads to is inside the folder; a folder that is reached twice counts once. Where a
    part is a link, or below one, nothing of it is returned but that there are links.

    Raises:
        FolderError: the folder itself can't be read.
    """
    before, root = identity(folder), os.path.realpath(os.fsencode(folder))
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
    return walk.result(before)


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


def is_never_scanned(inside: PurePath) -> bool:
    """Whether no candidate is ever found below a path inside the folder."""
    return any(map(_is_left_out, map(os.fsencode, inside.parts)))


class _Walk:
    """One way through a folder, given by its real path. Paths are what they are to the operating system, bytes, up to a candidate's."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._visited: set[bytes] = set()
        self._links: list[bytes] = []
        self._found: list[FileStamp] = []
        self._odd: dict[str, tuple[bytes, FileStamp]] = {}
        self._unreadable: list[Unreadable] = []
        self._has_links = False

    def result(self, folder: Identity) -> Scan:
        """Return what was found in the folder that had this identity."""
        stamps = (*self._found, *(stamp for _, stamp in self._odd.values()))
        odd = {path: file for path, (file, _) in self._odd.items()}
        return Scan(folder, self._root, stamps, odd, tuple(self._unreadable), self._has_links)

    def all(self) -> None:
        self._below(self._root)
        for link in self._links:  # grows while it is gone through: links may lead to links
            if self._is_inside(link):
                self._below(link)

    def part(self, path: str) -> None:
        file = os.path.join(self._root, os.fsencode(path))
        parent, name = os.path.split(file)
        if any(_is_left_out(os.fsencode(folder)) for folder in path.split("/")[:-1]):
            return
        if os.path.realpath(parent) != parent:
            self._has_links = True
            return
        try:
            facts = os.lstat(file)
        except OSError as error:
            self._note(file, error)
            return
        if stat.S_ISLNK(facts.st_mode):
            self._has_links = True
        elif stat.S_ISREG(facts.st_mode) and name.lower().endswith(_SUFFIXES):
            self._find(self._relative(file), file, facts)
        elif stat.S_ISDIR(facts.st_mode) and not _is_left_out(name):
            self._below(file)

    def topic_data(self) -> list[Candidate]:
        directory = os.path.join(self._root, os.fsencode(TOPIC_DATA))
        found: dict[str, Candidate] = {}
        if not self._is_inside(directory):
            return []
        try:
            entries = sorted(os.scandir(directory), key=attrgetter("name"))
        except (FileNotFoundError, NotADirectoryError):
            return []
        for entry in entries:
            if entry.name.endswith(_TOPIC_SUFFIXES) and not entry.name.startswith(b"."):
                try:
                    facts = entry.stat()
                except OSError as error:
                    if error.errno in _GONE:
                        continue
                    raise
                if stat.S_ISREG(facts.st_mode) and self._is_followed(entry):
                    path = self._relative(entry.path)
                    found.setdefault(path, Candidate(path, entry.path, facts.st_size, facts.st_mtime_ns))
        return list(found.values())

    def _below(self, top: bytes) -> None:
        pending = [top]
        while pending:
            directory = pending.pop()
            real = os.path.realpath(directory)
            if real in self._visited:
                continue
            self._visited.add(real)
            try:
                with os.scandir(directory) as entries:
                    folders = self._look_at(entries, self._relative(os.path.join(directory, b"")))
            except OSError as error:
                self._note(directory, error)
                continue
            # In an order of their own, not that of the file system: of two links to a folder, the same one counts everywhere.
            for path, is_link in sorted(folders):
                (self._links if is_link else pending).append(path)

    def _look_at(self, entries: Iterable[os.DirEntry[bytes]], start: str) -> list[tuple[bytes, bool]]:
        """Note the candidates of a folder, whose paths have this start; return the folders in it, and whether each is a link."""
        folders = []
        for entry in entries:
            name = entry.name
            try:
                if name.endswith(_SUFFIXES) or name.lower().endswith(_SUFFIXES):
                    facts = entry.stat()
                    if stat.S_ISREG(facts.st_mode):
                        if not entry.is_symlink() or self._is_followed(entry):
                            self._find(start + _as_text(name), entry.path, facts)
                        continue
                if not _is_left_out(name) and entry.is_dir():
                    folders.append((entry.path, self._is_link(entry)))
            except OSError as error:
                self._note(entry.path, error)
        return folders

    def _is_followed(self, entry: os.DirEntry[bytes]) -> bool:
        return not self._is_link(entry) or self._is_inside(entry.path)

    def _is_link(self, entry: os.DirEntry[bytes]) -> bool:
        if entry.is_symlink():
            self._has_links = True
            return True
        return False

    def _is_inside(self, path: bytes) -> bool:
        return os.path.realpath(path).startswith(os.path.join(self._root, b""))

    def _note(self, path: bytes, error: OSError) -> None:
        """Note what can't be looked at; what is gone, or is a link into nothing or in a circle, is just not there."""
        if error.errno not in _GONE:
            self._unreadable.append(Unreadable(self._relative(path), error.strerror or str(error)))

    def _find(self, path: str, file: bytes, facts: os.stat_result) -> None:
        stamp = (path, facts.st_size, facts.st_mtime_ns)
        if "\\" not in path:
            self._found.append(stamp)
        elif path not in self._odd or file < self._odd[path][0]:
            self._odd[path] = file, stamp  # of two files of one path the one that is named just so

    def _relative(self, path: bytes) -> str:
        return _as_text(path[len(self._root) + 1 :].replace(os.fsencode(os.sep), b"/"))


def _as_text(path: bytes) -> str:
    return path.decode(errors="backslashreplace")


def _is_left_out(name: bytes) -> bool:
    return name.startswith(b".") or name in _LEFT_OUT


def topic_data_files(folder: Path) -> list[Candidate]:
    """Return the regular files of the site's `_data/topics`, by name; of links, what holds for candidates.

    Raises:
        OSError: it is there and can't be read.
    """
    return _Walk(os.path.realpath(os.fsencode(folder))).topic_data()

"""Files below one folder, replaced one by one and whole. Knows the file system; knows neither feeds nor what belongs there.

Nothing is followed out of the folder: a link on the way is an error, and one in place of a file is replaced itself. A file is
written beside its place and renamed. The bytes are left to the system to bring to the disk: after a power cut a file may be
short, which the next export sees by its size.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from feeds.errors import ExportError

_NEW = ".feeds-new"  # behind the name of a file that is being written, with a dot in front


class Tree:
    """A folder that is written to; every path is relative to it, with slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: set[str] = {""}  # known to be real folders

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from writing to the folder, as far as they ask.

        Raises:
            ExportError: another process writes to it, or it can't be opened.
        """
        try:
            descriptor = os.open(self.root, os.O_RDONLY)
        except OSError as error:
            raise ExportError(self.root, f"can't be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ExportError(self.root, "another process exports to it right now") from error
        finally:
            os.close(descriptor)

    def is_empty(self) -> bool:
        """Whether nothing is in the folder, but what makes it a checkout of git, such as of an empty `gh-pages`.

        What an export left that was killed as it began counts for nothing.
        """
        return all(entry.name == ".git" or entry.name.endswith(_NEW) for entry in self.root.iterdir())

    def exists(self, path: str) -> bool:
        """Whether there is anything at a path, a link to nowhere included.

        Raises:
            ExportError: a folder on the way lets nobody look.
        """
        return self._facts(path) is not None

    def size(self, path: str) -> int | None:
        """Return the size of a file, None where there is none.

        Raises:
            ExportError: a folder on the way lets nobody look.
        """
        facts = self._facts(path)
        return facts.st_size if facts is not None and stat.S_ISREG(facts.st_mode) else None

    def _facts(self, path: str) -> os.stat_result | None:
        try:
            return os.lstat(f"{self.root}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ExportError(self.root / path, f"can't be looked at: {error.strerror}") from error

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file; None where there is none, something else in its place, or it can't be read."""
        try:
            return self.must_read(path)
        except ExportError:
            return None

    def must_read(self, path: str) -> bytes | None:
        """Return the bytes of a file; None where there is none, or something else in its place.

        Raises:
            ExportError: there is one, and it can't be read.
        """
        if self.size(path) is None:
            return None
        try:
            descriptor = os.open(f"{self.root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb") as stream:
                return stream.read()
        except OSError as error:
            raise ExportError(self.root / path, f"can't be read: {error.strerror}") from error

    def put(self, path: str, body: bytes) -> bool:
        """Make a file have these bytes; return whether it had others, or was not there.

        Raises:
            ExportError: something is in the way, or the disk refuses.
        """
        self._make_folders(path)
        if self.size(path) == len(body) and self.read(path) == body:
            return False
        self._replace(path, body, durable=False)
        return True

    def put_durably(self, path: str, body: bytes) -> None:
        """Make a file have these bytes even if the power is cut right after.

        Raises:
            ExportError: something is in the way, or the disk refuses.
        """
        self._replace(path, body, durable=True)

    def _replace(self, path: str, body: bytes, *, durable: bool) -> None:
        place, new = f"{self.root}/{path}", f"{self.root}/{_beside(path)}"
        try:
            try:
                descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                Path(new).unlink()  # of an export that was killed
                descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                remaining = memoryview(body)
                while remaining:
                    remaining = remaining[os.write(descriptor, remaining) :]
                if durable:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(new, place)  # noqa: PTH105 - there are tens of thousands, and a Path takes as long as the rest
            if durable:
                self._sync_root()
        except OSError as error:
            with suppress(OSError):
                Path(new).unlink()  # on a full disk, every byte counts
            raise ExportError(self.root / path, f"can't be written: {error.strerror}") from error

    def _sync_root(self) -> None:
        descriptor = os.open(self.root, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def _make_folders(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder in self._folders:
            return
        self._make_folders(folder)
        place = f"{self.root}/{folder}"
        try:
            os.mkdir(place)  # noqa: PTH102 - likewise
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                raise ExportError(place, "is no folder, and a folder has to be there") from None
        except OSError as error:
            raise ExportError(place, f"can't be created: {error.strerror}") from error
        self._folders.add(folder)

    def remove(self, path: str) -> bool:
        """Remove a file, a half-written one beside it, and the folders that become empty; return whether it went.

        Links on the way keep it.

        Raises:
            ExportError: its folder does not let it go.
        """
        if not self._is_inside(path):
            return False
        for name in (path, _beside(path)):
            self._unlink(name)
        folder = (self.root / path).parent
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                break  # not empty
            folder = folder.parent
        return True

    def remove_unfinished(self, path: str) -> None:
        """Remove what an export that was killed has left beside a file.

        Raises:
            ExportError: its folder does not let it go.
        """
        if self._is_inside(path):
            self._unlink(_beside(path))

    def _unlink(self, path: str) -> None:
        try:
            (self.root / path).unlink(missing_ok=True)
        except OSError as error:
            raise ExportError(self.root / path, f"can't be removed: {error.strerror}") from error

    def _is_inside(self, path: str) -> bool:
        """Whether a path leads through real folders only."""
        folder = self.root
        for name in path.split("/")[:-1]:
            folder /= name
            try:
                if not stat.S_ISDIR(folder.lstat().st_mode):
                    return False
            except OSError:
                return False
        return True


def _beside(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}{_NEW}" if folder else f".{name}{_NEW}"

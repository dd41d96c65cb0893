"""Processes that look through a folder and read its files beside this one. Knows when that is possible, and what becomes of one that
is killed; knows nothing of what is read.

The first is forked while this process has still to load what it needs for its index: it looks through the folder meanwhile, and
then loads the parsers, in case that it is asked to read. For many files it forks others like itself. A pool would not do: its
processes share a pipe that its parent holds open as well, so that the rest of an answer whose writer was killed is waited for for
ever. Here each has its own, and its end is seen at once.
"""

from __future__ import annotations

import fcntl
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import ceil
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from feeds.content import folder
from feeds.content.folder import Candidate, FolderError, Scan
from feeds.errors import FeedsError
from feeds.model import EVERYTHING, FileFacts
from feeds.processes import begin_to_help, can_fork, usable_processors
from feeds.reading import Here, Reader, ReadFile, read

_BATCH = 100  # files; a process gives them back at once
_WORTH_MORE = 400  # files; one process has read fewer before others have started
_PIPE_BYTES = 1024 * 1024  # what each process may be ahead; about four batches


class ReadingError(FeedsError):
    """A process that reads files came to a sudden end, for lack of memory for instance."""

    def __init__(self) -> None:
        super().__init__("a process that reads files came to a sudden end; is there memory left?")


class _Work(msgspec.Struct, frozen=True):
    """Files to be read by so many processes, and what is known of some of them."""

    readers: int
    candidates: list[Candidate]
    known: dict[str, FileFacts]

    def batches(self, reader: int) -> Iterator[list[Candidate]]:
        """Yield what one of them has to read."""
        for start in range(reader * _BATCH, len(self.candidates), self.readers * _BATCH):
            yield self.candidates[start : start + _BATCH]


class _Seen(msgspec.Struct, frozen=True):
    """What came of a look: what was found, or why the folder can't be read."""

    scan: Scan | None = None
    failure: str = ""


_order = msgspec.msgpack.Decoder(_Work | None)  # None: to look through the folder
_seen = msgspec.msgpack.Decoder(_Seen)
_files = msgspec.msgpack.Decoder(list[ReadFile])


@contextmanager
def reading(content: Path) -> Iterator[Reader]:
    """Return who reads the folder, and looks through it already where another process can do that."""
    reader = _reader(content, usable_processors())
    try:
        yield reader
    finally:
        reader.end()


def _reader(content: Path, count: int) -> Reader:
    if count > 1 and can_fork():
        with suppress(OSError):  # no more processes for this user, or no more pipes
            return _Readers(content, count)
    return Here(content)


class _Readers:
    """The `Reader` that is other processes. They end when they have read; whatever is to be done after that, this one does."""

    def __init__(self, content: Path, count: int) -> None:
        self.content = content
        context = multiprocessing.get_context("fork")
        orders, self._orders = context.Pipe(duplex=False)
        pipes = [context.Pipe(duplex=False) for _ in range(count)]
        self._answers = [answers for answers, _ in pipes]
        theirs = [end for _, end in pipes]
        self._process = context.Process(target=_help, args=(content, orders, theirs, (self._orders, *self._answers)))
        self._process.start()
        for end in (orders, *theirs):
            end.close()  # so that nobody but its reader has it
        self._here: Here | None = None  # who goes on when they have ended
        self._is_owed = False  # whether there is an answer that was not taken to its end
        self._tell(None)

    def scan(self, parts: tuple[str, ...] = EVERYTHING) -> Scan:
        if self._here is not None or parts != EVERYTHING:
            return folder.scan(self.content, parts)
        if not self._is_owed:
            self._tell(None)
        seen = _seen.decode(self._answer(0))
        self._is_owed = False
        if seen.scan is None:
            raise FolderError(seen.failure)
        return seen.scan

    def read(self, candidates: Sequence[Candidate], known: Mapping[str, FileFacts]) -> Iterator[ReadFile]:
        if self._here is not None:
            yield from self._here.read(candidates, known)
            return
        try:
            if candidates:
                yield from self._read(candidates, known)
        finally:
            self.end()

    def _read(self, candidates: Sequence[Candidate], known: Mapping[str, FileFacts]) -> Iterator[ReadFile]:
        readers = len(self._answers) if len(candidates) >= _WORTH_MORE else 1
        facts = {candidate.path: known[candidate.path] for candidate in candidates if candidate.path in known}
        self._tell(_Work(readers, list(candidates), facts))
        for batch in range(ceil(len(candidates) / _BATCH)):
            yield from _files.decode(self._answer(batch % readers))
        self._is_owed = False

    def _tell(self, order: _Work | None) -> None:
        self._is_owed = True
        with _connected():
            self._orders.send_bytes(msgspec.msgpack.encode(order))

    def _answer(self, reader: int) -> bytes:
        with _connected():
            return self._answers[reader].recv_bytes()

    def end(self) -> None:
        if self._here is None:
            self._here = Here(self.content)
            for pipe in (self._orders, *self._answers):
                pipe.close()  # who waits for an order ends
            if self._is_owed:
                self._process.kill()
            self._process.join()


@contextmanager
def _connected() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        raise ReadingError from error


def _help(content: Path, orders: Connection, answers: Sequence[Connection], of_parent: Sequence[Connection]) -> None:
    begin_to_help()
    for end in of_parent:
        end.close()
    for end in answers:
        with suppress(OSError):  # a user may have no more such pipes; smaller ones only take longer
            fcntl.fcntl(end.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    with suppress(EOFError):
        while True:
            work = _order.decode(orders.recv_bytes())
            if work is None:
                answers[0].send_bytes(msgspec.msgpack.encode(_look(content)))
                import feeds.content.loader  # noqa: F401, PLC0415 - before anybody waits for what it reads
            else:
                _read_with_others(work, answers)


def _look(content: Path) -> _Seen:
    try:
        return _Seen(folder.scan(content))
    except FolderError as error:
        return _Seen(failure=str(error))


def _read_with_others(work: _Work, answers: Sequence[Connection]) -> None:
    context = multiprocessing.get_context("fork")
    for reader in range(1, work.readers):
        context.Process(target=_help_to_read, args=(work, reader, answers), daemon=True).start()
        answers[reader].close()
    _read(work, 0, answers[0])


def _help_to_read(work: _Work, reader: int, answers: Sequence[Connection]) -> None:
    begin_to_help()
    for other, end in enumerate(answers):
        if other != reader and not end.closed:
            end.close()
    _read(work, reader, answers[reader])


def _read(work: _Work, reader: int, answer: Connection) -> None:
    for batch in work.batches(reader):
        answer.send_bytes(msgspec.msgpack.encode(list(read(batch, work.known))))

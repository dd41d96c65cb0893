"""Files -> what the index takes of them, on all cores. Knows when processes are worth their start; knows no field and no table."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from feeds.content.folder import Candidate
from feeds.errors import FeedsError
from feeds.model import FileFacts
from feeds.store.prepared import Prepared, prepare

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

_PR_SET_PDEATHSIG = 1
_MAX_PROCESSES = 16
_BATCH = 100  # files; a process gets them at once
_WORTH_A_POOL = 400  # files; fewer are read before processes have started
_PIPE_BYTES = 1024 * 1024  # what each process may be ahead; about four batches


class ReadFile(msgspec.Struct, frozen=True, array_like=True):
    """A file that was read. `prepared` is None where its bytes are as they were: only its facts moved."""

    path: str
    facts: FileFacts
    prepared: Prepared | None


_decoder = msgspec.msgpack.Decoder(list[ReadFile])


class ReadingError(FeedsError):
    """A process that reads files came to a sudden end, for lack of memory for instance."""

    def __init__(self) -> None:
        super().__init__("a process that reads files came to a sudden end; is there memory left?")


def read(candidates: Sequence[Candidate], known: Mapping[str, FileFacts]) -> Iterator[ReadFile]:
    """Read and parse the candidates, in their order. One that vanished meanwhile is left out.

    Raises:
        ReadingError: it could not be done to the end.
    """
    count = usable_processors()
    if count > 1 and len(candidates) >= _WORTH_A_POOL and can_fork():
        yield from _read_in_processes(candidates, known, count)
    elif candidates:
        yield from _read(candidates, known)


def usable_processors() -> int:
    """Return how many processes can run at the same time, within reason."""
    return min(_MAX_PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def can_fork() -> bool:
    """Whether a copy of this process is safe: other threads might hold a lock, which nobody would ever release in the copy.

    So `feeds index` reads in processes, and so does the first look of `feeds serve`; a web worker reads by itself, and so does
    the process that keeps the index once it has threads that count and tell the hub.
    """
    return sys.platform == "linux" and threading.active_count() == 1


def _read(candidates: Sequence[Candidate], known: Mapping[str, FileFacts]) -> Iterator[ReadFile]:
    from feeds.content.loader import load  # noqa: PLC0415 - the parsers take longer to import than most refreshes, which read nothing

    for loaded in load(candidates, known):
        yield ReadFile(loaded.path, loaded.facts, None if loaded.outcome is None else prepare(loaded.outcome))


def _read_in_processes(candidates: Sequence[Candidate], known: Mapping[str, FileFacts], count: int) -> Iterator[ReadFile]:
    """Read in forks, which have all that they need: each takes every `count`-th batch, and waits while its pipe is full.

    A pool would not do: its processes share a pipe that this one holds open as well, so that the rest of an answer whose writer
    was killed is waited for for ever. Here each has its own, and its end is seen at once.
    """
    import multiprocessing  # noqa: PLC0415 - most refreshes read few files

    import feeds.content.loader  # noqa: F401, PLC0415 - once, and not in each of them

    context = multiprocessing.get_context("fork")
    batches = [candidates[start : start + _BATCH] for start in range(0, len(candidates), _BATCH)]
    readers: list[tuple[ForkProcess, Connection]] = []
    try:
        for number in range(count):
            receiver, sender = context.Pipe(duplex=False)
            with suppress(OSError):  # a user may have no more such pipes; smaller ones only take longer
                fcntl.fcntl(sender.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            reader = context.Process(target=_send_batches, args=(sender, batches[number::count], known), daemon=True)
            reader.start()
            sender.close()  # so that nobody else has this end: not the readers that are forked after this one either
            readers.append((reader, receiver))
        for number in range(len(batches)):
            _, receiver = readers[number % count]
            yield from _decoder.decode(receiver.recv_bytes())
    except (EOFError, OSError) as error:
        raise ReadingError from error
    finally:
        for reader, receiver in readers:
            receiver.close()
            reader.kill()
            reader.join()


def _send_batches(sender: Connection, batches: Sequence[Sequence[Candidate]], known: Mapping[str, FileFacts]) -> None:
    import ctypes  # noqa: PLC0415 - as above

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # it would wait for ever for a parent that was killed to read
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group; the parent ends its readers
    gc.freeze()  # what was copied from the parent is not looked through again and again
    gc.set_threshold(100_000)  # and what is made of a file goes with its last reference
    for batch in batches:
        sender.send_bytes(msgspec.msgpack.encode(list(_read(batch, known))))

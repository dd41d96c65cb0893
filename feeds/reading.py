"""Files -> what the index takes of them, on all cores. Knows when processes are worth their start; knows no field and no table."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import msgspec

from feeds.content import loader
from feeds.content.folder import Candidate
from feeds.errors import FeedsError
from feeds.model import FileFacts
from feeds.store.prepared import Prepared, prepare

_PR_SET_PDEATHSIG = 1
_BATCH = 100  # files; a process gets them at once
_WORTH_A_POOL = 400  # files; fewer are read before processes have started
_AHEAD = 3  # batches of each process that are read and not yet taken: it bounds the memory


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
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count > 1 and len(candidates) >= _WORTH_A_POOL and _can_fork():
        yield from _read_in_processes(candidates, known, count)
    else:
        yield from _read(candidates, known)


def _can_fork() -> bool:
    """Whether a copy of this process is safe: other threads might hold a lock, which nobody would ever release in the copy.

    So a web worker, which has threads, reads by itself, and `feeds index` and `feeds serve` in processes.
    """
    return sys.platform == "linux" and threading.active_count() == 1


def _read(candidates: Sequence[Candidate], known: Mapping[str, FileFacts]) -> Iterator[ReadFile]:
    for loaded in loader.load(candidates, known):
        yield ReadFile(loaded.path, loaded.facts, None if loaded.outcome is None else prepare(loaded.outcome))


def _read_in_processes(candidates: Sequence[Candidate], known: Mapping[str, FileFacts], count: int) -> Iterator[ReadFile]:
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(count, context, _prepare_process) as pool:
        started: deque[Future[bytes]] = deque()
        try:
            for start in range(0, len(candidates), _BATCH):
                batch = candidates[start : start + _BATCH]
                started.append(
                    pool.submit(_read_batch, batch, {path: known[path] for path in (one.path for one in batch) if path in known})
                )
                if len(started) > count * _AHEAD:
                    yield from _decoder.decode(started.popleft().result())
            while started:
                yield from _decoder.decode(started.popleft().result())
        except BrokenProcessPool as error:
            raise ReadingError from error
        finally:
            pool.shutdown(cancel_futures=True)


def _prepare_process() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # it would wait for ever for the work of a parent that was killed
    gc.freeze()  # what was copied from the parent is not looked through again and again
    gc.set_threshold(100_000)  # and what is made of a file goes with its last reference


def _read_batch(candidates: Sequence[Candidate], known: Mapping[str, FileFacts]) -> bytes:
    return msgspec.msgpack.encode(list(_read(candidates, known)))

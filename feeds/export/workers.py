"""Units of work, in processes of their own. Knows when these are worth their start, and what becomes of one that is killed.

Processes are forked, which have nothing to import; they get their units and give back what they made through a pipe that
nobody else holds, so the end of one is seen at once (see `readers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path

import msgspec

from feeds.errors import ExportError
from feeds.export.making import Made, Unit, make
from feeds.processes import begin_to_help, can_fork, usable_processors

_WORTH_PROCESSES = 1000  # entries in all documents: starting processes takes as long as a part of so many


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """What became of a unit: the files, or why they can't be made."""

    made: tuple[Made, ...] = ()
    failure: tuple[str, str] | None = None  # as `ExportError` has it


_units = msgspec.msgpack.Decoder(Unit)
_answers = msgspec.msgpack.Decoder(_Answer)


def make_all(units: Iterable[Unit], root: Path, entries: int) -> Iterator[Made]:
    """Make the files of all units, on all processors where so many entries are worth it.

    Raises:
        ExportError: a file can't be written, or a process came to a sudden end.
    """
    count = usable_processors()
    if count < 2 or entries < _WORTH_PROCESSES or not can_fork():
        for unit in units:
            yield from make(unit)
        return
    try:
        yield from _make_in_processes(units, count)
    except (EOFError, OSError) as error:
        reason = "a process that writes files came to a sudden end; is there memory left? The next build goes on from here"
        raise ExportError(root, reason) from error


def _make_in_processes(units: Iterable[Unit], count: int) -> Iterator[Made]:
    """Give each process a unit when it has none; the next is prepared meanwhile."""
    context = get_context("fork")
    workers: list[tuple[ForkProcess, Connection]] = []
    idle: list[Connection] = []
    busy: list[Connection] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            # Each closes the ends of the others that are copied into it, lest they wait for a parent that is gone.
            worker = context.Process(target=_work, args=(theirs, [*idle, ours]), daemon=True)
            worker.start()
            theirs.close()
            workers.append((worker, ours))
            idle.append(ours)
        for unit in units:
            if not idle:
                idle += connection.wait(busy)  # type: ignore[arg-type] # they are what is waited for
                busy = [one for one in busy if one not in idle]
                for one in idle:
                    yield from _answer(one)
            chosen = idle.pop()
            chosen.send_bytes(msgspec.msgpack.encode(unit))
            busy.append(chosen)
        for one in busy:
            yield from _answer(one)
    except BaseException:
        for worker, _ in workers:
            worker.kill()
        raise
    finally:
        for worker, ours in workers:
            ours.close()
            worker.join()


def _answer(worker: Connection) -> tuple[Made, ...]:
    answer = _answers.decode(worker.recv_bytes())
    if answer.failure is not None:
        raise ExportError(*answer.failure)
    return answer.made


def _work(pipe: Connection, of_others: Sequence[Connection]) -> None:
    begin_to_help()
    for other in of_others:
        other.close()
    while (received := _received(pipe)) is not None:
        unit = _units.decode(received)
        try:
            answer = _Answer(tuple(make(unit)))
        except ExportError as error:
            answer = _Answer(failure=(error.place, error.reason))
        pipe.send_bytes(msgspec.msgpack.encode(answer))


def _received(pipe: Connection) -> bytes | None:
    """Return the next unit, None where there will be no more."""
    try:
        return pipe.recv_bytes()
    except EOFError:
        return None

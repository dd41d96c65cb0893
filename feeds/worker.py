"""A process of `feeds serve` that answers: how it ends, and its memory. Knows signals; of granian it knows nothing but its habits."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from feeds.config import Config
from feeds.logs import start_logging
from feeds.web import create_app

_PATIENCE_SECONDS = 9  # of a worker that was told to end with what it still answers; containers are killed after ten
# Of a connection whose client takes nothing of its answer. Others wait longer, but for one that is told to end that is too long.
_STALL_MILLISECONDS = 8_000
_TICK_SECONDS = 0.01
_ENDING = {signal.SIGINT, signal.SIGTERM}
_M_ARENA_MAX = -8  # of mallopt(3)
_HEAPS = 2  # of each worker: Python's threads take turns anyway


def application(config: Config, parent: int) -> Any:
    """Return what answers in a worker of the server that the process `parent` is; make the process one that ends when it should."""
    start_logging(config.log_format, config.access_keys)
    with suppress(AttributeError):  # another C library than glibc
        # Threads would have a heap each, and none gives back what another fills anew: twice the memory for the same answers.
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)
    threading.Thread(target=_end_when_told, args=(signal.getsignal(signal.SIGTERM),), daemon=True).start()
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    threading.Thread(target=hang_up_on_who_takes_nothing, args=(_STALL_MILLISECONDS,), daemon=True).start()
    answers = create_app(config).wsgi_app  # which Flask would only hand the request on to
    # The server puts all of it into the environ of each request, where a password of the database has no business to be, and
    # which takes time. The C library keeps its own, which libpq reads.
    os.environ = {}  # type: ignore[assignment] # noqa: B003 - it shall not clear that
    return answers


def keep_signals_across_forks() -> None:
    """Make SIGTERM from the server all that ends a worker, and let none be lost, from its first moment.

    Ctrl+C reaches the whole group, and a worker of granian 2.8 that gets SIGINT and then SIGTERM often hangs. Until it has
    handlers of its own, it has those of the server, which do nothing here: what came then was lost, and the worker went on.
    """
    block = partial(signal.pthread_sigmask, signal.SIG_BLOCK, _ENDING)  # in a worker for good: a thread waits for SIGTERM
    unblock = partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, _ENDING)
    os.register_at_fork(before=block, after_in_parent=unblock, after_in_child=partial(signal.signal, signal.SIGTERM, signal.SIG_DFL))


def _end_when_told(first_handler: Any) -> None:
    """End this worker on SIGTERM, whatever it does. As long as its first handler is there, it does not serve yet.

    While requests run, the signal may come to another than the main thread. Of a worker of granian 2.8 that one does not hear
    of it then: it waits for a lock, and nobody else runs handlers.
    """
    signal.sigwait({signal.SIGTERM})
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler) and handler != first_handler:  # the server's own
        signal.alarm(_PATIENCE_SECONDS + 1)  # which needs no thread to be free
        handler(signal.SIGTERM, None)
        time.sleep(_PATIENCE_SECONDS)
        logging.getLogger("feeds").warning("a worker still answered %d seconds after it was told to end: not any more", _PATIENCE_SECONDS)
    os._exit(1)


def _end_after(parent: int) -> None:
    """End this process when the one that keeps the index is gone, killed for instance: nobody would refresh what it serves."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def hang_up_on_who_takes_nothing(milliseconds: int) -> None:
    """Let no client of this process stop in the middle of its answers for longer: wait for the socket that listens, and tell it.

    A server without a limit, like granian 2.8, would keep it, its answers and its place among the connections for ever.
    Connections have the limit of the socket that accepts them. Linux knows it; elsewhere nothing happens.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    while option is not None and not any(_is_told(path, option, milliseconds) for path in Path("/proc/self/fd").iterdir()):
        time.sleep(_TICK_SECONDS)


def _is_told(descriptor: Path, option: int, milliseconds: int) -> bool:
    """Set the option of a file that is a socket that listens; return whether it is one."""
    try:
        if not descriptor.is_socket():
            return False
        with socket.socket(fileno=os.dup(int(descriptor.name))) as found:
            listens = bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
            if listens:
                found.setsockopt(socket.IPPROTO_TCP, option, milliseconds)
            return listens
    except OSError:  # it is closed by now
        return False

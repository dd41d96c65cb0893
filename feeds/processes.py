"""Processes that help this one: how many can run, whether they can be forked, and how each begins. Knows nothing of what they do."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1  # of prctl(2)
_MAX_PROCESSES = 16


def usable_processors() -> int:
    """Return how many processes can run at the same time, within reason."""
    return min(_MAX_PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def can_fork() -> bool:
    """Whether a copy of this process is safe: other threads might hold a lock, which nobody would ever release in the copy.

    So `feeds index` reads in processes, and so does the first look of `feeds serve`; a web worker reads by itself, and so does
    the process that keeps the index once it has threads that count and tell the hub.
    """
    return sys.platform == "linux" and threading.active_count() == 1


def begin_to_help() -> None:
    """Make this process, which was just forked, one that ends with its parent and leaves Ctrl+C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group; the parent ends its helpers
    import ctypes  # noqa: PLC0415 - only helpers need it

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # it would wait for ever for a parent that was killed
    gc.freeze()  # what was copied from the parent is not looked through again and again
    gc.set_threshold(100_000)  # and what is made of a file or a unit of work goes with its last reference

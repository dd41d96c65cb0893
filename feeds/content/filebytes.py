"""A file -> its bytes, all of one moment. Knows that files change while they are read; knows nothing of what they say."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from feeds.content.frontmatter import MAX_BYTES

_TRIES = 3  # at reading a file that changes meanwhile; the next refresh tries again


class FileBytes(msgspec.Struct, frozen=True, gc=False):
    """The bytes of a file, of one too large only as much as shows that; its facts are those of these bytes."""

    data: bytes
    size: int
    modified_ns: int


def read(file: bytes | Path) -> FileBytes | None:
    """Return the bytes of a candidate, or None where it is gone, no regular file any more, or being written all the time.

    Raises:
        OSError: it is there and can't be read.
    """
    for _ in range(_TRIES):
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # never waits for the writer of a FIFO
        except FileNotFoundError:
            return None
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                return None
            wanted = min(before.st_size, MAX_BYTES) + 1  # no more, because making room for a mebibyte takes longer than reading
            data = os.read(descriptor, wanted)
            while len(data) < wanted - 1 and (more := os.read(descriptor, wanted - len(data))):
                data += more  # some file systems give less than they have
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if _facts(before) == _facts(after) and len(data) == min(after.st_size, MAX_BYTES + 1):
            return FileBytes(data, after.st_size, after.st_mtime_ns)
    return None


def _facts(facts: os.stat_result) -> tuple[int, int, int]:
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns

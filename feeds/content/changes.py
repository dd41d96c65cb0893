"""Which candidates count as changed. Knows what is kept of a file to tell; knows no content, so that it is imported quickly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Set

from feeds.content.filebytes import FileBytes
from feeds.model import FileFacts, FileStamp

# Raise it whenever the same bytes come to mean something else: then an index made by earlier parsers reads every file anew.
PARSERS = b"\x02"


def facts(found: FileBytes) -> FileFacts:
    """Return what tells whether a file changed since it was read."""
    return FileFacts(found.size, found.modified_ns, PARSERS + hashlib.blake2b(found.data, digest_size=16).digest())


def facts_of_unreadable(reason: str) -> FileFacts:
    """Return facts of a file that can't be read: no file has them, so the next refresh tries again."""
    return FileFacts(-1, 0, PARSERS + reason.encode())


def changed(found: Iterable[FileStamp], known: Set[FileStamp]) -> list[FileStamp]:
    """Return the stamps of candidates that are not as they are known."""
    return [stamp for stamp in found if stamp not in known]

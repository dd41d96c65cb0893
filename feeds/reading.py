"""A folder -> its files, and what the index takes of them. Knows no field and no table.

A `Reader` does it: this process, or others beside it (see `readers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from feeds.content import folder
from feeds.content.folder import Candidate, Scan
from feeds.model import EVERYTHING, FileFacts
from feeds.store.prepared import Prepared, prepare


class ReadFile(msgspec.Struct, frozen=True, array_like=True):
    """A file that was read. `prepared` is None where its bytes are as they were: only its facts moved."""

    path: str
    facts: FileFacts
    prepared: Prepared | None


class Reader(Protocol):
    """Who looks through a content folder and reads its files."""

    @property
    def content(self) -> Path:
        """Return the folder."""

    def scan(self, parts: tuple[str, ...] = EVERYTHING) -> Scan:
        """Look through the folder (see `folder.scan`)."""

    def read(self, candidates: Sequence[Candidate], known: Mapping[str, FileFacts]) -> Iterator[ReadFile]:
        """Read and parse the candidates, in their order. One that vanished meanwhile is left out.

        Raises:
            ReadingError: it could not be done to the end.
        """

    def end(self) -> None:
        """Let no process be left that does this and nothing else."""


class Here:
    """The `Reader` that is this process."""

    def __init__(self, content: Path) -> None:
        self.content = content

    def scan(self, parts: tuple[str, ...] = EVERYTHING) -> Scan:
        return folder.scan(self.content, parts)

    def read(self, candidates: Sequence[Candidate], known: Mapping[str, FileFacts]) -> Iterator[ReadFile]:
        return read(candidates, known)

    def end(self) -> None:
        pass


def reader_of(content: Path | Reader) -> Reader:
    """Return who reads a folder: this process, if nobody does it already."""
    return Here(content) if isinstance(content, Path) else content


def read(candidates: Iterable[Candidate], known: Mapping[str, FileFacts]) -> Iterator[ReadFile]:
    """Read and parse the candidates in this process."""
    from feeds.content.loader import load  # noqa: PLC0415 - with all parsers; most refreshes read nothing

    for loaded in load(candidates, known):
        yield ReadFile(loaded.path, loaded.facts, None if loaded.outcome is None else prepare(loaded.outcome))

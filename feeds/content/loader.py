"""Candidates -> outcomes: reads them and parses what changed. Knows no index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from feeds.content import changes, filebytes
from feeds.content.article import parse_articles
from feeds.content.folder import Candidate
from feeds.model import FileFacts, Level, Outcome, Problem, State

_AT_ONCE = 50  # files, whose bytes are in memory together; more at a time are not parsed faster


class LoadedFile(msgspec.Struct, frozen=True, gc=False):
    """A candidate that was read. `outcome` is None where its bytes are as they were: only its facts moved."""

    path: str
    facts: FileFacts
    outcome: Outcome | None


def load(candidates: Iterable[Candidate], known: Mapping[str, FileFacts]) -> Iterator[LoadedFile]:
    """Read and parse the candidates. One that vanished meanwhile, or that is being written all the time, is left out."""
    waiting = iter(candidates)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield from _loaded(batch, known)


def _loaded(candidates: list[Candidate], known: Mapping[str, FileFacts]) -> Iterator[LoadedFile]:
    read = [found for candidate in candidates if (found := _read(candidate, known.get(candidate.path))) is not None]
    outcomes = iter(parse_articles([(file.path, data) for file, data in read if data is not None]))
    for file, data in read:
        yield file if data is None else LoadedFile(file.path, file.facts, next(outcomes))


def _read(candidate: Candidate, known: FileFacts | None) -> tuple[LoadedFile, bytes | None] | None:
    """Return a candidate with its bytes, or without them where there is nothing to parse; None where it is left out."""
    try:
        found = filebytes.read(candidate.file)
    except OSError as error:
        reason = f"can't be read: {error.strerror}"
        facts = changes.facts_of_unreadable(reason)
        refused = Outcome(candidate.path, State.REFUSED, problems=(Problem(reason, level=Level.ERROR),))
        return LoadedFile(candidate.path, facts, None if facts == known else refused), None
    if found is None:
        return None
    facts = changes.facts(found)
    same = known is not None and known.digest == facts.digest
    return LoadedFile(candidate.path, facts, None), None if same else found.data

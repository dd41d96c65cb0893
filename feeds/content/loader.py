"""Candidates -> outcomes: reads them and parses what changed. Knows no index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from feeds.content import changes, filebytes
from feeds.content.article import parse_article
from feeds.content.folder import Candidate
from feeds.model import FileFacts, Level, Outcome, Problem, State


class LoadedFile(msgspec.Struct, frozen=True, gc=False):
    """A candidate that was read. `outcome` is None where its bytes are as they were: only its facts moved."""

    path: str
    facts: FileFacts
    outcome: Outcome | None


def load(candidates: Iterable[Candidate], known: Mapping[str, FileFacts]) -> Iterator[LoadedFile]:
    """Read and parse the candidates. One that vanished meanwhile, or that is being written all the time, is left out."""
    for candidate in candidates:
        loaded = _load(candidate, known.get(candidate.path))
        if loaded is not None:
            yield loaded


def _load(candidate: Candidate, known: FileFacts | None) -> LoadedFile | None:
    try:
        found = filebytes.read(candidate.file)
    except OSError as error:
        reason = f"can't be read: {error.strerror}"
        facts = changes.facts_of_unreadable(reason)
        refused = Outcome(candidate.path, State.REFUSED, problems=(Problem(reason, level=Level.ERROR),))
        return LoadedFile(candidate.path, facts, None if facts == known else refused)
    if found is None:
        return None
    facts = changes.facts(found)
    same = known is not None and known.digest == facts.digest
    return LoadedFile(candidate.path, facts, None if same else parse_article(candidate.path, found.data))

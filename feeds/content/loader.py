"""Candidates -> outcomes: reads what changed and parses it. Knows when a file counts as changed; knows no index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from feeds.content import folder
from feeds.content.article import parse_article
from feeds.content.folder import Candidate
from feeds.content.topicdata import parse_topic
from feeds.model import FileFacts, Level, Outcome, Problem, State, TopicFacts

# Raise it whenever the same bytes come to mean something else: then an index made by earlier parsers reads every file anew.
PARSERS = b"\x01"


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A candidate that was read. `outcome` is None where its bytes are as they were: only its facts moved."""

    path: str
    facts: FileFacts
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class LoadedTopic:
    """A file of `_data/topics`; `facts` is None where it is broken."""

    path: str
    facts: TopicFacts | None
    problems: tuple[Problem, ...]


def changed(candidates: Iterable[Candidate], known: Mapping[str, FileFacts]) -> Iterator[Candidate]:
    """Yield the candidates whose size or time is not the known one, or that other parsers read."""
    for candidate in candidates:
        facts = known.get(candidate.path)
        if (
            facts is None
            or not facts.digest.startswith(PARSERS)
            or (facts.size, facts.modified_ns) != (candidate.size, candidate.modified_ns)
        ):
            yield candidate


def load(candidates: Iterable[Candidate], known: Mapping[str, FileFacts]) -> Iterator[LoadedFile]:
    """Read and parse the candidates. One that vanished meanwhile, or that is being written all the time, is left out."""
    for candidate in candidates:
        loaded = _load(candidate, known.get(candidate.path))
        if loaded is not None:
            yield loaded


def _load(candidate: Candidate, known: FileFacts | None) -> LoadedFile | None:
    try:
        found = folder.read(candidate.file)
    except OSError as error:
        reason = f"can't be read: {error.strerror}"
        facts = FileFacts(-1, 0, PARSERS + reason.encode())  # no file has this size, so the next refresh tries again
        refused = Outcome(candidate.path, State.REFUSED, problems=(Problem(reason, level=Level.ERROR),))
        return LoadedFile(candidate.path, facts, None if facts == known else refused)
    if found is None:
        return None
    facts = FileFacts(found.size, found.modified_ns, PARSERS + hashlib.blake2b(found.data, digest_size=16).digest())
    same = known is not None and known.digest == facts.digest
    return LoadedFile(candidate.path, facts, None if same else parse_article(candidate.path, found.data))


def load_topics(content: Path) -> Iterator[LoadedTopic]:
    """Yield what the site's `_data/topics` says, by file name.

    Raises:
        OSError: that folder is there and can't be read.
    """
    yield from map(_load_topic, folder.topic_data_files(content))


def _load_topic(candidate: Candidate) -> LoadedTopic:
    try:
        found = folder.read(candidate.file)
    except OSError as error:
        return LoadedTopic(candidate.path, None, (Problem(f"can't be read: {error.strerror}", level=Level.ERROR),))
    facts, problems = parse_topic(b"" if found is None else found.data)
    return LoadedTopic(candidate.path, facts, problems)

"""From the folder to the index: what a refresh reads, keeps and refuses. Knows both by their contracts; knows no clock.

What can't be looked at is not gone, and an article is not gone with its file where another file has it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Set
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import replace

from feeds.content import changes, folder
from feeds.content.folder import FolderError, Scan, Unreadable
from feeds.errors import MassLossError
from feeds.model import EVERYTHING, FileFacts, FileReport, FileStamp, Problem, State, TopicFacts
from feeds.reading import Reader
from feeds.store.base import Refresh
from feeds.store.prepared import Prepared

# As shares of all articles: how many may be gone at once.
HALF = 0.5
ALL = 1.0
_LOOKS = 4  # until files seem to be moved all the time: then nothing is gone before the next refresh
_FEW = 100  # articles; in so small a folder losing most of them is everyday work


class Stage(StrEnum):
    """What a refresh does, in this order."""

    SCAN = "looking through the folder"
    READ = "reading files"
    WRITE = "writing the index"


class Progress(Protocol):
    """Who wants to know how far a refresh is."""

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        """Hear that a stage has done so many of its files; of the others than READ only that they begin."""


def unheard(stage: Stage, done: int, total: int) -> None:
    """Be the progress that nobody wants to know."""


class RefreshResult(msgspec.Struct, frozen=True, gc=False):
    """What a refresh did, and how many files are in each state after it."""

    read: int  # files whose bytes were new
    gone: int  # files that are not there any more
    changed: bool  # whether any feed can have changed
    counts: Mapping[State, int]
    refused: tuple[FileReport, ...] = ()  # the files that were not refused before, or for other reasons
    mended: tuple[str, ...] = ()  # the paths of files that were refused before
    troubles: tuple[str, ...] = ()  # what could not be looked at, in lines for people
    has_links: bool = False  # then only a look through the whole folder finds every change
    is_settled: bool = True  # or files were moved meanwhile, and only another look through the whole folder tells what is gone

    def followed_by(self, next_one: RefreshResult) -> RefreshResult:
        """Return what both did, the next one right after this one."""
        was, is_now = {report.path for report in self.refused}, {report.path for report in next_one.refused}
        return replace(
            next_one,
            read=self.read + next_one.read,
            gone=self.gone + next_one.gone,
            changed=self.changed or next_one.changed,
            refused=(*(one for one in self.refused if one.path not in {*next_one.mended, *is_now}), *next_one.refused),
            mended=(*(path for path in self.mended if path not in is_now), *(path for path in next_one.mended if path not in was)),
        )


class _Look(msgspec.Struct, frozen=True, gc=False):
    """What there is in some parts of a folder, beside what was known of them."""

    found: Scan
    unlike: list[FileStamp]  # of the candidates that are to be read: they are not as they are known, or are said to have changed
    kept: Set[str]  # the known files that were not seen, and may be there
    gone: Set[str]
    troubles: tuple[str, ...]  # what could not be looked at
    is_quiet: bool = True  # as far as can be told, nothing was moved meanwhile


def take_in(
    refresh: Refresh,
    reader: Reader,
    fingerprint: str | None,
    *,
    parts: tuple[str, ...] = EVERYTHING,
    may_lose: float = HALF,
    progress: Progress = unheard,
) -> RefreshResult:
    """Bring the index up to date with some parts of the reader's folder (see `folder.scan`), up to the commit.

    `may_lose` is the share of all articles that may be gone at once; see `Refresh.finish` for `fingerprint`.

    Raises:
        FolderError: the folder can't be read, or another one took its place meanwhile.
        MassLossError: more would be gone.
    """
    if not refresh.knows_all():
        parts = EVERYTHING
    article_count, refused_before = refresh.article_count(), _refused(refresh)
    progress(Stage.SCAN, 0, 0)
    known, found = refresh.known_files(parts, changes.PARSERS), reader.scan(parts)
    read_folder = found.folder
    if found.has_links and parts != EVERYTHING:
        parts, known, found = EVERYTHING, refresh.known_files(EVERYTHING, changes.PARSERS), reader.scan()
    look = _compared(reader, parts, found, known)
    found, gone, troubles, is_settled = look.found, look.gone, look.troubles, look.is_quiet
    if parts == EVERYTHING:
        _guard(article_count - len(found.stamps) - len(look.kept), article_count, may_lose)  # before all of another folder is read
    wanted = found.candidates(sorted(look.unlike))  # dated files come in their order in time
    facts = refresh.facts(candidate.path for candidate in wanted) if known else {}
    unread = {candidate.path: candidate for candidate in wanted} if gone and parts == EVERYTHING else {}
    read = 0

    def outcomes() -> Iterator[tuple[FileFacts, Prepared]]:
        nonlocal read
        for done, file in enumerate(reader.read(wanted, facts), 1):
            unread.pop(file.path, None)
            if file.prepared is None:
                refresh.touch(file.path, file.facts)
            else:
                read += 1
                yield file.facts, file.prepared
            progress(Stage.READ, done, len(wanted))

    progress(Stage.READ, 0, len(wanted))
    refresh.put(outcomes())
    if not all(os.path.lexists(candidate.file) for candidate in unread.values()):
        gone, is_settled = set(), False  # a file was moved before it was read: where it is now may be any of those places
    refresh.forget(sorted(gone))
    _guard(refresh.lost(), article_count, may_lose)
    if any(_concerns_topics(part) for part in parts):
        try:
            refresh.put_topics(_topics(reader.content))
        except OSError as error:
            troubles += (f"{folder.TOPIC_DATA}: can't be read: {error.strerror}; what was known of topics stays as it was",)
    if folder.identity(reader.content) != read_folder:
        raise FolderError(f"{reader.content}: another folder took its place while it was read")
    if parts == EVERYTHING:
        refresh.note(troubles)
    progress(Stage.WRITE, 0, 0)
    changed = refresh.finish(fingerprint)
    refused = _refused(refresh)
    return RefreshResult(
        read,
        len(gone),
        changed,
        refresh.preview().counts(),
        tuple(report for path, report in refused.items() if report != refused_before.get(path)),
        tuple(path for path in refused_before if path not in refused),
        troubles,
        found.has_links,
        is_settled,
    )


def _topics(content: Path) -> Iterator[tuple[str, TopicFacts | None, tuple[Problem, ...]]]:
    files = folder.topic_data_files(content)
    if files:
        from feeds.content.topicdata import load_topics  # noqa: PLC0415 - with all that reads files, which most refreshes do without

        yield from ((topic.path, topic.facts, topic.problems) for topic in load_topics(files))


def _refused(refresh: Refresh) -> Mapping[str, FileReport]:
    return {report.path: report for report in refresh.preview().refused()}


def _kept(known: Set[FileStamp], unreadable: tuple[Unreadable, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the known files that can't be looked at now, and what to say of that."""
    kept: set[str] = set()
    troubles = []
    for place in unreadable:
        below = [path for path, *_ in known if place.covers(path)]
        kept.update(below)
        troubles.append(f"{place.path}: can't be read: {place.reason}; its {len(below)} known files stay as they were")
    return frozenset(kept), tuple(troubles)


def _compared(reader: Reader, parts: tuple[str, ...], found: Scan, known: Set[FileStamp]) -> _Look:
    """Compare what was found with what is known, and look again where files of the whole folder seem to be gone."""
    kept, troubles = _kept(known, found.unreadable)
    # What is said to have changed is read in any case.
    trusted = known if parts == EVERYTHING else {stamp for stamp in known if stamp[0] not in parts}
    unlike = changes.changed(found.stamps, trusted)
    unseen = _unseen(known, found, unlike)
    if unseen <= kept or parts != EVERYTHING:
        return _Look(found, unlike, kept, unseen - kept, troubles)
    found, is_quiet = _looked_again(reader, found)
    kept, troubles = _kept(known, found.unreadable)
    unlike = changes.changed(found.stamps, known)
    unseen = _unseen(known, found, unlike)
    if is_quiet:
        return _Look(found, unlike, kept, unseen - kept, troubles)
    return _Look(found, unlike, unseen, frozenset(), troubles, is_quiet=False)


def _unseen(known: Set[FileStamp], found: Scan, unlike: Collection[FileStamp]) -> Set[str]:
    """Return where there were files and are none; so many of what was found is unlike it."""
    if len(found.stamps) - len(unlike) == len(known):
        return frozenset()  # nearly always, and found out at once
    missing = {path for path, *_ in known - frozenset(found.stamps)}
    return missing.difference(path for path, *_ in unlike)


def _looked_again(reader: Reader, found: Scan) -> tuple[Scan, bool]:
    """Return what is in the folder where something seems to be gone, and whether two looks saw the same.

    A file that is moved during a look can be missed at both of its places.
    """
    for _ in range(_LOOKS):
        before, found = found.paths, reader.scan()
        if found.paths == before:
            return found, True
    return found, False


def _guard(lost: int, total: int, may_lose: float) -> None:
    if total > _FEW and lost > total * may_lose:
        raise MassLossError(lost, total)


def _concerns_topics(part: str) -> bool:
    return part == "" or f"{folder.TOPIC_DATA}/".startswith(f"{part}/") or part.startswith(f"{folder.TOPIC_DATA}/")

"""The contract of an index, in types and words. Knows no database.

Times are aware, in UTC and whole seconds. Every method may raise `StoreError`. A store may be used from any number
of threads and processes at once; a snapshot or a refresh belongs to the thread that opened it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import msgspec

from feeds.model import (
    EVERYTHING,
    Article,
    ArticleQuery,
    Collection,
    FileFacts,
    FileReport,
    FileStamp,
    IndexState,
    Kind,
    Label,
    ListedArticle,
    Month,
    Problem,
    Slice,
    State,
    TopicFacts,
)
from feeds.store.prepared import Prepared


class Mark(msgspec.Struct, frozen=True, gc=False):
    """How far somebody outside follows: when each collection that it knows had last changed; `token` is its own."""

    token: str
    modified_at: Mapping[tuple[Kind, str], datetime]


class Snapshot(Protocol):
    """One consistent view of the index at one moment: a refresh that commits meanwhile does not show in it.

    An article is *shown* in the view where its file is the best visible one of its identity at that moment.
    """

    def state(self) -> IndexState:
        """Return where the index stands."""

    def collection(self, kind: Kind, slug: str) -> Collection | None:
        """Return a collection by its slug, or None where none exists. ALL exists from the first refresh on."""

    def collections(self, kind: Kind) -> tuple[Collection, ...]:
        """Return every collection of a kind that is in the site's data or was ever shown, by folded name."""

    def slug_for(self, kind: Kind, spelling: str) -> str | None:
        """Return the slug of the collection whose folded name, slug in other case or former slug this is.

        Providers go by their domain, with or without `www.`.
        """

    def articles(self, query: ArticleQuery) -> tuple[ListedArticle, ...]:
        """Return the shown articles that match, latest listing first, ties by id, at most `query.limit`.

        Related stories that are hidden articles of the index are left out of them.
        """

    def slice(self, part: Slice, limit: int) -> tuple[ListedArticle, ...]:
        """Return the shown articles that meet every condition, at most `limit`, in the order of listing.

        Where there are more, `part.order` says which: the highest numbers, missing ones last; else the latest listed.
        Words are those of `feeds.words`, in title, excerpt and provider's name.
        """

    def count(self, query: ArticleQuery) -> int:
        """Return how many shown articles match, whatever the query's limit, offset and place."""

    def months(self, kind: Kind, slug: str) -> tuple[Month, ...]:
        """Return the UTC months, of listing, that have shown articles of a collection, the latest first."""

    def all_months(self, kind: Kind, since: datetime | None = None) -> Mapping[str, tuple[Month, ...]]:
        """Return the months of every collection of a kind, by slug; with `since`, those alone that start then or later.

        Collections without any may be left out.
        """

    def slice_collections(self, part: Slice, kinds: tuple[Kind, ...] = tuple(Kind)) -> tuple[Collection, ...]:
        """Return the collections of some kinds that have an article of a slice, ALL as one of them, counted within the slice.

        The largest of each kind come first, ties by folded name.
        """

    def neighbours(self, kind: Kind, slug: str, limit: int) -> tuple[Label, ...]:
        """Return the other topics that the latest 500 shown articles of a collection belong to, the most frequent first.

        Ties go by folded name.
        """

    def topic_facts(self) -> tuple[TopicFacts, ...]:
        """Return what the site's data says about topics, by folded name, each under the slug that it has."""

    def listed_before(self, kind: Kind, slug: str, moment: datetime) -> datetime | None:
        """Return the latest listing time of a shown article of the collection before `moment`."""

    def listed_from(self, kind: Kind, slug: str, moment: datetime) -> datetime | None:
        """Return the earliest listing time of a shown article of the collection at or after `moment`."""

    def shown(self, identities: Iterable[str]) -> Mapping[str, ListedArticle]:
        """Return those of the identities that are shown, by identity."""

    def parents(self, identities: Iterable[str]) -> Mapping[str, tuple[Article, ...]]:
        """Return the shown articles that point to each of the identities, the earliest published first."""

    def modified_at(self, kind: Kind, slug: str) -> datetime | None:
        """Return when the collection last changed: an edit, a removal, an appearance, or other settings.

        It grows strictly with every change, and so may be some seconds ahead of the clock after several changes in
        one second. None where the index is empty still.
        """

    def listings(self) -> Mapping[str, int]:
        """Return when each shown article was first shown, by `identity_key`: in seconds since 1970, because there are very many."""

    def modification_times(self) -> Mapping[tuple[Kind, str], datetime]:
        """Return `modified_at` of every collection that exists."""

    def mark(self, holder: str) -> Mark | None:
        """Return what was kept for somebody outside last, None where nothing was."""

    def counts(self) -> Mapping[State, int]:
        """Return how many files are in each state, the states without files too."""

    def reports(self) -> Iterator[FileReport]:
        """Yield every file that has anything to say, by path: all but the shown ones without a warning."""

    def failure(self) -> str | None:
        """Return why the last refresh failed; None where it did not."""

    def refused(self) -> tuple[FileReport, ...]:
        """Return the reports of the refused files alone, by path."""

    def troubles(self) -> tuple[str, ...]:
        """Return what the last look through the whole folder could not look at, in lines for people."""

    def topic_problems(self) -> tuple[tuple[str, Problem], ...]:
        """Return what is wrong in the site's topic data, as (path, problem), by path."""


class Gathered(Snapshot, Protocol):
    """A view that is read ahead, for who goes through every document: it gives the same answers, many of them sooner.

    An article that is asked for again is the same object, unless it was long ago.
    """

    def versions(self, query: ArticleQuery) -> tuple[bytes, ...]:
        """Return a name for what `articles` would return, for each: what has the same name in any index is the same article.

        The listing time does not count.
        """


class Refresh(Protocol):
    """One refresh of the index: nothing of it can be seen before the end, and then all at once."""

    def known_files(self, parts: Iterable[str] = EVERYTHING, digest_start: bytes = b"") -> Set[FileStamp]:
        """Return the stamp of every known file, or only of those that are one of the parts, or below one.

        One whose digest starts in another way is given a size of -1, which no file has.
        """

    def facts(self, paths: Iterable[str]) -> Mapping[str, FileFacts]:
        """Return the facts of files by their path; one that is not known is left out."""

    def knows_all(self) -> bool:
        """Return whether a refresh of the whole folder came to its end before, so that parts of it may be enough."""

    def article_count(self) -> int:
        """Return how many articles there are, shown or not, last good versions too."""

    def touch(self, path: str, facts: FileFacts) -> None:
        """Keep new facts of a known file whose bytes are the same."""

    def put(self, files: Iterable[tuple[FileFacts, Prepared]]) -> None:
        """Take what files came to (see `prepared.prepare`), instead of what was known of them.

        A refused file keeps its last good article, unless it says or may say that it is taken down; and it stays taken
        down where it was.
        """

    def forget(self, paths: Iterable[str]) -> None:
        """Drop files that are not there any more."""

    def lost(self) -> int:
        """Return how many articles that were there have no file any more, which is not the same as being taken down by one."""

    def note(self, troubles: Iterable[str]) -> None:
        """Keep what could not be looked at, instead of what could not be before."""

    def put_topics(self, topics: Iterable[tuple[str, TopicFacts | None, tuple[Problem, ...]]]) -> None:
        """Take the site's topic data, as (path, facts, problems), instead of all known; None keeps a file's facts."""

    def remember(self, listed: Mapping[str, int]) -> None:
        """Take when articles were first shown (see `Snapshot.listings`) from before this index was; only ahead of the first `put`.

        It counts in an index that was never refreshed: there, all other articles are new then.
        """

    def finish(self, fingerprint: str | None) -> bool:
        """Settle identities, listing times, collections and modification times; return whether a feed can differ.

        `fingerprint` stands for everything else that the bytes of feeds depend on: another one changes them all.
        None leaves that as it is recorded: for who looks, and serves nothing.
        """

    def preview(self) -> Snapshot:
        """Return a view of the index as it would be; before `finish` only its files are right."""

    def abandon(self) -> None:
        """Leave the index as it was."""

    def fail(self, reason: str) -> None:
        """Record that a refresh failed, instead of all else; the next that finishes takes it back."""


class Store(Protocol):
    """The index."""

    def reading(self, now: datetime) -> AbstractContextManager[Snapshot]:
        """Open a view of the index at the moment `now`."""

    def gathering(self, now: datetime) -> AbstractContextManager[Gathered]:
        """Open a view of the index at the moment `now`, to go through all of it."""

    def refreshing(self, now: datetime) -> AbstractContextManager[Refresh]:
        """Open the one refresh that may run at a time; leaving it commits, an exception or `abandon` undoes it.

        Of an index that was noticed to be damaged it makes another, which has all that files can't give back and that could be
        read; it counts when the refresh is finished.

        Raises:
            IndexBusyError: another process or thread refreshes the index right now.
            IndexDamagedError: the index is damaged, which is noticed only now.
        """

    def keep_mark(self, holder: str, mark: Mark) -> None:
        """Keep how far somebody outside follows, instead of what was kept.

        Raises:
            IndexBusyError: a refresh keeps the index from being written.
        """

    def close(self) -> None:
        """Give back what is held open."""

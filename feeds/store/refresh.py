"""Writing the index: one refresh, in one transaction. Knows files, identities and listing times.

Who wins among the files of one identity does not depend on the clock: the visible one with the latest publication
does, so each file is shown from its publication until that of the next. These spans are settled here, and a web
node needs no writer to let a scheduled article appear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from feeds.model import EVERYTHING, FileFacts, FileStamp, Problem, State, Takedown, TopicFacts
from feeds.store import bulk, filefacts, rows, spans
from feeds.store.database import WordIndex, collection_words
from feeds.store.labels import CollectionBook
from feeds.store.prepared import Prepared, PreparedArticle, found_by
from feeds.store.queries import batches
from feeds.store.schema import (
    FOREVER,
    SALVAGED,
    SALVAGED_IN_PART,
    articles,
    files,
    listings,
    memberships,
    meta,
    payloads,
    relations,
    topic_files,
)
from feeds.store.snapshot import SqlSnapshot
from feeds.store.spans import NEVER, Span

_ARTICLE_FACTS = (articles.c.identity, payloads.c.payload, articles.c.labels, *spans.COLUMNS)


class _New(NamedTuple):
    """An article that is put in."""

    file_id: int
    article: PreparedArticle
    labels: bytes
    belongs: rows.Labels  # what `labels` says
    span: Span  # empty where settling has to find it


class SqlRefresh:
    """A `Refresh` (see `base`) on one connection, inside one transaction."""

    def __init__(self, connection: Connection, words: WordIndex, now: datetime) -> None:
        self._connection = connection
        self._words = words
        self._moment = now
        self._now = rows.seconds(now)
        self._meta = {row.name: row.value for row in connection.execute(meta.select())}
        self.is_first = "refreshed_at" not in self._meta
        self._all_are_old = self.is_first or self._meta.get(SALVAGED) == SALVAGED_IN_PART
        self._book = CollectionBook(connection, self._now, int(self._meta.get("settings_at", "0")))
        self._next_id = (connection.execute(select(func.max(files.c.id))).scalar() or 0) + 1
        self._unsettled: set[str] = set()  # keys of identities whose spans are to be found
        self._settled: set[str] = set()  # keys whose spans were known at once
        self._dropped: set[str] = set()  # keys of identities that a file had, and has no more
        self._moved: set[str] = set()  # keys of identities that were, or are now, seen differently
        self._lost_words = False
        self._indexes_to_make: tuple[str, ...] = ()
        self._wrote = False
        self.abandoned = False
        self.finished = False

    def abandon(self) -> None:
        self.abandoned = True

    def fail(self, reason: str) -> None:
        self._set_meta(failure=reason)

    def preview(self) -> SqlSnapshot:
        return SqlSnapshot(self._connection, self._words, self._moment)

    def known_files(self, parts: Iterable[str] = EVERYTHING, digest_start: bytes = b"") -> Set[FileStamp]:
        return filefacts.stamps(self._connection, parts, digest_start)

    def facts(self, paths: Iterable[str]) -> Mapping[str, FileFacts]:
        return filefacts.facts(self._connection, paths)

    def knows_all(self) -> bool:
        return not self.is_first and SALVAGED not in self._meta

    def article_count(self) -> int:
        return self._connection.execute(select(func.count()).select_from(articles)).scalar_one()

    def lost(self) -> int:
        lost = len(self._dropped)
        for batch in batches(sorted(self._dropped)):
            taken_down = select(files.c.key).where(files.c.key.in_(batch), files.c.takedown != Takedown.NONE)
            still = taken_down.union(select(articles.c.key).where(articles.c.key.in_(batch)))
            lost -= self._connection.execute(select(func.count()).select_from(still.subquery())).scalar_one()
        return lost

    def note(self, troubles: Iterable[str]) -> None:
        text = "\n".join(troubles)
        if text != self._meta.get("troubles", ""):
            self._set_meta(troubles=text)

    def touch(self, path: str, facts: FileFacts) -> None:
        moved = update(files).where(files.c.path == path)
        self._connection.execute(moved.values(size=facts.size, modified_ns=facts.modified_ns))

    def remember(self, listed: Mapping[str, int]) -> None:
        if self.is_first:
            self._all_are_old = False
            bulk.insert(self._connection, listings, list(listed.items()))

    def put(self, loaded: Iterable[tuple[FileFacts, Prepared]]) -> None:
        if self.is_first and not self._indexes_to_make:
            self._indexes_to_make = bulk.drop_indexes(self._connection)
        for batch in batches(loaded):
            known = {} if self.is_first else self._known([prepared.path for _, prepared in batch])
            self._put_batch([(facts, prepared, known.get(prepared.path)) for facts, prepared in batch])

    def _known(self, paths: list[str]) -> dict[str, rows.Row]:
        query = select(files.c.id, files.c.path, files.c.key, files.c.takedown, articles.c.key.label("article_key"), *_ARTICLE_FACTS)
        joined = query.join_from(files, articles, files.c.id == articles.c.id, isouter=True)
        joined = joined.join(payloads, payloads.c.id == articles.c.id, isouter=True)
        return {row.path: row for row in self._connection.execute(joined.where(files.c.path.in_(paths)))}

    def _put_batch(self, batch: list[tuple[FileFacts, Prepared, rows.Row | None]]) -> None:
        file_rows: list[bulk.Row] = []
        new: list[_New] = []
        dropped: list[int] = []
        for facts, prepared, known in batch:
            file_id = self._next_id if known is None else known.id
            self._next_id += known is None
            file_rows.append(self._file_row(file_id, facts, prepared, known))
            if prepared.state is State.REFUSED and prepared.takedown is Takedown.NONE:
                continue  # the last good version, if there is one, stays
            article = prepared.article
            belongs = [] if article is None else self._book.labels(article.labels)
            labels = rows.encode(belongs)
            if article is not None and known is not None and (article.payload, labels) == (known.payload, known.labels):
                continue
            if known is not None and known.payload is not None:
                self._lose(known)
                dropped.append(file_id)
            if article is not None:
                new.append(_New(file_id, article, labels, belongs, self._first_span(article)))
        self._drop(dropped)
        if not self.is_first:
            self._delete(files, "id", [row[0] for row in file_rows])
        bulk.insert(self._connection, files, file_rows)
        self._put_articles(new)
        self._wrote = True

    def _put_articles(self, new: list[_New]) -> None:
        bulk.insert(
            self._connection,
            articles,
            [
                (
                    one.file_id,
                    one.article.identity,
                    one.article.key,
                    one.article.published_at,
                    one.article.updated_at,
                    one.span.listed_at,
                    one.span.start,
                    one.span.end,
                    one.article.quality,
                    one.article.heat,
                    one.labels,
                )
                for one in new
            ],
        )
        bulk.insert(self._connection, payloads, [(one.file_id, one.article.payload) for one in new])
        bulk.insert(self._connection, relations, [(key, one.file_id) for one in new for key in one.article.related_keys])
        self._words.put(self._connection, [(one.file_id, _words_of(one.article.words, one.belongs)) for one in new])
        settled = [one for one in new if one.span is not NEVER]
        spans.put_memberships(self._connection, [(one.file_id, one.belongs, one.span) for one in settled])
        bulk.insert(self._connection, listings, [(one.article.key, one.span.listed_at) for one in settled])

    def _first_span(self, article: PreparedArticle) -> Span:
        """Return the span of an article that is put in, empty where settling has to find it.

        In a new index nearly all are the only ones of their identity, and it is known at once. The others are settled, as if
        nothing had been known.
        """
        if not self.is_first or not self._all_are_old or article.key in self._settled:
            self._unsettled.add(article.key)
            return NEVER
        self._settled.add(article.key)
        return Span(article.published_at, article.published_at, FOREVER)

    def _file_row(self, file_id: int, facts: FileFacts, prepared: Prepared, known: rows.Row | None) -> bulk.Row:
        key, takedown, problems = prepared.key, prepared.takedown, prepared.problems
        before: tuple[Takedown, str | None] = (Takedown.NONE, None)
        if known is not None:
            before = (Takedown(known.takedown), known.key)
            if key is None and prepared.state in (State.HIDDEN, State.REFUSED):
                key = known.key  # what it takes down, if it does, is what was there
            if prepared.state is State.REFUSED and takedown is Takedown.NONE:
                takedown = before[0]  # who can't be understood takes nothing back
        said = {before} ^ {(takedown, key)}
        self._unsettled |= {concerned for takes, concerned in said if takes is not Takedown.NONE and concerned is not None}
        article = prepared.article
        if known is not None and known.identity is not None and article is not None and article.identity != known.identity:
            reason = f"is a new identity, {article.identity}; it was {known.identity}: readers show it again"
            problems = rows.encode((*rows.problems(problems), Problem(reason, field="id")))
        return (file_id, prepared.path, facts.size, facts.modified_ns, facts.digest, prepared.state.value, takedown.value, key, problems)

    def _lose(self, known: rows.Row) -> None:
        """Note that an article is taken out of the index, for good or to be replaced."""
        self._unsettled.add(known.article_key)
        self._dropped.add(known.article_key)
        self._book.revisit(known.labels, known.listed_at)
        self._words.drop(self._connection, known.id, _words_of(found_by(rows.article(known.payload)), rows.labels(known.labels)))
        self._lost_words = True
        if Span(known.listed_at, known.shown_from, known.shown_until).listing(self._now) is not None:
            self._book.touch(known.labels)

    def forget(self, paths: Iterable[str]) -> None:
        for batch in batches(paths):
            gone = list(self._known(batch).values())
            for known in gone:
                if known.payload is not None:
                    self._lose(known)
                if known.takedown != Takedown.NONE and known.key is not None:
                    self._unsettled.add(known.key)
            self._drop([known.id for known in gone])
            self._delete(files, "id", [known.id for known in gone])
            self._wrote = True

    def put_topics(self, topics: Iterable[tuple[str, TopicFacts | None, tuple[Problem, ...]]]) -> None:
        kept = {row.path: row.facts for row in self._connection.execute(topic_files.select())}
        new_rows: list[dict[str, Any]] = [
            {
                "path": path,
                "facts": kept.get(path) if facts is None else rows.encode(facts),
                "problems": rows.encode(problems) if problems else None,
            }
            for path, facts, problems in topics
        ]
        self._connection.execute(delete(topic_files))
        self._insert(topic_files, new_rows)
        found = (rows.topic_facts(row["facts"]) for row in sorted(new_rows, key=lambda row: row["path"]))
        self._book.put_facts(tuple(facts for facts in found if facts is not None))

    def make_indexes(self) -> None:
        """Make the indexes that a first filling went without; `finish` does it, and without it who commits."""
        for statement in self._indexes_to_make:
            self._connection.exec_driver_sql(statement)
        self._indexes_to_make = ()

    def finish(self, fingerprint: str | None) -> bool:
        self.make_indexes()
        for batch in batches(sorted(self._settled & self._unsettled)):
            self._delete(listings, "key", batch)
        earliest = -FOREVER if self._all_are_old else self._now
        for batch in batches(sorted(self._unsettled)):
            self._moved |= spans.settle(self._connection, self._book, batch, self._now, earliest)
        if self._moved:
            self._touch_referrers()
        if self._lost_words:
            self._words.forget(self._connection)
        same_settings = fingerprint in (None, self._meta.get("fingerprint"))
        facts_changed = self._book.finish()
        changed = self.is_first or self._wrote or facts_changed or not same_settings or self._book.has_turned or self._is_another_month()
        if facts_changed or not same_settings:
            self._set_meta(settings_at=str(max(self._now, self._book.modified_before + 1)))
        if changed:
            self._set_meta(revision=str(int(self._meta.get("revision", "0")) + 1))
        self._set_meta(refreshed_at=str(self._now), failure="")
        if fingerprint is not None:
            self._set_meta(fingerprint=fingerprint)
        self._delete(meta, "name", [SALVAGED])
        self.finished = True
        return changed

    def _is_another_month(self) -> bool:
        refreshed_at = rows.moment(int(self._meta.get("refreshed_at", "0")))
        return (refreshed_at.year, refreshed_at.month) != (self._moment.year, self._moment.month)

    def _touch_referrers(self) -> None:
        """Touch the collections of the articles that point to something that moved: their feeds show it, or not."""
        query = (
            select(articles.c.labels)
            .join_from(relations, articles, relations.c.article_id == articles.c.id)
            .where(articles.c.shown_from <= self._now, articles.c.shown_until > self._now)
        )
        for batch in batches(sorted(self._moved)):
            for payload in self._connection.execute(query.where(relations.c.key.in_(batch))).scalars():
                self._book.touch(payload)

    def _drop(self, ids: list[int]) -> None:
        for table, column in ((articles, "id"), (payloads, "id"), (relations, "article_id"), (memberships, "article_id")):
            self._delete(table, column, ids)

    def _delete(self, table: Table, column: str, values: list[Any]) -> None:
        if values:
            self._connection.execute(delete(table).where(table.c[column].in_(values)))

    def _insert(self, table: Table, new_rows: list[dict[str, Any]]) -> None:
        if new_rows:
            self._connection.execute(insert(table), new_rows)

    def _set_meta(self, **values: str) -> None:
        self._delete(meta, "name", list(values))
        self._insert(meta, [{"name": name, "value": value} for name, value in values.items()])


def _words_of(said: str, belongs: rows.Labels) -> str:
    """Return all words by which an article is found: those of its collections, and those that it says."""
    return f"{collection_words(label[0] for label in belongs)} {said}"

"""Writing the index: the collections that articles belong to, their names, slugs and modification times.

Knows the rules by which a name becomes a collection and a collection gets its slug; knows no file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, case, delete, func, insert, or_, select

from feeds.identity import distinct_slugs, fold, slug
from feeds.model import Kind, TopicFacts
from feeds.store import rows
from feeds.store.collected import modification_time
from feeds.store.monthcounts import MonthBook
from feeds.store.prepared import NamedLabel
from feeds.store.queries import in_batches
from feeds.store.schema import FOREVER, articles, collections, former_slugs, memberships, relations, turns

_COLUMNS = tuple(column.name for column in collections.columns)


class _Entry(msgspec.Struct):
    """A row of `collections` while it is being changed."""

    id: int
    kind: Kind
    folded: str
    slug: str
    name: str
    since: int | None
    modified_at: int
    facts: bytes | None
    shown: int = 0

    def exists(self, moment: int) -> bool:
        """Whether anybody can have seen it: it is in the site's data, or was shown."""
        return self.facts is not None or self.kind is Kind.ALL or (self.since is not None and self.since <= moment)

    def row(self) -> dict[str, Any]:
        return {column: getattr(self, column) for column in _COLUMNS}


class CollectionBook:
    """Every collection, within one refresh."""

    def __init__(self, connection: Connection, now: int, settings_at: int) -> None:
        self._connection = connection
        self._now = now
        self._settings_at = settings_at
        read = (_Entry(**{**row._asdict(), "kind": Kind(row.kind)}) for row in connection.execute(collections.select()))
        self._entries = {(entry.kind, entry.folded): entry for entry in read}
        self._by_id = {entry.id: entry for entry in self._entries.values()}
        self._next_id = max(self._by_id, default=0) + 1
        self._touched: set[int] = set()
        self._revisited: set[int] = set()
        self._months = MonthBook(connection, now)
        self._facts_changed = False
        # Known after `finish`: whether anything changed by itself since the last refresh, and the latest change before this one.
        self.has_turned = False
        self.modified_before = settings_at
        self._add(Kind.ALL, "", "")

    def _add(self, kind: Kind, folded: str, name: str) -> _Entry:
        entry = self._entries.get((kind, folded))
        if entry is None:
            entry = _Entry(self._next_id, kind, folded, "", name, None, 0, None)
            self._entries[kind, folded] = self._by_id[entry.id] = entry
            self._next_id += 1
        return entry

    def labels(self, named: Iterable[NamedLabel]) -> rows.Labels:
        """Return the collections of an article, each with the name as the article spells it."""
        return [(self._add(label.kind, label.folded, label.name).id, label.name) for label in named]

    def touch(self, labels: bytes) -> None:
        """Note that the collections of an article look different now."""
        self._touched.update(label[0] for label in rows.labels(labels))

    def revisit(self, labels: bytes, *listed: int) -> None:
        """Note that the collections of an article have other articles of these listing times, shown now or not."""
        for collection, _ in rows.labels(labels):
            self._revisited.add(collection)
            for listed_at in listed:
                self._months.move(collection, listed_at)

    def put_facts(self, topics: tuple[TopicFacts, ...]) -> None:
        """Take the site's topic data instead of what was known; the first of two files for one name counts."""
        facts = {fold(topic.name): topic for topic in reversed(topics)}
        for folded, topic in facts.items():
            self._add(Kind.TOPIC, folded, topic.name)
        for entry in self._entries.values():
            found = facts.get(entry.folded) if entry.kind is Kind.TOPIC else None
            payload = None if found is None else rows.encode(found)
            if payload != entry.facts:
                entry.facts = payload
                self._facts_changed = True

    def finish(self) -> bool:
        """Write names, slugs, first listings and modification times; return whether names or slugs moved."""
        before = [(entry, entry.name, entry.slug) for entry in self._entries.values() if entry.exists(self._now)]
        is_new = {entry.id for entry in self._entries.values() if not entry.modified_at}
        self._fold_turns()
        self.modified_before = max(self._settings_at, *(entry.modified_at for entry in self._entries.values()))
        concerned = set(self._by_id) if self._facts_changed else self._revisited | is_new
        first_shown = self._first_shown(concerned)
        for entry in self._entries.values():
            if entry.id in concerned:
                entry.since = self._since(entry, first_shown.get(entry.id))
                entry.name = self._name(entry)
            if entry.id in self._touched | is_new:
                entry.modified_at = max(self._now, entry.modified_at + 1, self._settings_at + 1)
        self._count_shown(is_new)
        self._drop_unseen()
        for kind in Kind:
            self._assign_slugs(kind)
        self._write()
        self._plan_turns()
        return self._facts_changed or any((entry.name, entry.slug) != (name, slug_before) for entry, name, slug_before in before)

    def _fold_turns(self) -> None:
        """Make the turns that have come to pass part of the modification times, and of what has to be counted."""
        passed = select(turns.c.collection_id, func.count().label("total"), func.max(turns.c.at).label("last"))
        for row in self._connection.execute(passed.where(turns.c.at <= self._now).group_by(turns.c.collection_id)):
            entry = self._by_id[row.collection_id]
            entry.modified_at = modification_time(entry.modified_at, self._settings_at, row.total, row.last)
            self._revisited.add(entry.id)
            self.has_turned = True
        passed_at = select(turns.c.at).where(turns.c.at <= self._now)
        turned = or_(articles.c.shown_from.in_(passed_at), articles.c.shown_until.in_(passed_at))
        for labels, listed_at in self._connection.execute(select(articles.c.labels, articles.c.listed_at).where(turned)).all():
            self.revisit(labels, listed_at)

    def _count_shown(self, new: set[int]) -> None:
        """Count the shown articles of the collections that have others."""
        self._months.count(new)
        totals = self._months.totals(self._revisited | new)
        for collection in self._revisited | new:
            self._by_id[collection].shown = totals.get(collection, 0)

    def _first_shown(self, ids: Iterable[int]) -> dict[int, int]:
        """Return when the first article of each collection is shown, of those that are or will be; one that has none is left out."""
        belonging = memberships.c
        moment = case((belonging.shown_from > belonging.listed_at, belonging.shown_from), else_=belonging.listed_at)
        first = select(belonging.collection_id, func.min(moment).label("shown_at")).group_by(belonging.collection_id)
        found = in_batches(self._connection, first.where(belonging.shown_until > self._now), belonging.collection_id, ids)
        return {row.collection_id: row.shown_at for row in found}

    def _since(self, entry: _Entry, first: int | None) -> int | None:
        ever = None if entry.since is None or entry.since > self._now else entry.since
        return min((moment for moment in (first, ever) if moment is not None), default=None)

    def _name(self, entry: _Entry) -> str:
        """Return the display name; of one that nobody has seen yet, what it will be when it appears."""
        facts = rows.topic_facts(entry.facts)
        if facts is not None:
            return facts.name
        moment = max(self._now, entry.since or 0)
        shown = and_(memberships.c.collection_id == entry.id, memberships.c.shown_from <= moment, memberships.c.shown_until > moment)
        if entry.kind is Kind.PROVIDER:
            names = self._connection.execute(select(memberships.c.name).where(shown).distinct().limit(2)).scalars().all()
            return names[0] if len(names) == 1 else entry.folded if names else entry.name
        oldest = (
            select(memberships.c.name)
            .join_from(memberships, articles, memberships.c.article_id == articles.c.id)
            .where(shown)
            .order_by(memberships.c.listed_at, articles.c.identity)
            .limit(1)
        )
        return self._connection.execute(oldest).scalar() or entry.name

    def _drop_unseen(self) -> None:
        """Forget the collections of articles that were withdrawn before their time: not even a name stays."""
        unseen = {entry.id for entry in self._entries.values() if entry.since is None and not entry.exists(self._now)}
        if not unseen:
            return
        # A file that lost to another of its identity, or is taken down by it, may come back.
        waiting = select(articles.c.labels).where(or_(articles.c.shown_from >= articles.c.shown_until, articles.c.shown_until <= self._now))
        for payload in self._connection.execute(waiting).scalars():
            unseen.difference_update(label[0] for label in rows.labels(payload))
        self._connection.execute(delete(former_slugs).where(former_slugs.c.collection_id.in_(unseen)))
        self._entries = {key: entry for key, entry in self._entries.items() if entry.id not in unseen}

    def _assign_slugs(self, kind: Kind) -> None:
        """Give every collection of a kind a slug: data first, then the one listed first, then by name."""
        entries = [entry for entry in self._entries.values() if entry.kind is kind]
        entries.sort(key=lambda entry: (entry.facts is None, FOREVER if entry.since is None else entry.since, entry.folded))
        slugs = distinct_slugs((entry.folded, self._wanted_slug(entry)) for entry in entries)
        for entry in entries:
            wanted = slugs[entry.folded]
            if entry.slug not in ("", wanted):
                of_it = and_(former_slugs.c.kind == kind, former_slugs.c.slug == entry.slug)
                self._connection.execute(delete(former_slugs).where(of_it))
                self._connection.execute(insert(former_slugs), {"kind": kind, "slug": entry.slug, "collection_id": entry.id})
            entry.slug = wanted

    def _wanted_slug(self, entry: _Entry) -> str:
        facts = rows.topic_facts(entry.facts)
        if facts is not None:
            return facts.slug
        return entry.folded if entry.kind in (Kind.PROVIDER, Kind.ALL) else slug(entry.name)

    def _write(self) -> None:
        self._connection.execute(delete(collections))
        self._connection.execute(insert(collections), [entry.row() for entry in self._entries.values()])

    def _plan_turns(self) -> None:
        """Note when collections will change by themselves: an article appears, or another of its identity takes over."""
        self._connection.execute(delete(turns))
        planned: set[tuple[int, int]] = set()
        for moment in (articles.c.shown_from, articles.c.shown_until):
            ahead = and_(moment > self._now, moment < FOREVER, articles.c.shown_from < articles.c.shown_until)
            turning = select(articles.c.key, articles.c.labels, moment.label("at")).where(ahead)
            for row in self._connection.execute(turning).all():
                referring = (
                    select(articles.c.labels)
                    .join_from(relations, articles, relations.c.article_id == articles.c.id)
                    .where(relations.c.key == row.key, articles.c.shown_from <= row.at, articles.c.shown_until > row.at)
                )
                for payload in (row.labels, *self._connection.execute(referring).scalars()):
                    planned.update((label[0], row.at) for label in rows.labels(payload))
        if planned:
            self._connection.execute(insert(turns), [{"collection_id": collection, "at": at} for collection, at in sorted(planned)])

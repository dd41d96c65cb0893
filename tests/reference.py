"""The reference store: dicts and sorts, slow and plain, the oracle of the SQL store.

It is written from the rules (who is shown, when an article is listed, what is counted), not from the SQL. It leaves out what
the rules leave to the index: slugs that collide, spellings of one name, modification times.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from feeds.identity import slug
from feeds.model import Article, ArticleQuery, Collection, Kind, Label, ListedArticle, Month, Outcome, State, Takedown


@dataclass
class ReferenceFile:
    """What is known of a file. `article` is what it says, or what it said when it was last good."""

    state: State
    article: Article | None = None
    identity: str | None = None
    takedown: Takedown = Takedown.NONE


@dataclass
class ReferenceStore:
    """An index in memory, refreshed in one go."""

    files: dict[str, ReferenceFile] = field(default_factory=dict)
    listed_at: dict[str, datetime] = field(default_factory=dict)
    ever_shown: set[tuple[Kind, str]] = field(default_factory=set)
    refreshed_at: datetime | None = None

    def refresh(self, now: datetime, outcomes: Iterable[Outcome], gone: Iterable[str]) -> None:
        """Take what files came to, forget those that are gone, and list what is new."""
        if self.refreshed_at is not None:
            self.ever_shown |= ReferenceView(self, now).existing()
        for outcome in outcomes:
            self.files[outcome.path] = _file(outcome, self.files.get(outcome.path))
        for path in gone:
            self.files.pop(path, None)
        self._list(now)
        self.refreshed_at = now
        self.ever_shown |= ReferenceView(self, now).existing()

    def _list(self, now: datetime) -> None:
        """Find the listing times: an article is listed when it is first shown, but never before its publication."""
        contenders = self.contenders()
        for identity in [one for one, listed_at in self.listed_at.items() if listed_at > now and one not in contenders]:
            del self.listed_at[identity]
        for identity, paths in contenders.items():
            published = [self.article(path).published_at for path in paths]
            due = max((moment for moment in published if moment <= now), default=min(published))
            listed_at = self.listed_at.get(identity)
            if listed_at is None or listed_at > now:
                self.listed_at[identity] = due if self.refreshed_at is None else max(due, now)
            elif due > now:
                self.listed_at[identity] = due

    def contenders(self) -> dict[str, list[str]]:
        """Return the paths of the files that may show each identity, in the order in which they win."""
        removed = {file.identity for file in self.files.values() if file.takedown is Takedown.IDENTITY}
        found: dict[str, list[str]] = {}
        for path, file in self.files.items():
            if file.article is not None and file.article.id not in removed:
                found.setdefault(file.article.id, []).append(path)
        for paths in found.values():
            paths.sort(key=lambda path: (self.article(path).published_at, self.article(path).updated_at, path))
        return found

    def article(self, path: str) -> Article:
        """Return the article of a file that has one."""
        article = self.files[path].article
        assert article is not None
        return article


def _file(outcome: Outcome, before: ReferenceFile | None) -> ReferenceFile:
    before = before or ReferenceFile(State.SKIPPED)
    if outcome.state is State.REFUSED:
        identity = outcome.id or before.identity
        if outcome.takedown is Takedown.NONE:
            return ReferenceFile(State.REFUSED, before.article, identity, before.takedown)
        return ReferenceFile(State.REFUSED, None, identity, outcome.takedown)
    if outcome.state is State.HIDDEN:
        return ReferenceFile(State.HIDDEN, None, outcome.id or before.identity, outcome.takedown)
    return ReferenceFile(outcome.state, outcome.article, outcome.id)


class ReferenceView:
    """The index at a moment; the methods are those of `feeds.store.base.Snapshot`."""

    def __init__(self, store: ReferenceStore, now: datetime) -> None:
        self._store = store
        self._now = now
        self._winners = {
            identity: max(due, key=paths.index)
            for identity, paths in store.contenders().items()
            if (due := [path for path in paths if store.article(path).published_at <= now])
        }

    def articles(self, query: ArticleQuery) -> tuple[ListedArticle, ...]:
        found = self._matching(query)
        if query.after is not None:
            place = (-query.after.listed_at.timestamp(), query.after.id)
            found = [one for one in found if (-one.listed_at.timestamp(), one.article.id) > place]
        return tuple(found[query.offset :][: query.limit])

    def count(self, query: ArticleQuery) -> int:
        return len(self._matching(query))

    def months(self, kind: Kind, slug: str) -> tuple[Month, ...]:
        months = [one.listed_at.replace(day=1, hour=0, minute=0, second=0) for one in self._matching(ArticleQuery(kind, slug))]
        return tuple(Month(start, months.count(start)) for start in sorted(set(months), reverse=True))

    def neighbours(self, kind: Kind, slug: str, limit: int) -> tuple[Label, ...]:
        latest = self._matching(ArticleQuery(kind, slug))[:500]
        labels = [label for one in latest for label in one.topics if (kind, slug) != (Kind.TOPIC, label.slug)]
        return tuple(sorted(set(labels), key=lambda label: (-labels.count(label), label.name.casefold())))[:limit]

    def listed_before(self, kind: Kind, slug: str, moment: datetime) -> datetime | None:
        return max((one.listed_at for one in self._matching(ArticleQuery(kind, slug, before=moment))), default=None)

    def listed_from(self, kind: Kind, slug: str, moment: datetime) -> datetime | None:
        return min((one.listed_at for one in self._matching(ArticleQuery(kind, slug, since=moment))), default=None)

    def _matching(self, query: ArticleQuery) -> list[ListedArticle]:
        found = [one for one in self._all() if (query.kind, query.slug) in _collections(one.article)]
        if query.since is not None:
            found = [one for one in found if one.listed_at >= query.since]
        if query.before is not None:
            found = [one for one in found if one.listed_at < query.before]
        return found

    def _all(self) -> list[ListedArticle]:
        listed = [self._listed(identity) for identity in self._winners]
        return sorted(sorted(listed, key=lambda one: one.article.id), key=lambda one: one.listed_at, reverse=True)

    def _listed(self, identity: str) -> ListedArticle:
        article = self._store.article(self._winners[identity])
        related = tuple(story for story in article.related if story.id not in self._hidden())
        labels = tuple(Label(slug(name), name) for name in article.topics)
        return ListedArticle(replace(article, related=related), self._store.listed_at[identity], labels)

    def _hidden(self) -> set[str | None]:
        known = {file.article.id for file in self._store.files.values() if file.article is not None}
        taken_down = {file.identity for file in self._store.files.values() if file.takedown is not Takedown.NONE}
        return (known | taken_down) - self._winners.keys()

    def shown(self, identities: Iterable[str]) -> dict[str, ListedArticle]:
        return {identity: self._listed(identity) for identity in identities if identity in self._winners}

    def parents(self, identities: Iterable[str]) -> dict[str, tuple[Article, ...]]:
        shown = sorted(map(self._store.article, self._winners.values()), key=lambda article: (article.published_at, article.id))
        return {identity: tuple(one for one in shown if identity in [story.id for story in one.related]) for identity in identities}

    def collections(self, kind: Kind) -> tuple[Collection, ...]:
        found = []
        for of_kind, slug_of_it in sorted(self.existing()):
            if of_kind is kind:
                matching = self._matching(ArticleQuery(kind, slug_of_it))
                newest_at = max((one.listed_at for one in matching), default=None)
                found.append(Collection(kind, slug_of_it, slug_of_it, len(matching), newest_at))
        return tuple(found)

    def existing(self) -> set[tuple[Kind, str]]:
        """Return the collections that were ever shown: at a refresh, or at a moment in between."""
        refreshed_at = self._store.refreshed_at
        assert refreshed_at is not None
        published = (file.article.published_at for file in self._store.files.values() if file.article is not None)
        moments = {self._now, *(moment for moment in published if refreshed_at < moment <= self._now)}
        shown = (one.article for moment in moments for one in ReferenceView(self._store, moment)._all())
        return self._store.ever_shown.union(*map(_collections, shown)) | {(Kind.ALL, "")}

    def next_turn_at(self) -> datetime | None:
        contending = (path for paths in self._store.contenders().values() for path in paths)
        ahead = (self._store.article(path).published_at for path in contending)
        return min((moment for moment in ahead if moment > self._now), default=None)

    def counts(self) -> dict[State, int]:
        states = [self._state(path, file) for path, file in self._store.files.items()]
        return {state: states.count(state) for state in State}

    def states(self) -> dict[str, State]:
        """Return the state of every file."""
        return {path: self._state(path, file) for path, file in self._store.files.items()}

    def _state(self, path: str, file: ReferenceFile) -> State:
        if file.state is not State.SHOWN or path in self._winners.values():
            return file.state
        article = self._store.article(path)
        is_removed = article.id not in self._store.contenders()
        return State.HIDDEN if is_removed or article.published_at > self._now else State.SKIPPED


def _collections(article: Article) -> set[tuple[Kind, str]]:
    found = {(Kind.ALL, "")} | {(Kind.TOPIC, slug(name)) for name in article.topics}
    if article.category is not None:
        found.add((Kind.CATEGORY, slug(article.category)))
    if article.type is not None:
        found.add((Kind.TYPE, slug(article.type)))
    if article.provider is not None and article.provider.domain is not None:
        found.add((Kind.PROVIDER, article.provider.domain))
    return found

"""What a file came to -> what an index keeps of it. Knows the keys, the words and the payload of an article; knows no table.

This is worked out apart from any index, so that processes on all cores can do it.
"""

from __future__ import annotations

import msgspec

from feeds.identity import fold, identity_key
from feeds.model import Article, Kind, Outcome, State, Takedown
from feeds.store import rows
from feeds.words import indexed_words


class NamedLabel(msgspec.Struct, frozen=True, array_like=True):
    """A collection that an article belongs to, by its folded name, and the name as the article spells it."""

    kind: Kind
    folded: str
    name: str


class PreparedArticle(msgspec.Struct, frozen=True, array_like=True):
    """An article as an index keeps it; moments are seconds since 1970."""

    identity: str
    key: str
    published_at: int
    updated_at: int
    quality: int | None
    heat: int | None
    labels: tuple[NamedLabel, ...]
    related_keys: tuple[str, ...]
    words: str  # with a space between two
    payload: bytes


class Prepared(msgspec.Struct, frozen=True, array_like=True):
    """An outcome as an index keeps it. `key` is that of the identity, `problems` a payload."""

    path: str
    state: State
    takedown: Takedown
    key: str | None
    problems: bytes | None
    article: PreparedArticle | None


def prepare(outcome: Outcome) -> Prepared:
    """Return what an index keeps of an outcome."""
    return Prepared(
        path=outcome.path,
        state=outcome.state,
        takedown=outcome.takedown,
        key=None if outcome.id is None else identity_key(outcome.id),
        problems=rows.encode(outcome.problems) if outcome.problems else None,
        article=None if outcome.article is None else _article(outcome.article),
    )


def _article(article: Article) -> PreparedArticle:
    return PreparedArticle(
        identity=article.id,
        key=identity_key(article.id),
        published_at=rows.seconds(article.published_at),
        updated_at=rows.seconds(article.updated_at),
        quality=article.quality,
        heat=article.heat,
        labels=_labels(article),
        related_keys=tuple(identity_key(story.id) for story in article.related),
        words=found_by(article),
        payload=rows.encode(article),
    )


def _labels(article: Article) -> tuple[NamedLabel, ...]:
    provider = article.provider
    labels = [NamedLabel(Kind.ALL, "", ""), *(NamedLabel(Kind.TOPIC, fold(name), name) for name in article.topics)]
    labels += [NamedLabel(kind, fold(name), name) for kind, name in ((Kind.CATEGORY, article.category), (Kind.TYPE, article.type)) if name]
    if provider is not None and provider.domain is not None:
        labels.append(NamedLabel(Kind.PROVIDER, provider.domain, provider.name))
    return tuple(labels)


def found_by(article: Article) -> str:
    """Return the words by which an article is found: those of its title, excerpt and provider."""
    provider = "" if article.provider is None else article.provider.name
    return " ".join(indexed_words(f"{article.title} {article.excerpt or ''} {provider}"))

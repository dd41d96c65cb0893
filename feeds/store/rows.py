"""Values <-> what stands in a row. The one place that knows how the index writes articles, problems and moments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from feeds.model import Article, Kind, Problem, TopicFacts

Row = Any  # SQLAlchemy types rows by position; here columns are read by name
Labels = list[tuple[int, str]]  # collection id, name as the article spells it

_article = msgspec.msgpack.Decoder(Article)
_problems = msgspec.msgpack.Decoder(tuple[Problem, ...])
_facts = msgspec.msgpack.Decoder(TopicFacts)
_labels = msgspec.msgpack.Decoder(Labels)
_seen = msgspec.msgpack.Decoder(list[tuple[Kind, str, int]])

encode = msgspec.msgpack.encode


def article(payload: bytes) -> Article:
    """Return the article of a payload."""
    return _article.decode(payload)


def problems(payload: bytes | None) -> tuple[Problem, ...]:
    """Return the problems of a payload, none for NULL."""
    return () if payload is None else _problems.decode(payload)


def topic_facts(payload: bytes | None) -> TopicFacts | None:
    """Return the facts of a payload, None for NULL."""
    return None if payload is None else _facts.decode(payload)


def labels(payload: bytes) -> Labels:
    """Return the collections of an article, each with the name as the article spells it."""
    return _labels.decode(payload)


def seen(payload: bytes) -> dict[tuple[Kind, str], datetime]:
    """Return when each collection had last changed, as somebody outside has seen it."""
    return {(kind, slug): moment(at) for kind, slug, at in _seen.decode(payload)}


def encode_seen(modified_at: Mapping[tuple[Kind, str], datetime]) -> bytes:
    """Return the payload of that."""
    return encode([(kind, slug, seconds(at)) for (kind, slug), at in sorted(modified_at.items())])


def seconds(moment: datetime) -> int:
    """Return a moment as the index keeps it; fractions of a second are cut."""
    return int(moment.timestamp())


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No moment is before it, in seconds since 1970, and so no division of one, less it, is of a negative number.
DAY_ONE = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
DAY = 86_400  # seconds


def month_start(seconds: int) -> int:
    """Return the first second of the UTC month of a moment."""
    return month_of_day((seconds - DAY_ONE) // DAY)


@lru_cache(maxsize=10_000)  # some ten thousand days come again in every collection
def month_of_day(day: int) -> int:
    """Return the first second of the UTC month of a day, by its number from the first day of all."""
    return seconds((datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=day)).replace(day=1))


def moment(seconds: int) -> datetime:
    """Return the moment that the index kept."""
    return datetime.fromtimestamp(seconds, UTC)

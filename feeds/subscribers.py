"""What aggregators say in their User-Agent: who they are, and for how many subscribers they ask. Pure; knows no feed.

One request of an aggregator stands for all of its readers, and most say how many these are. Nobody can check that.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_COUNT = re.compile(r"\b(\d{1,9})\s+(?:subscriber|reader)s?\b|\b(?:subscriber|reader)s?\s*[:=]\s*(\d{1,9})\b", re.IGNORECASE)
_FEED_ID = re.compile(r"\bfeed[-_]?id\s*[:=]\s*([\w-]{1,64})", re.IGNORECASE)
_COMPATIBLE = re.compile(r"^Mozilla/[\d.]+ \((?:compatible; )?", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w.' -]{0,39}")
_FILLER = re.compile(r"(?:\.com\b|\.net\b|\.org\b|\bfeed[ -]fetcher\b|\bfeed-?id\b|[ _-])+", re.IGNORECASE)
_LONGEST = 400  # characters of a User-Agent that says something


class Claim(NamedTuple):
    """For how many an aggregator asks; some keep several lists of one feed, each with an id and readers of its own."""

    aggregator: str
    feed_id: str
    subscribers: int


@lru_cache(maxsize=2048)
def claim_of(user_agent: str) -> Claim | None:
    """Return what a User-Agent claims, None where it claims nothing."""
    said = user_agent[:_LONGEST]
    found = _COUNT.search(said)
    if found is None:
        return None
    name = _NAME.search(_COMPATIBLE.sub("", said)[:80])
    feed_id = _FEED_ID.search(said)
    return Claim(_plain(name[0]) if name else "other", feed_id[1] if feed_id else "", int(found[1] or found[2]))


def _plain(name: str) -> str:
    """Return one name for an aggregator, whatever versions and titles it gives itself."""
    first = re.split(r"[/;(]| - |\s+v?\d", name)[0]
    return _FILLER.sub("-", first.lower()).strip("-.' ") or "other"

"""The parameters of feed URLs: from what stands in a query to what it means, and back in one canonical form.

Knows the grammar; knows no path and no index. Unknown parameters are ignored, a bad value of a known one is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from urllib.parse import urlencode

from feeds.errors import RequestError
from feeds.feed import DEFAULT_OPTIONS, LIMITS, FeedOptions, ImageOption, RelatedOption
from feeds.identity import fold
from feeds.model import Choice, Kind, Slice, SliceOrder
from feeds.words import sought_words

_MAX_CHOICES = 20
_MAX_SOUGHT = 200  # characters
_MAX_NUMBER = 10**9
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_KINDS = {"topic": Kind.TOPIC, "provider": Kind.PROVIDER, "category": Kind.CATEGORY, "type": Kind.TYPE}
NAMES = {kind: name for name, kind in _KINDS.items()}

Parameters = Mapping[str, Sequence[str]]


def options(parameters: Parameters, page_size: int) -> FeedOptions:
    """Return the options that any feed takes, of a site with that page size.

    Raises:
        RequestError: a known parameter has a bad value, or two different ones.
    """
    limit = _choice(parameters, "limit", [str(limit) for limit in LIMITS])
    images = _choice(parameters, "images", list(ImageOption))
    related = _choice(parameters, "related", list(RelatedOption))
    default = DEFAULT_OPTIONS
    return FeedOptions(
        limit=default.limit if limit in (None, str(page_size)) else int(limit),
        images=default.images if images is None else ImageOption(images),
        related=default.related if related is None else RelatedOption(related),
    )


def slice_of(parameters: Parameters) -> Slice:
    """Return the part of all articles that the parameters of `/search/` ask for.

    Raises:
        RequestError: a known parameter has a bad value.
    """
    choices = tuple(_choices(parameters))
    if len(choices) > _MAX_CHOICES:
        raise RequestError("topic", f"and provider, category, type may be given {_MAX_CHOICES} times in all")
    written = _single(parameters, "q")
    sought = None if written is None else fold(written)
    if sought is not None and len(sought) > _MAX_SOUGHT:
        raise RequestError("q", f"is longer than {_MAX_SOUGHT} characters")
    if sought is not None and not sought_words(sought):
        raise RequestError("q", "has no word to look for")
    since, until = _day(parameters, "since"), _day(parameters, "until")
    if since is not None and until is not None and since > until:
        raise RequestError("until", "is before since")
    sort = _choice(parameters, "sort", list(SliceOrder))
    return Slice(
        choices=tuple(sorted(set(choices))),
        match_all=_choice(parameters, "match", ["any", "all"]) == "all",
        sought=sought,
        min_quality=_number(parameters, "min_quality"),
        min_heat=_number(parameters, "min_heat"),
        since=since,
        until=until,
        order=None if sort is None else SliceOrder(sort),
    )


def query(asked: FeedOptions, part: Slice | None = None) -> str:
    """Return the canonical query with its question mark: sorted, without repeats and defaults; "" where nothing is left."""
    pairs = sorted((name, value) for name, value in (*_said(asked), *(() if part is None else _said_slice(part))))
    return f"?{urlencode(pairs)}" if pairs else ""


def _said(asked: FeedOptions) -> Iterator[tuple[str, str]]:
    if asked.images is not DEFAULT_OPTIONS.images:
        yield "images", asked.images.value
    if asked.limit is not None:
        yield "limit", str(asked.limit)
    if asked.related is not DEFAULT_OPTIONS.related:
        yield "related", asked.related.value


def _said_slice(part: Slice) -> Iterator[tuple[str, str]]:
    for choice in part.choices:
        yield NAMES[choice.kind], f"-{choice.slug}" if choice.is_excluded else choice.slug
    if part.match_all and len(part.wanted(Kind.TOPIC)) > 1:
        yield "match", "all"
    for name, number in (("min_quality", part.min_quality), ("min_heat", part.min_heat)):
        if number is not None:
            yield name, str(number)
    for name, day in (("since", part.since), ("until", part.until)):
        if day is not None:
            yield name, day.isoformat()
    if part.sought is not None:
        yield "q", part.sought
    if part.order is not None:
        yield "sort", part.order.value


def _choices(parameters: Parameters) -> Iterator[Choice]:
    for name, kind in _KINDS.items():
        for value in parameters.get(name, ()):
            spelling = value.strip()
            excluded = spelling.startswith("-")
            if not spelling.removeprefix("-").strip():
                raise RequestError(name, "is empty")
            yield Choice(kind, spelling.removeprefix("-").strip(), excluded)


def _single(parameters: Parameters, name: str) -> str | None:
    given = set(parameters.get(name, ()))
    if len(given) > 1:
        raise RequestError(name, "is given more than once")
    return given.pop() if given else None


def _choice(parameters: Parameters, name: str, choices: Sequence[str]) -> str | None:
    given = _single(parameters, name)
    if given is not None and given not in choices:
        raise RequestError(name, f"has to be one of {', '.join(choices)}")
    return given


def _number(parameters: Parameters, name: str) -> int | None:
    given = _single(parameters, name)
    if given is None:
        return None
    digits = given.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < len(str(_MAX_NUMBER))):
        raise RequestError(name, "has to be a whole number of at most nine digits")
    return int(given)


def _day(parameters: Parameters, name: str) -> date | None:
    given = _single(parameters, name)
    try:
        if given is not None and not _DAY.fullmatch(given):
            raise ValueError  # Python also reads 20240517 and 2024-W20-5
        return None if given is None else date.fromisoformat(given)
    except ValueError:
        raise RequestError(name, "has to be a day such as 2024-05-17") from None

"""Every URL path of the program: made here, taken apart here. Knows no host, no web framework and no index.

/                                   the site's page
/topics/SLUG/                       a collection's page
/feed.EXT, /topics/SLUG/feed.EXT    a subscription document
…/YYYY-MM.EXT, …/YYYY-MM-DD.EXT     an archive beside it
…/YYYY-MM-page-N.EXT                the running month beyond the subscription document
/feeds.opml                         all topics, for import
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, urlencode

from feeds.errors import RequestError
from feeds.model import DEFAULT_OPTIONS, LIMITS, FeedAddress, FeedOptions, ImageOption, Kind, RelatedOption

SUBSCRIPTION = "feed"
OPML_PATH = "/feeds.opml"
_PART = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})|-page-([1-9][0-9]{0,5}))?")


class Period(NamedTuple):
    """A UTC month or day, and the page where only a part of the month is meant. `end` is exclusive."""

    start: datetime
    end: datetime
    page: int | None = None


def page_path(kind: Kind, slug: str) -> str:
    """Return the path of a collection's page for people."""
    return "/" if kind is Kind.ALL else f"/{kind}/{quote(slug)}/"


def feed_path(address: FeedAddress, extension: str) -> str:
    """Return the path of a document with its canonical query."""
    return f"{stem(address)}.{extension}{query(address.options)}"


def stem(address: FeedAddress) -> str:
    """Return the path of a document without its extension and query."""
    return f"{page_path(address.kind, address.slug)}{address.part}"


def query(options: FeedOptions) -> str:
    """Return the canonical query with its question mark: sorted, without defaults; "" where all are."""
    default = DEFAULT_OPTIONS
    given = {
        "images": None if options.images is default.images else options.images.value,
        "limit": None if options.limit == default.limit else options.limit,
        "related": None if options.related is default.related else options.related.value,
    }
    text = urlencode([(name, value) for name, value in given.items() if value is not None])
    return f"?{text}" if text else ""


def options(parameters: Mapping[str, Sequence[str]]) -> FeedOptions:
    """Return the options that the parameters of a URL ask for; unknown parameters are ignored.

    Raises:
        RequestError: a known parameter has a bad value, or two different ones.
    """
    limit = _choice(parameters, "limit", [str(limit) for limit in LIMITS])
    images = _choice(parameters, "images", list(ImageOption))
    related = _choice(parameters, "related", list(RelatedOption))
    default = DEFAULT_OPTIONS
    return FeedOptions(
        limit=default.limit if limit is None else int(limit),
        images=default.images if images is None else ImageOption(images),
        related=default.related if related is None else RelatedOption(related),
    )


def _choice(parameters: Mapping[str, Sequence[str]], name: str, choices: Sequence[str]) -> str | None:
    given = set(parameters.get(name, ()))
    if len(given) > 1:
        raise RequestError(name, "is given more than once")
    if given - set(choices):
        raise RequestError(name, f"has to be one of {', '.join(choices)}")
    return given.pop() if given else None


def relative(path: str, base_path: str) -> str:
    """Return how a page at `base_path` refers to `path`, wherever both are mounted."""
    target, base = path.split("/"), base_path.split("/")[:-1]
    common = 0
    while common < min(len(target) - 1, len(base)) and target[common] == base[common]:
        common += 1
    return "../" * (len(base) - common) + "/".join(target[common:]) or "./"


def month(moment: datetime) -> Period:
    """Return the UTC month of a moment."""
    start = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(start, (start + timedelta(days=32)).replace(day=1))


def day(moment: datetime) -> Period:
    """Return the UTC day of a moment."""
    start = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Period(start, start + timedelta(days=1))


def month_part(period: Period) -> str:
    """Return how the archive of a month is called."""
    return f"{period.start:%Y-%m}" if period.start.year > 999 else f"{period.start.year:04}-{period.start:%m}"


def day_part(period: Period) -> str:
    """Return how the archive of a day is called."""
    return f"{month_part(period)}-{period.start:%d}"


def page_part(period: Period, number: int) -> str:
    """Return how a page of a running month is called."""
    return f"{month_part(period)}-page-{number}"


def period_of(part: str) -> Period | None:
    """Return the period that a part of an address names, None where it names none."""
    found = _PART.fullmatch(part)
    if found is None:
        return None
    year, month_number, day_number, page = found.groups()
    try:
        start = datetime(int(year), int(month_number), int(day_number or 1), tzinfo=UTC)
        if day_number:
            return day(start)
        return month(start)._replace(page=int(page) if page else None)
    except (ValueError, OverflowError):
        return None

"""Every URL path of the program: made here, taken apart here. Knows no host, no web framework and no index.

/                                   the site's page
/topics/SLUG/                       a collection's page: its newest articles
/topics/SLUG/YYYY-MM/               those of a month; …/YYYY-MM/2/ where they need more pages
/topics/                            all topics; /topics/pages/2/ where they need more pages
/feed.EXT, /topics/SLUG/feed.EXT    a subscription document
…/YYYY-MM.EXT, …/YYYY-MM-DD.EXT     an archive beside it
…/YYYY-MM-page-N.EXT                the running month beyond the subscription document
/search/?…                          the page of any slice of all articles
/search/feed.EXT?…                  its feed
/feeds.opml                         all topics, for import
/robots.txt, /sitemap.xml            what search engines read; /sitemap-1.xml … where there are very many pages
/static/NAME.DIGEST.EXT             what pages load; another digest is another version of it
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from feeds import parameters
from feeds.feed import FeedAddress, FeedOptions, PageAddress
from feeds.model import Kind, Slice

SUBSCRIPTION = "feed"
OPML_PATH = "/feeds.opml"
ROBOTS_PATH = "/robots.txt"
SEARCH_PATH = "/search/"
_PAGE = re.compile(r"(?:(?P<slug>.+?)/)?(?:(?P<month>[0-9]{4}-[0-9]{2})|pages)(?:/(?P<number>[2-9]|[1-9][0-9]{1,5}))?")
_PART = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})|-page-([1-9][0-9]{0,5}))?")


class Period(NamedTuple):
    """A UTC month or day, and the page where only a part of the month is meant. `end` is exclusive."""

    start: datetime
    end: datetime
    page: int | None = None


@lru_cache(maxsize=4096)  # a page has a hundred links, and the next has most of them too
def page_path(kind: Kind, slug: str, month: str = "", number: int = 1) -> str:
    """Return the path of a page for people (see `PageAddress`)."""
    path = "/" if kind is Kind.ALL else f"/{kind}/"
    parts = (quote(slug), month or ("pages" if number > 1 else ""), str(number) if number > 1 else "")
    return path + "".join(f"{part}/" for part in parts if part)


def path_of(address: PageAddress) -> str:
    """Return the path of a page for people."""
    return page_path(address.kind, address.slug, address.month, address.number)


def page_of(kind: Kind, rest: str) -> PageAddress:
    """Return which page a path is meant for; `rest` is what comes behind the kind, without the last slash."""
    found = _PAGE.fullmatch(rest)
    if found is None or (found["month"] and not _is_month(found["month"])):
        return PageAddress(kind, rest)
    slug = found["slug"] or ""
    if not found["month"] and (slug or not found["number"]):
        return PageAddress(kind, rest)  # `pages` is no page of a collection
    if found["month"] and not slug and kind is not Kind.ALL:
        return PageAddress(kind, rest)  # a collection can be called `2024-05`; lists have no months
    return PageAddress(kind, slug, found["month"] or "", int(found["number"] or 1))


def _is_month(text: str) -> bool:
    return period_of(text) is not None


def search_path(asked: FeedOptions, part: Slice) -> str:
    """Return the path of the page of a slice with its canonical query."""
    return f"{SEARCH_PATH}{parameters.query(asked, part)}"


def feed_path(address: FeedAddress, extension: str) -> str:
    """Return the path of a document with its canonical query."""
    return f"{stem(address)}.{extension}{parameters.query(address.options, address.slice)}"


def stem(address: FeedAddress) -> str:
    """Return the path of a document without its extension and query."""
    page = SEARCH_PATH if address.slice is not None else page_path(address.kind, address.slug)
    return f"{page}{address.part}"


def relative(path: str, base_path: str) -> str:
    """Return how a page at `base_path` refers to `path`, wherever both are mounted."""
    target, base = path.split("/"), base_path.split("/")[:-1]
    common = 0
    while common < min(len(target) - 1, len(base)) and target[common] == base[common]:
        common += 1
    return "../" * (len(base) - common) + "/".join(target[common:]) or "./"


def sitemap_path(number: int = 0) -> str:
    """Return the path of the list of all pages, or of a part of it."""
    return f"/sitemap-{number}.xml" if number else "/sitemap.xml"


def static_path(name: str, digest: str) -> str:
    """Return the path of a file that pages load; the digest names its bytes."""
    stem, _, extension = name.rpartition(".")
    return f"/static/{stem}.{digest}.{extension}"


def static_name(file_name: str) -> str:
    """Return which file is meant by the last segment of such a path, whatever version of it."""
    stem, _, extension = file_name.rpartition(".")
    return f"{stem.partition('.')[0]}.{extension}"


def month(moment: datetime) -> Period:
    """Return the UTC month of a moment."""
    moment = moment.astimezone(UTC)
    start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    return Period(start, (start + timedelta(days=32)).replace(day=1))


def month_before(start: datetime) -> datetime:
    """Return the first moment of the month before the one that starts then."""
    return month(start - timedelta(days=1)).start


def months_up_to(start: datetime, most: int) -> tuple[datetime, ...]:
    """Return the starts of so many months, the given one last; fewer only where the calendar begins."""
    found = [start]
    while len(found) < most and (found[0].year, found[0].month) != (1, 1):
        found.insert(0, month_before(found[0]))
    return tuple(found)


def day(moment: datetime) -> Period:
    """Return the UTC day of a moment."""
    start = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Period(start, start + timedelta(days=1))


def month_part(period: Period) -> str:
    """Return how the archive of a month is called."""
    return month_name(period.start)


def month_name(start: datetime) -> str:
    """Return how the month that starts then is called."""
    return f"{start.year:04}-{start.month:02}"


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

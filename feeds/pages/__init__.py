"""Pages for people: values in, bytes out. The one place that knows Jinja; it knows no index and no HTTP.

All links between pages and feeds are relative, so a page is the same bytes wherever it is mounted, and in an export.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec.structs import replace

from feeds import parameters, paths
from feeds.catalog import AnyPage, ListPage, Page, SearchPage
from feeds.feed import DEFAULT_OPTIONS, LIMITS, FeedAddress, Site
from feeds.model import Article, Image, Kind, Month, Slice
from feeds.pages import words
from feeds.pages.readers import reader_links
from feeds.pages.static import url_path
from feeds.render import FORMATS
from feeds.render.entry import picture

MEDIA_TYPE = "text/html; charset=utf-8"
_FEWEST_BARS = 24  # months of a chart: fewer would look like blocks
_MOST_BARS = 60

_templates = Environment(
    loader=PackageLoader("feeds.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
)
_templates.filters |= {
    "number": words.number,
    "day": words.day,
    "month": words.month,
    "length": words.length,
    "shortened": words.shortened,
    "bars": words.bars,
    "bars_width": words.bars_width,
}
_templates.globals |= {"formats": FORMATS, "static": url_path, "counted": words.counted, "reader_links": reader_links, "Kind": Kind}


class Suggestion(msgspec.Struct, frozen=True, gc=False):
    """What may have been meant: its name, how it is spelled in an address, and the path of its page where it has one."""

    name: str
    spelling: str
    path: str | None = None


def render_page(page: AnyPage, site: Site) -> bytes:
    """Return a page of the site."""
    if isinstance(page, ListPage):
        return _on_site("list.html", paths.path_of(page.address), site, list=page, title=f"All {page.address.kind} – {site.title}")
    return _on_site(
        "collection.html" if page.front is None else "front.html",
        paths.path_of(page.address),
        site,
        page=page,
        title=page.title,
        years=_years(page),
        chart=_chart(page.months),
        in_month=next((month.article_count for month in page.months if paths.month_name(month.start) == page.address.month), 0),
        feed_url=f"{site.base_url}{_feed_path(page.address.kind, page.address.slug, 'rss')}",
    )


def render_search(page: SearchPage, site: Site) -> bytes:
    """Return the page of a slice: the form of all that can be asked for, the feed of what is, and what stands in it."""
    address = FeedAddress(options=page.options, slice=page.part)
    picked = {(choice.kind, choice.slug): choice.is_excluded for choice in page.part.choices}
    return _on_site(
        "search.html",
        paths.search_path(page.options, page.part),
        site,
        page=page,
        title=page.feed.title,
        feed_paths={extension: paths.feed_path(address, extension) for extension in FORMATS},
        names=parameters.NAMES,
        limits=[(limit, str(limit)) for limit in LIMITS],
        chosen=lambda kind, slug: picked.get((kind, slug)) is False,
        excluded=lambda kind, slug: picked.get((kind, slug)) is True,
        narrowed=page.options != DEFAULT_OPTIONS or replace(page.part, choices=(), sought=None, match_all=False) != Slice(),
    )


def render_error(status: int, message: str, suggestions: Sequence[Suggestion], path: str, *, title: str, language: str) -> bytes:
    """Return what a person sees who asked for `path` and gets no page."""
    relative = partial(paths.relative, base_path=path)
    return _rendered(
        "error.html", status=status, message=message, suggestions=suggestions, relative=relative, title=title, language=language
    )


def _on_site(template: str, path: str, site: Site, **values: Any) -> bytes:
    root = "../" * (path.partition("?")[0].count("/") - 1)

    def relative(target: str) -> str:
        return root + target[1:] or "./"

    return _rendered(
        template,
        site=site,
        language=site.language,
        canonical=site.base_url + path,
        relative=relative,
        feed=lambda kind, slug, extension: relative(_feed_path(kind, slug, extension)),
        link=lambda kind, slug="", month="", number=1: relative(paths.page_path(kind, slug, month, number)),
        to=lambda address: relative(paths.path_of(address)),
        image=partial(_image, site=site),
        opml=paths.OPML_PATH,
        search=paths.SEARCH_PATH,
        **values,
    )


def render_not_found(site: Site) -> bytes:
    """Return what a host of plain files shows for any address that has none: at any depth, so its links start at the root."""
    root = urlsplit(site.base_url).path
    values = {"message": "there is no such page", "suggestions": (), "title": site.title, "language": site.language}
    return _rendered("error.html", status=404, relative=lambda path: root + path, **values)


def _rendered(template: str, **values: object) -> bytes:
    return _templates.get_template(template).render(values).encode()


def _feed_path(kind: Kind, slug: str, extension: str) -> str:
    return paths.feed_path(FeedAddress(kind, slug), extension)


def _image(article: Article, site: Site) -> Image | None:
    """Return the picture of an article's card; a page that came over TLS loads none without."""
    found = picture(article.images[:1], site.site_url)
    return None if found is None or (site.base_url.startswith("https:") and found.url.startswith("http:")) else found


def _years(page: Page) -> list[str]:
    """Return the history of each year, the latest first; open are that, and the one of the page."""
    years: dict[int, list[Month]] = {}
    for month in page.months:
        years.setdefault(month.start.year, []).append(month)
    up = "../" * (bool(page.address.month) + (page.address.number > 1))  # to the collection's own page
    current = page.address.month
    return [
        _year(year, tuple(months), up, is_open, current if is_current else "")
        for place, (year, months) in enumerate(years.items())
        for is_current in (current[:4] == f"{year:04}",)
        for is_open in (place == 0 or is_current,)
    ]


@lru_cache(maxsize=1024)  # all pages of a collection have nearly the same history
def _year(year: int, months: tuple[Month, ...], up: str, is_open: bool, current: str) -> str:
    named = [(month, paths.month_name(month.start)) for month in months]
    total = sum(month.article_count for month in months)
    return _fragment("year", year, total, named, up, is_open, current)


@lru_cache(maxsize=256)
def _chart(months: tuple[Month, ...]) -> str:
    """Return a chart of how many articles each month has, from the first to the last, or of the latest of them; none of a single month."""
    if len(months) < 2:
        return ""
    counts = {month.start: month.article_count for month in months}
    last, first = months[0].start, months[-1].start
    covered = (last.year - first.year) * 12 + last.month - first.month + 1
    starts = paths.months_up_to(last, min(max(covered, _FEWEST_BARS), _MOST_BARS))
    return _fragment("chart", starts[0], last, [counts.get(start, 0) for start in starts])


def _fragment(name: str, *values: object) -> str:
    """Return what a macro makes, which is markup."""
    macro = getattr(_templates.get_template("macros.html").module, name)
    return cast("str", macro(*values))

"""Pages for people: values in, bytes out. Knows what a page consists of; knows no index and no HTTP.

All links between pages and feeds are relative, so a page is the same bytes wherever it is mounted, and in an export.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from feeds import parameters, paths
from feeds.catalog import AnyPage, ListPage, Page, SearchPage
from feeds.feed import DEFAULT_OPTIONS, LIMITS, FeedAddress, Site
from feeds.model import Kind, Slice
from feeds.pages.markup import at_root, rendered
from feeds.pages.parts import Parts, feeds_of, footer, header
from feeds.render import FORMATS

MEDIA_TYPE = "text/html; charset=utf-8"


class Suggestion(msgspec.Struct, frozen=True, gc=False):
    """What may have been meant: its name, how it is spelled in an address, and the path of its page where it has one."""

    name: str
    spelling: str
    path: str | None = None


def render_page(page: AnyPage, site: Site, parts: Parts | None = None) -> bytes:
    """Return a page of the site; who makes many keeps their parts."""
    if isinstance(page, ListPage):
        title = f"All {page.address.kind} – {site.title}"
        return _on_site("list.html", paths.path_of(page.address), site, list=page, title=title, feeds=feeds_of(Kind.ALL, ""))
    return _of_collection(page, site, parts or Parts(site))


def _of_collection(page: Page, site: Site, parts: Parts) -> bytes:
    address, here = page.address, page.around.collection
    shell = parts.shell(page.around)
    return _on_site(
        "collection.html" if page.draft.front is None else "front.html",
        paths.path_of(address),
        site,
        page=page,
        title=page.title,
        shell=shell,
        cards=parts.cards(page.articles, here.slug if here.kind is Kind.TOPIC else None),
        history=shell.history(address),
        in_month=next((month.article_count for month in page.around.months if paths.month_name(month.start) == address.month), 0),
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
        feeds={extension: at_root(paths.feed_path(address, extension)) for extension in FORMATS},
        names=parameters.NAMES,
        limit=page.options.limit or site.page_size,
        limits=[(limit, str(limit)) for limit in LIMITS],
        chosen=lambda kind, slug: picked.get((kind, slug)) is False,
        excluded=lambda kind, slug: picked.get((kind, slug)) is True,
        narrowed=page.options != DEFAULT_OPTIONS or replace(page.part, choices=(), sought=None, match_all=False) != Slice(),
    )


def render_error(status: int, message: str, suggestions: Sequence[Suggestion], path: str, *, title: str, language: str) -> bytes:
    """Return what a person sees who asked for `path` and gets no page."""
    relative = partial(paths.relative, base_path=path)
    return rendered(
        "error.html", status=status, message=message, suggestions=suggestions, relative=relative, title=title, language=language
    )


def _on_site(template: str, path: str, site: Site, **values: object) -> bytes:
    root = "../" * (path.partition("?")[0].count("/") - 1)
    return rendered(
        template,
        root,
        site=site,
        language=site.language,
        canonical=site.base_url + path,
        relative=at_root,
        opml=paths.OPML_PATH,
        search=paths.SEARCH_PATH,
        header=header(site),
        footer=footer(),
        **values,
    )


def render_not_found(site: Site) -> bytes:
    """Return what a host of plain files shows for any address that has none: at any depth, so its links start at the root."""
    root = urlsplit(site.base_url).path
    message, relative = "there is no such page", lambda path: root + path
    return rendered("error.html", status=404, message=message, suggestions=(), relative=relative, title=site.title, language=site.language)

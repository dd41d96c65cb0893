"""Templates, and markup that stands on many pages. The one place that knows Jinja; it knows no index and no HTTP.

A page links to others relative to itself. So that a part of it can be made once for all pages that have it, links in markup
start at a mark for the root of the site, which `rendered` replaces by the way up from the page.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from feeds import paths
from feeds.feed import FeedAddress, PageAddress
from feeds.model import Kind
from feeds.pages import words
from feeds.pages.readers import reader_links
from feeds.pages.static import url_path
from feeds.render import FORMATS

_ROOT = Markup("<root>")  # no text of a page can be this: it is escaped


def at_root(path: str) -> Markup:
    """Return a link to a path of the site."""
    return _ROOT + path[1:]


@lru_cache(maxsize=4096)  # a page has a hundred links, and the next has most of them too
def link(kind: Kind, slug: str = "", month: str = "", number: int = 1) -> Markup:
    """Return a link to a page."""
    return at_root(paths.page_path(kind, slug, month, number))


def to(address: PageAddress) -> Markup:
    """Return a link to a page."""
    return at_root(paths.path_of(address))


@lru_cache(maxsize=4096)
def feed(kind: Kind, slug: str, extension: str) -> Markup:
    """Return a link to the feed of a collection."""
    return at_root(paths.feed_path(FeedAddress(kind, slug), extension))


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
_templates.globals |= {"link": link, "feed": feed, "to": to}


def fragment(name: str, *values: object) -> Markup:
    """Return what a macro makes."""
    macro = getattr(_templates.get_template("macros.html").module, name)
    return cast("Markup", macro(*values))


def rendered(template: str, root: str = "", **values: object) -> bytes:
    """Return what a template makes, for a page from which `root` leads to the root of the site, empty where it is there."""
    page = _templates.get_template(template).render(values)
    if not root:
        page = page.replace(f'"{_ROOT}"', '"./"')
    return page.replace(_ROOT, root).encode()

"""Pages for people: values in, bytes out. The one place that knows Jinja; it knows no index and no HTTP.

All links between pages and feeds are relative, so a page is the same bytes wherever it is mounted, and in an export.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from feeds import paths
from feeds.catalog import Page
from feeds.feed import FeedAddress, Site
from feeds.model import Collection
from feeds.pages.static import url_path
from feeds.render import FORMATS

MEDIA_TYPE = "text/html; charset=utf-8"

_templates = Environment(
    loader=PackageLoader("feeds.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
)
_templates.globals |= {"formats": FORMATS, "static": url_path}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may have been meant: its name, how it is spelled in an address, and the path of its page where it has one."""

    name: str
    spelling: str
    path: str | None = None


def render_page(page: Page, site: Site) -> bytes:
    """Return the page of a collection."""
    path = paths.page_path(page.address.kind, page.address.slug)
    relative = partial(paths.relative, base_path=path)

    def feed_path(collection: Collection, extension: str) -> str:
        return relative(paths.feed_path(FeedAddress(collection.kind, collection.slug), extension))

    def page_path(collection: Collection) -> str:
        return relative(paths.page_path(collection.kind, collection.slug))

    return _rendered("page.html", page=page, site=site, language=site.language, relative=relative, feed_path=feed_path, page_path=page_path)


def render_error(status: int, message: str, suggestions: Sequence[Suggestion], path: str, language: str) -> bytes:
    """Return what a person sees who asked for `path` and gets no page."""
    relative = partial(paths.relative, base_path=path)
    return _rendered("error.html", status=status, message=message, suggestions=suggestions, relative=relative, language=language)


def _rendered(template: str, **values: object) -> bytes:
    return _templates.get_template(template).render(values).encode()

"""What a file is made of -> the file. Knows formats and pages; knows no index, so that any process can do it.

Work comes in units that have what they need, each article once: its entry is made once in each format for all documents of
the unit.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import brotli
import msgspec
from msgspec.structs import replace

from feeds import assembly, catalog
from feeds.assembly import Draft
from feeds.catalog import Around, ListPage, PageDraft
from feeds.export.manifest import Record, digest
from feeds.export.tree import Tree
from feeds.feed import Site
from feeds.model import ListedArticle
from feeds.render import FORMATS
from feeds.render.entry import Entry, entries


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=9, mtime=0)  # without a time: the same bytes whenever it is done


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=9))


# The compressed forms beside a file, by their ending.
TWINS: Mapping[str, Callable[[bytes], bytes]] = {".gz": _gzip, ".br": _brotli}


class FeedWork(msgspec.Struct, frozen=True, gc=False):
    """A document to be made in some formats; `articles` are places in the unit. `files` are in the order of `extensions`."""

    draft: Draft
    articles: tuple[int, ...]
    extensions: tuple[str, ...]
    files: tuple[str, ...]
    inputs: str


class PageWork(msgspec.Struct, frozen=True, gc=False):
    """A page to be made; `around` and `articles` are places in the unit."""

    draft: PageDraft
    around: int
    articles: tuple[int, ...]
    file: str
    inputs: str


class ListPageWork(msgspec.Struct, frozen=True, gc=False):
    """A page that lists collections, to be made."""

    page: ListPage
    file: str
    inputs: str


class Unit(msgspec.Struct, frozen=True, gc=False):
    """Files to be made in one go."""

    root: str
    twins: tuple[str, ...]
    site: Site
    articles: tuple[ListedArticle, ...] = ()
    feeds: tuple[FeedWork, ...] = ()
    arounds: tuple[Around, ...] = ()
    pages: tuple[PageWork, ...] = ()
    list_pages: tuple[ListPageWork, ...] = ()


class Made(msgspec.Struct, frozen=True, gc=False):
    """A file that was made; `is_new` where its bytes are not what was there."""

    path: str
    record: Record
    is_new: bool


def make(unit: Unit) -> list[Made]:
    """Make the files of a unit."""
    tree = Tree(Path(unit.root))
    return [put(tree, path, body, inputs, unit.twins) for path, body, inputs in (*_feeds(unit), *_pages(unit))]


def put(tree: Tree, path: str, body: bytes, inputs: str, twins: tuple[str, ...]) -> Made:
    """Make a file have these bytes, and its compressed forms theirs."""
    is_new = tree.put(path, body)
    forms: dict[str, tuple[int, str]] = {}
    for twin in twins:
        form = TWINS[twin](body)
        tree.put(path + twin, form)
        forms[twin] = (len(form), digest(form))
    return Made(path, Record(len(body), digest(body), inputs, forms), is_new)


def _feeds(unit: Unit) -> Iterator[tuple[str, bytes, str]]:
    said: list[Entry] = []  # the same in each format
    for extension, feed_format in FORMATS.items():
        rendered: list[bytes] | None = None
        for work in unit.feeds:
            if extension in work.extensions:
                articles = tuple(unit.articles[place] for place in work.articles)
                feed = assembly.finished(work.draft, articles, extension, unit.site)
                if rendered is None:
                    said = said or entries(replace(feed, articles=unit.articles))
                    rendered = feed_format.render_said(feed, said)
                body = feed_format.assemble(feed, [rendered[place] for place in work.articles])
                yield work.files[work.extensions.index(extension)], body, work.inputs


def _pages(unit: Unit) -> Iterator[tuple[str, bytes, str]]:
    if unit.pages or unit.list_pages:
        from feeds.pages import render_page  # noqa: PLC0415 - loading templates takes longer than many an export
        from feeds.pages.parts import Parts  # noqa: PLC0415 - the same

        parts = Parts(unit.site)
        for work in unit.pages:
            articles = tuple(unit.articles[place] for place in work.articles)
            page = catalog.finished(unit.arounds[work.around], work.draft, articles, unit.site)
            yield work.file, render_page(page, unit.site, parts), work.inputs
        for listed in unit.list_pages:
            yield listed.file, render_page(listed.page, unit.site, parts), listed.inputs

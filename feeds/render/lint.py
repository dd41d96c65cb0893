"""Bytes of a feed -> what is wrong with them. Knows the formats as a reader sees them; knows no renderer.

It reads documents the way readers do, so that a fault of the renderers shows here as well as a fault of the articles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any

import msgspec
from lxml import etree

from feeds import urls
from feeds.feed import Finding
from feeds.model import Level

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_MEDIA = "{http://search.yahoo.com/mrss/}"
_LARGE_BYTES = 2_000_000  # readers on phones give up, or fetch no further
_FIRST_YEAR = 1970  # of the clocks that many readers keep
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_MARKUP = re.compile(r"<[A-Za-z/!][^>]*>|&(?:[A-Za-z]+|#\d+);")
_RELATIVE = re.compile(r"""<[^>]+\s(?:src|href)\s*=\s*(["'])(?!https?:|mailto:)""", re.IGNORECASE)


class _File(msgspec.Struct, frozen=True, gc=False):
    url: str | None
    media_type: str | None
    length: str | None = None


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """An entry as a reader sees it; dates are None where they can't be read, missing where there are none."""

    id: str | None
    title: str | None
    url: str | None
    content: str | None
    dates: Mapping[str, datetime | None]
    files: tuple[_File, ...]
    links: tuple[str | None, ...]


class _Document(msgspec.Struct, frozen=True, gc=False):
    """A feed as a reader sees it; `required` are the texts without which the format is not valid."""

    required: Mapping[str, str | None]
    self_url: str | None
    entries: tuple[_Entry, ...]


def lint(body: bytes, extension: str, url: str) -> Iterator[Finding]:
    """Yield what is wrong with a document that is to be had at `url`: first the document, then its entries."""
    if len(body) > _LARGE_BYTES:
        yield Finding(url, f"is larger than {_LARGE_BYTES // 1_000_000} MB: some readers refuse it", level=Level.WARNING)
    try:
        document = _READERS[extension](body)
    except (etree.XMLSyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield Finding(url, f"is not well-formed: {error}")
        return
    for field, text in document.required.items():
        if not (text or "").strip():
            yield Finding(url, "is missing or empty", field)
    if document.self_url != url:
        yield Finding(url, "is not the address of the document", "self")
    seen: set[str] = set()
    for place, entry in enumerate(document.entries, 1):
        for field, reason, level in chain(_identity_faults(entry, seen), _faults(entry)):
            yield Finding(url, reason, field, entry.id or f"entry {place}", level)


def _identity_faults(entry: _Entry, seen: set[str]) -> Iterator[tuple[str, str, Level]]:
    if not entry.id:
        yield "id", "is missing", Level.ERROR
        return
    if not urls.is_absolute_iri(entry.id):
        yield "id", "is no absolute IRI", Level.ERROR
    if entry.id in seen:
        yield "id", "stands twice in this document", Level.ERROR
    seen.add(entry.id)


def _faults(entry: _Entry) -> Iterator[tuple[str, str, Level]]:
    title, content = (entry.title or "").strip(), (entry.content or "").strip()
    if not title:
        yield "title", "is missing or empty", Level.ERROR
    if _MARKUP.search(title):
        yield "title", "looks like HTML: some readers show it otherwise", Level.WARNING
    if not _is_web_url(entry.url):
        yield "link", "is no absolute http or https URL", Level.ERROR
    if not content:
        yield "content", "is missing or empty", Level.ERROR
    if _RELATIVE.search(content):
        yield "content", "has a relative URL", Level.ERROR
    if not all(_is_web_url(link) for link in entry.links):
        yield "related", "has a link that is no absolute http or https URL", Level.ERROR
    yield from chain.from_iterable(_date_faults(name, moment) for name, moment in entry.dates.items())
    yield from chain.from_iterable(map(_file_faults, entry.files))


def _date_faults(name: str, moment: datetime | None) -> Iterator[tuple[str, str, Level]]:
    if moment is None or moment.utcoffset() is None:
        yield name, "is no date and time with a zone", Level.ERROR
    elif moment.year < _FIRST_YEAR:
        yield name, f"is before {_FIRST_YEAR}: some readers show another date", Level.WARNING


def _file_faults(file: _File) -> Iterator[tuple[str, str, Level]]:
    if not _is_web_url(file.url):
        yield "enclosure", "has no absolute http or https URL", Level.ERROR
    if not _MEDIA_TYPE.fullmatch(file.media_type or ""):
        yield "enclosure", "has no media type", Level.ERROR
    if not (file.length or "0").isdecimal():
        yield "enclosure", "has a length that is no number of bytes", Level.ERROR


def _is_web_url(url: str | None) -> bool:
    try:
        return url is not None and urls.web_url(url) == url
    except ValueError:
        return False


def _moment(parse: Callable[[str], datetime], text: str | None) -> datetime | None:
    try:
        return parse(text or "")
    except ValueError:
        return None


def _media_files(element: etree._Element) -> Iterator[_File]:
    for content in element.findall(f"{_MEDIA}content"):
        player = content.find(f"{_MEDIA}player")
        if player is None:
            yield _File(content.get("url"), content.get("type"))
        else:
            yield _File(player.get("url"), "text/html")


def _read_rss(body: bytes) -> _Document:
    channel = etree.fromstring(body).find("channel")
    if channel is None:
        raise ValueError("there is no channel")
    return _Document(
        {name: channel.findtext(name) for name in ("title", "link", "description")},
        next((link.get("href") for link in channel.findall(f"{_ATOM}link") if link.get("rel") == "self"), None),
        tuple(_rss_entry(item) for item in channel.findall("item")),
    )


def _rss_entry(item: etree._Element) -> _Entry:
    enclosures = (_File(found.get("url"), found.get("type"), found.get("length", "none")) for found in item.findall("enclosure"))
    return _Entry(
        item.findtext("guid"),
        item.findtext("title"),
        item.findtext("link"),
        item.findtext(_CONTENT) or item.findtext("description"),
        {"pubDate": _moment(parsedate_to_datetime, item.findtext("pubDate"))},
        (*enclosures, *_media_files(item)),
        tuple(link.get("href") for link in item.findall(f"{_ATOM}link")),
    )


def _read_atom(body: bytes) -> _Document:
    root = etree.fromstring(body)
    return _Document(
        {name: root.findtext(_ATOM + name) for name in ("id", "title", "updated")},
        _atom_link(root, "self"),
        tuple(_atom_entry(entry) for entry in root.findall(f"{_ATOM}entry")),
    )


def _atom_link(element: etree._Element, rel: str) -> str | None:
    return next((link.get("href") for link in element.findall(f"{_ATOM}link") if link.get("rel") == rel), None)


def _atom_entry(entry: etree._Element) -> _Entry:
    links = entry.findall(f"{_ATOM}link")
    enclosures = (_File(link.get("href"), link.get("type"), link.get("length")) for link in links if link.get("rel") == "enclosure")
    return _Entry(
        entry.findtext(f"{_ATOM}id"),
        entry.findtext(f"{_ATOM}title"),
        _atom_link(entry, "alternate"),
        entry.findtext(f"{_ATOM}content"),
        {name: _moment(datetime.fromisoformat, entry.findtext(_ATOM + name)) for name in ("published", "updated")},
        (*enclosures, *_media_files(entry)),
        tuple(link.get("href") for link in links),
    )


def _read_json(body: bytes) -> _Document:
    said = json.loads(body)
    return _Document(
        {name: said.get(name) for name in ("version", "title", "home_page_url")},
        said.get("feed_url"),
        tuple(_json_entry(item) for item in said["items"]),
    )


def _json_entry(item: Mapping[str, Any]) -> _Entry:
    return _Entry(
        item.get("id"),
        item.get("title"),
        item.get("url"),
        item.get("content_html"),
        {name: _moment(datetime.fromisoformat, item.get(name)) for name in ("date_published", "date_modified")},
        tuple(_File(file.get("url"), file.get("mime_type")) for file in item.get("attachments", ())),
        tuple(story.get("url") for story in item.get("_related", {"items": ()})["items"]),
    )


_READERS: Mapping[str, Callable[[bytes], _Document]] = {"rss": _read_rss, "atom": _read_atom, "json": _read_json}

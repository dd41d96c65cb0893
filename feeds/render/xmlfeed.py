"""RSS 2.0 and Atom 1.0. The one place that knows feedgen, and lxml under it.

Specs: https://www.rssboard.org/rss-specification, RFC 4287 (Atom), https://www.rssboard.org/media-rss (media:),
RFC 5005 (fh:), https://web.resource.org/rss/1.0/modules/syndication/ (sy:), RFC 4685 and RFC 8288 (link relations).

feedgen 1.0.0 is mended here, and `tests/test_xmlfeed.py` pins each mending: it loses rel, type, title and length of
Atom entry links and all RSS channel links but `self`, so links are written by the extensions below; it drops authors
without e-mail in RSS, so they become dc:creator; it prepends entries unless told to append; its dates default to now,
so all are set; it takes the last link for the RSS channel's, so `alternate` is set last; it formats RSS dates under
setlocale(), which changes the whole process, so its formatter is replaced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from secrets import token_hex

import feedgen.entry
import feedgen.feed
from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree
from msgspec import structs

from feeds.feed import Feed, FeedLinks
from feeds.model import Image
from feeds.render import html, media
from feeds.render.entry import Entry, entries
from feeds.text import xml_text

feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = format_datetime

_ATOM = "http://www.w3.org/2005/Atom"
_DC = "http://purl.org/dc/elements/1.1/"
_HISTORY = "http://purl.org/syndication/history/1.0"
_MEDIA = "http://search.yahoo.com/mrss/"
_SYNDICATION = "http://purl.org/rss/1.0/modules/syndication/"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ATOM_TYPE = "application/atom+xml"
_RSS_TYPE = "application/rss+xml"
# Entries are the last thing that feedgen writes, so this stands behind them.
_ATOM_END = b"</feed>\n"
_RSS_END = b"</channel></rss>\n"
# What stands for a link of a document until it is known which; nobody knows it, so no title can hold it.
_MARK = token_hex()
_MARKED_AT = datetime(1, 1, 1, tzinfo=UTC)
_IN_ATTRIBUTES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})
_Maker = Callable[[Feed, Sequence[Entry]], bytes]
# RSS 2.0 allows no larger channel picture, and no other formats; Atom readers want icons square.
_RSS_IMAGE_WIDTH, _RSS_IMAGE_HEIGHT = 144, 400
_RSS_IMAGE_TYPES = ("image/gif", "image/jpeg", "image/png")


def atom_frame(feed: Feed) -> tuple[bytes, bytes]:
    """Return what an Atom document has before its entries, and behind them."""
    return _frame(feed, _atom, "updated", datetime.isoformat, _ATOM_END)


def atom_entries(feed: Feed, said: Sequence[Entry]) -> list[bytes]:
    """Return an Atom entry for each that the feed says."""
    return _cut(_atom(feed, said), b"entry") if said else []


def rss_frame(feed: Feed) -> tuple[bytes, bytes]:
    """Return what an RSS document has before its items, and behind them."""
    return _frame(feed, _rss, "lastBuildDate", format_datetime, _RSS_END)


def rss_entries(feed: Feed, said: Sequence[Entry]) -> list[bytes]:
    """Return an RSS item for each that the feed says."""
    return _cut(_rss(feed, said), b"item") if said else []


def _frame(feed: Feed, make: _Maker, element: str, say: Callable[[datetime], str], end: bytes) -> tuple[bytes, bytes]:
    """Return what a document has around its entries.

    The documents of a feed differ there in their links and in when they changed, so the rest is made once for all of them.
    """
    urls = (feed.self_url, *structs.astuple(feed.links))
    marks = [None if url is None else f"{_MARK}{place}." for place, url in enumerate(urls)]
    marked = structs.replace(feed, articles=(), updated_at=_MARKED_AT, self_url=marks[0], links=FeedLinks(*marks[1:]))
    head = _empty(marked, make).removesuffix(end)
    head = head.replace(f"<{element}>{say(_MARKED_AT)}<".encode(), f"<{element}>{say(feed.updated_at)}<".encode())
    for mark, url in zip(marks, urls, strict=True):
        if mark is not None:
            head = head.replace(mark.encode(), url.translate(_IN_ATTRIBUTES).encode())
    return head, end


@lru_cache(maxsize=256)
def _empty(feed: Feed, make: _Maker) -> bytes:
    return make(feed, ())


def _cut(document: bytes, tag: bytes) -> list[bytes]:
    """Return the elements of a name, which stand side by side: what an article says is escaped, so no tag stands in it."""
    end = b"</" + tag + b">"
    first = document.index(b"<" + tag)
    return [piece + end for piece in document[first:].split(end)[:-1]]


def atom_document(feed: Feed) -> bytes:
    """Return the feed as an Atom 1.0 document (RFC 4287), made in one go."""
    return _atom(feed, entries(feed))


def _atom(feed: Feed, entries_said: Sequence[Entry]) -> bytes:
    generator = _generator(feed, _ATOM_TYPE)
    if feed.picture is not None:
        is_square = feed.picture.width == feed.picture.height
        (generator.icon if is_square else generator.logo)(feed.picture.url)
    for said in entries_said:
        atom = _feed_entry(said, feed)
        atom.updated(said.updated_at)
        atom.author([{"name": author.name, "uri": author.url} for author in said.authors])
        if said.summary is not None:
            atom.summary(said.summary, type="text")
        generator.add_entry(atom, order="append")
    return _document(generator.atom_str)


def rss_document(feed: Feed) -> bytes:
    """Return the feed as an RSS 2.0 document, made in one go."""
    return _rss(feed, entries(feed))


def _rss(feed: Feed, entries_said: Sequence[Entry]) -> bytes:
    generator = _generator(feed, _RSS_TYPE)
    generator.ttl(max(1, math.ceil(feed.site.max_age_seconds / 60)))  # minutes; feedgen leaves out a zero
    if feed.picture is not None and media.image_type(feed.picture.url) in _RSS_IMAGE_TYPES:
        fits = (feed.picture.width or 0) <= _RSS_IMAGE_WIDTH and (feed.picture.height or 0) <= _RSS_IMAGE_HEIGHT
        size = {"width": feed.picture.width, "height": feed.picture.height} if fits else {}
        generator.image(feed.picture.url, **{name: str(value) for name, value in size.items() if value})
    for said in entries_said:
        item = _feed_entry(said, feed)
        item.guid(said.id, permalink=False)
        item.link({"href": said.url})
        item.description(html.text_as_html(said.summary or said.title))
        if said.enclosure is not None:
            item.enclosure(said.enclosure.url, "0", said.enclosure.media_type)
        generator.add_entry(item, order="append")
    return _document(generator.rss_str)


def _document(render: Callable[[], bytes]) -> bytes:
    return render() + b"\n"


def _generator(feed: Feed, media_type: str) -> FeedGenerator:
    generator = FeedGenerator()
    generator.register_extension("feeds", _FeedExtension, None)
    generator.feeds.feed = feed
    generator.feeds.media_type = media_type
    generator.id(feed.id)
    generator.title(xml_text(feed.title))
    generator.description(xml_text(feed.description))
    generator.updated(feed.updated_at)
    generator.author({"name": xml_text(feed.site.title), "uri": f"{feed.site.site_url}/"})
    generator.language(feed.site.language)
    generator.generator("feeds")
    generator.link(_links(feed, media_type))
    return generator


def _links(feed: Feed, media_type: str) -> list[dict[str, str]]:
    """Return the links of a feed; the page comes last, because feedgen makes the last one the RSS channel's."""
    around = {
        "next": feed.links.next,
        "prev-archive": feed.links.previous_archive,
        "next-archive": feed.links.next_archive,
        "current": feed.links.current,
    }
    links = [{"rel": "self", "href": feed.self_url, "type": media_type}]
    links += [{"rel": rel, "href": url, "type": media_type} for rel, url in around.items() if url is not None]
    if feed.has_hub and feed.site.hub is not None:
        links.append({"rel": "hub", "href": feed.site.hub})
    if feed.parent is not None:
        links.append({"rel": "up", "href": feed.parent.url, "title": xml_text(feed.parent.title), "type": "text/html"})
    return [*links, {"rel": "alternate", "href": feed.page_url, "type": "text/html"}]


def _feed_entry(said: Entry, feed: Feed) -> FeedEntry:
    feed_entry = FeedEntry()
    feed_entry.register_extension("feeds", _EntryExtension)
    feed_entry.feeds.entry = said
    feed_entry.id(said.id)
    feed_entry.title(said.title)
    feed_entry.content(said.content_html, type="html")
    feed_entry.published(said.published_at)
    scheme = f"{feed.site.base_url}/topics/"
    feed_entry.category([{"term": label.slug, "label": label.name, "scheme": scheme} for label in said.topics])
    return feed_entry


class _FeedExtension(BaseExtension):  # type: ignore[misc] # feedgen has no types
    """What feedgen leaves out of a feed."""

    feed: Feed
    media_type: str

    def extend_ns(self) -> dict[str, str]:
        namespaces = {"dc": _DC, "media": _MEDIA}
        if self.feed.is_archive:
            namespaces["fh"] = _HISTORY
        return namespaces | ({"sy": _SYNDICATION} if self.media_type == _RSS_TYPE else {})

    def extend_atom(self, root: etree._Element) -> None:
        if self.feed.is_archive:
            etree.SubElement(root, f"{{{_HISTORY}}}archive")

    def extend_rss(self, root: etree._Element) -> None:
        channel = root[0]
        for link in _links(self.feed, _RSS_TYPE):
            if link["rel"] not in ("self", "alternate"):
                etree.SubElement(channel, f"{{{_ATOM}}}link", link)
        if self.feed.is_archive:
            etree.SubElement(channel, f"{{{_HISTORY}}}archive")
        period, frequency = _update_frequency(self.feed.site.max_age_seconds)
        etree.SubElement(channel, f"{{{_SYNDICATION}}}updatePeriod").text = period
        etree.SubElement(channel, f"{{{_SYNDICATION}}}updateFrequency").text = str(frequency)


def _update_frequency(max_age_seconds: int) -> tuple[str, int]:
    """Return how often a feed may change, as a period and how many times in it."""
    period, seconds = ("hourly", 3600) if max_age_seconds <= 3600 else ("daily", 86400)
    return period, max(1, seconds // max(1, max_age_seconds))


class _EntryExtension(BaseEntryExtension):  # type: ignore[misc] # feedgen has no types
    """What feedgen leaves out of an entry: links with their attributes, creators in RSS, media, language."""

    entry: Entry

    def extend_atom(self, element: etree._Element) -> None:
        # feedgen's Atom elements have no namespace: their document says xmlns="…/Atom" as a mere attribute.
        if self.entry.language is not None:
            element.set(_XML_LANG, self.entry.language)
        etree.SubElement(element, "link", {"rel": "alternate", "href": self.entry.url, "type": "text/html"})
        self._say_links(element, "link")
        if self.entry.enclosure is not None:
            enclosure = {"rel": "enclosure", "href": self.entry.enclosure.url, "type": self.entry.enclosure.media_type}
            etree.SubElement(element, "link", enclosure | _titled(self.entry.enclosure.title))
        self._say_media(element)

    def extend_rss(self, element: etree._Element) -> None:
        for author in self.entry.authors:
            etree.SubElement(element, f"{{{_DC}}}creator").text = author.name
        if self.entry.language is not None:
            etree.SubElement(element, f"{{{_DC}}}language").text = self.entry.language
        self._say_links(element, f"{{{_ATOM}}}link")
        self._say_media(element)

    def _say_links(self, element: etree._Element, tag: str) -> None:
        for url in self.entry.via:
            etree.SubElement(element, tag, {"rel": "via", "href": url, "type": "text/html"})
        for story in self.entry.related:
            etree.SubElement(element, tag, {"rel": "related", "href": story.url, "type": "text/html", "title": story.title})

    def _say_media(self, element: etree._Element) -> None:
        """Add Media RSS: every picture, none grouped (a group is for renditions of one object), and the video."""
        for image in self.entry.images:
            _say_image(element, image)
        if self.entry.player is not None:
            seconds = self.entry.player.duration_seconds
            duration = {} if seconds is None else {"duration": str(seconds)}
            video = etree.SubElement(element, f"{{{_MEDIA}}}content", {"medium": "video"} | duration)
            etree.SubElement(video, f"{{{_MEDIA}}}player", {"url": self.entry.player.url})
        for image in self.entry.images:
            etree.SubElement(element, f"{{{_MEDIA}}}thumbnail", {"url": image.url} | _sized(image))


def _say_image(element: etree._Element, image: Image) -> None:
    facts = {"url": image.url, "type": media.image_type(image.url), "medium": "image"}
    content = etree.SubElement(element, f"{{{_MEDIA}}}content", facts | _sized(image))
    for name, text in (("title", image.title), ("credit", image.credit)):
        if text is not None:
            etree.SubElement(content, f"{{{_MEDIA}}}{name}").text = text


def _sized(image: Image) -> dict[str, str]:
    return {name: str(pixels) for name, pixels in (("width", image.width), ("height", image.height)) if pixels is not None}


def _titled(title: str | None) -> dict[str, str]:
    return {} if title is None else {"title": title}

"""Where a reader takes a feed by a link. Knows readers by name; no request is made to any of them."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote


class ReaderLink(NamedTuple):
    """Where somebody subscribes with a reader."""

    name: str
    url: str


_READERS = (
    ("Feedly", "https://feedly.com/i/subscription/feed%2F"),
    ("Inoreader", "https://www.inoreader.com/?add_feed="),
    ("NewsBlur", "https://www.newsblur.com/?url="),
    ("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
    ("Feedbin", "https://feedbin.com/?subscribe="),
    ("BazQux", "https://bazqux.com/add?url="),
)


def reader_links(feed_url: str) -> list[ReaderLink]:
    """Return where to subscribe to a feed with common readers on the web, and with the reader that the device has."""
    links = [ReaderLink(name, address + quote(feed_url, safe="")) for name, address in _READERS]
    return [*links, ReaderLink("App on this device", f"feed:{feed_url}")]

"""Bytes out: feeds and lists in their formats. Knows no store, no HTTP and no clock.

A new format is one module, one line in FORMATS and one golden file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from feeds.feed import Feed
from feeds.render import jsonfeed, xmlfeed
from feeds.render.entry import Entry, entries
from feeds.render.kept import KeptEntries


class Format(msgspec.Struct, frozen=True, gc=False):
    """A feed format: what stands around the entries, and the entries.

    `render_said` makes the bytes of each entry (see `entry.entries`); it goes by these, the site and the options alone.
    """

    title: str
    media_type: str  # as HTTP has it
    link_type: str  # as links and lists of subscriptions have it, without parameters
    render_frame: Callable[[Feed], tuple[bytes, bytes]]
    render_said: Callable[[Feed, Sequence[Entry]], list[bytes]]
    separator: bytes = b""

    def render(self, feed: Feed, kept: KeptEntries | None = None) -> bytes:
        """Return the document; it is pure: same feed, same bytes, on any machine and any day, whatever was kept."""
        return self.assemble(feed, self.render_entries(feed) if kept is None else kept.entries(feed, self.render_entries))

    def render_entries(self, feed: Feed) -> list[bytes]:
        """Return an entry for each article of a feed."""
        return self.render_said(feed, entries(feed))

    def assemble(self, feed: Feed, entries: Iterable[bytes]) -> bytes:
        """Return the document of a feed whose entries are made already."""
        head, tail = self.render_frame(feed)
        return b"".join((head, self.separator.join(entries), tail))


# By the extension in URLs.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "rss": Format("RSS", "application/rss+xml; charset=utf-8", "application/rss+xml", xmlfeed.rss_frame, xmlfeed.rss_entries),
        "atom": Format("Atom", "application/atom+xml; charset=utf-8", "application/atom+xml", xmlfeed.atom_frame, xmlfeed.atom_entries),
        "json": Format("JSON Feed", "application/feed+json", "application/feed+json", jsonfeed.frame, jsonfeed.items, b","),
    }
)

"""Bytes out: feeds and lists in their formats. Knows no store, no HTTP and no clock.

A new format is one module, one line in FORMATS and one golden file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from feeds.feed import Feed
from feeds.render.jsonfeed import render_json
from feeds.render.xmlfeed import render_atom, render_rss


@dataclass(frozen=True, slots=True)
class Format:
    """A feed format. `render` is pure: same feed, same bytes, on any machine and any day."""

    title: str
    media_type: str  # as HTTP has it
    link_type: str  # as links and lists of subscriptions have it, without parameters
    render: Callable[[Feed], bytes]


# By the extension in URLs.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "rss": Format("RSS", "application/rss+xml; charset=utf-8", "application/rss+xml", render_rss),
        "atom": Format("Atom", "application/atom+xml; charset=utf-8", "application/atom+xml", render_atom),
        "json": Format("JSON Feed", "application/feed+json", "application/feed+json", render_json),
    }
)

"""What search engines read: which pages there are, and what they need not look at. Knows the protocol of sitemaps.

Spec: https://www.sitemaps.org/protocol.html, RFC 9309 (robots.txt)
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

from feeds import paths
from feeds.feed import PageAddress, Site

MEDIA_TYPE = "application/xml; charset=utf-8"
ROBOTS_MEDIA_TYPE = "text/plain; charset=utf-8"
_MOST = 50_000  # pages in one document, as the protocol has it
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def render_sitemap(addresses: Sequence[PageAddress], number: int, site: Site) -> bytes | None:
    """Return the list of all pages, or with a number from 1 on a part of it; None where there is no such part.

    Where there are too many for one document, the list is one of its parts.
    """
    parts = -(-len(addresses) // _MOST)
    if number > parts or (number and parts == 1):
        return None
    if not number and parts > 1:
        return _document("sitemapindex", "sitemap", [paths.sitemap_path(part) for part in range(1, parts + 1)], site)
    start = max(0, number - 1) * _MOST
    return _document("urlset", "url", [paths.path_of(address) for address in addresses[start : start + _MOST]], site)


def render_robots(site: Site) -> bytes:
    """Return what robots may look at: all but the pages of slices, of which there is no end."""
    slices = f"Disallow: {urlsplit(site.base_url).path}{paths.SEARCH_PATH}?"
    return f"User-agent: *\n{slices}\n\nSitemap: {site.base_url}{paths.sitemap_path()}\n".encode()


def _document(root: str, element: str, listed: Sequence[str], site: Site) -> bytes:
    places = "".join(f"<{element}><loc>{escape(site.base_url + path)}</loc></{element}>\n" for path in listed)
    return f'{_HEAD}<{root} xmlns="{_NAMESPACE}">\n{places}</{root}>\n'.encode()

"""Entries that were rendered before, for the next document that has them. Knows when one is the same; knows no format.

An article is in many feeds, and in an archive of each, but its entry is the same bytes in all of them: it depends on the
article as it is listed, on the site and on two options. So it is made once, and a document is put together.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from msgspec.structs import replace

from feeds.feed import Feed
from feeds.model import ListedArticle

_ARTICLE_BYTES = 4096  # what an article takes as a key, roughly


class KeptEntries:
    """Rendered entries in bounded memory, the latest used ones; for any number of threads. It belongs to who renders."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: dict[tuple[Hashable, ListedArticle], bytes] = {}
        self._size = 0
        self._lock = threading.Lock()

    def entries(self, feed: Feed, render: Callable[[Feed], list[bytes]]) -> list[bytes]:
        """Return the entries of a feed in their order; those that are not at hand are made by `render`, all at once."""
        scope = (render, feed.site, feed.options.images, feed.options.related)
        with self._lock:
            found = {listed: entry for listed in feed.articles if (entry := self._used((scope, listed))) is not None}
        missing = tuple(listed for listed in feed.articles if listed not in found)
        if missing:
            made = dict(zip(missing, render(replace(feed, articles=missing)), strict=True))
            with self._lock:
                self._keep(scope, made)
            found |= made
        return [found[listed] for listed in feed.articles]

    def _used(self, key: tuple[Hashable, ListedArticle]) -> bytes | None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._entries[key] = entry  # the last to be let go
        return entry

    def _keep(self, scope: Hashable, made: dict[ListedArticle, bytes]) -> None:
        for listed, entry in made.items():
            if (scope, listed) not in self._entries:  # another thread may have been first
                self._entries[scope, listed] = entry
                self._size += len(entry) + _ARTICLE_BYTES
        while self._size > self._max_bytes:
            key = next(iter(self._entries))
            self._size -= len(self._entries.pop(key)) + _ARTICLE_BYTES

"""A finished answer, and what a request gets of it: validators, encodings, 304. Knows RFC 9110 and 9111; knows no feed.

An answer is made once and given many times, so whatever can be is worked out once: each encoding with its headers.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import brotli
import msgspec
import zstandard
from werkzeug.http import http_date, parse_accept_header, parse_date, parse_etags

from feeds.feed import Document

_STALE_SECONDS = 86_400  # how long caches may serve an old answer while they fetch a new one, or while we are away
_SMALLEST = 256  # bytes; below that, compression saves nothing
_OVERHEAD_BYTES = 4096  # what an answer takes besides its bodies

Headers = list[tuple[str, str]]
WSGIEnvironment = Mapping[str, Any]


class Reply(NamedTuple):
    """What goes back to a client."""

    status: str
    headers: Headers
    body: bytes


class Prepared(msgspec.Struct, frozen=True):
    """All that may be said of an answer to who accepts a content coding, right for a moment."""

    full: Reply
    unchanged: Reply
    etag: str  # quoted
    modified_at: datetime | None

    def is_known(self, environ: WSGIEnvironment) -> bool:
        """Whether the client has these bytes (RFC 9110 section 13); If-Modified-Since counts only without If-None-Match."""
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known:
            return known == self.etag or parse_etags(known).contains_weak(self.etag[1:-1])
        since = environ.get("HTTP_IF_MODIFIED_SINCE")
        if since is None or self.modified_at is None:
            return False
        seen_at = parse_date(since)
        return seen_at is not None and self.modified_at <= seen_at


_OFFER = b"offered content codings: br, zstd, gzip, identity\n"


class _Coding(NamedTuple):
    """A content coding; the same bytes whenever and wherever it is done."""

    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=6, mtime=0)  # without a time


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=5))


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=9).compress(body)


def _from_zstd(body: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(body)


# In the order of preference where a client likes several the same.
_CODINGS: Mapping[str, _Coding] = {
    "br": _Coding(_brotli, brotli.decompress),
    "zstd": _Coding(_zstd, _from_zstd),
    "gzip": _Coding(_gzip, gzip.decompress),
}
_PLAIN = "identity"


class _Representation(msgspec.Struct, frozen=True):
    """The body in one content coding, with the headers that depend on it."""

    body: bytes
    etag: str  # quoted
    content_headers: Headers
    validator_headers: Headers


class Answer:
    """A document with everything HTTP says about it.

    Its time may be some seconds ahead of the clock: it is compared as it is, and sent as the clock's time at most
    (RFC 9110 section 8.8.2.1). Of its bytes only the codings are kept that were asked for: most clients never ask for them as
    they are, which takes several times the room.
    """

    def __init__(self, document: Document, max_age_seconds: int, extra_headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.modified_at = document.modified_at
        self._etag = document.etag
        self._media_type = document.media_type
        self._max_age_seconds = max_age_seconds
        self._extra_headers = extra_headers
        self._is_small = len(document.body) < _SMALLEST
        self._fresh: bytes | None = document.body  # until it was asked for
        self._representations: dict[str, _Representation] = {}

    @property
    def body(self) -> bytes:
        """Return the bytes of the document."""
        fresh = self._fresh
        if fresh is not None:
            return fresh
        coding, shown = tuple(self._representations.items())[0]  # noqa: RUF015 - others may be made meanwhile
        return _coding(coding).decode(shown.body)

    @property
    def size(self) -> int:
        """Return how many bytes it keeps in memory, roughly; it grows with each coding that is asked for."""
        return _OVERHEAD_BYTES + len(self._fresh or b"") + sum(len(shown.body) for shown in tuple(self._representations.values()))

    def is_encoded(self, accept_encoding: str) -> bool:
        """Whether `prepare` has to encode nothing."""
        return self._coding_for(accept_encoding) in (None, *self._representations)

    def reply(self, environ: WSGIEnvironment, now: datetime, next_turn_at: datetime | None) -> Reply:
        """Return what a GET request gets now; HEAD gets the same without the body."""
        prepared = self.prepare(environ.get("HTTP_ACCEPT_ENCODING", ""), now, next_turn_at)
        return prepared.unchanged if prepared.is_known(environ) else prepared.full

    def prepare(self, accept_encoding: str, now: datetime, next_turn_at: datetime | None) -> Prepared:
        """Return what whoever accepts these codings gets now (RFC 9110 section 12.5.3).

        `next_turn_at` is when the answer may be another one by itself; no cache keeps it longer.
        """
        coding = self._coding_for(accept_encoding)
        if coding is None:
            length = ("Content-Length", str(len(_OFFER)))
            headers = [("Content-Type", "text/plain; charset=utf-8"), length, ("Vary", "Accept-Encoding"), *self._extra_headers]
            offer = Reply("406 NOT ACCEPTABLE", headers, _OFFER)
            return Prepared(offer, offer, "", None)
        shown = self._representations.get(coding) or self._represent(coding)
        headers = [*shown.validator_headers, ("Cache-Control", self._cache_control(now, next_turn_at))]
        if self.modified_at is not None:
            headers.append(("Last-Modified", http_date(min(self.modified_at, now))))
        full = Reply("200 OK", [*shown.content_headers, *headers], shown.body)
        return Prepared(full, Reply("304 NOT MODIFIED", headers, b""), shown.etag, self.modified_at)

    def _coding_for(self, accept_encoding: str) -> str | None:
        coding = negotiate(accept_encoding)
        return _PLAIN if self._is_small and coding is not None else coding

    def _represent(self, coding: str) -> _Representation:
        body = _coding(coding).encode(self.body)
        etag = f'"{self._etag}"' if coding == _PLAIN else f'"{self._etag}-{coding}"'
        content = [("Content-Type", self._media_type), ("Content-Length", str(len(body)))]
        if coding != _PLAIN:
            content.append(("Content-Encoding", coding))
        shown = _Representation(body, etag, content, [("ETag", etag), ("Vary", "Accept-Encoding"), *self._extra_headers])
        self._representations[coding] = shown
        self._fresh = None
        return shown

    def _cache_control(self, now: datetime, next_turn_at: datetime | None) -> str:
        max_age = self._max_age_seconds
        if next_turn_at is not None:
            max_age = min(max_age, max(0, int((next_turn_at - now).total_seconds())))
        return f"public, max-age={max_age}, stale-while-revalidate={_STALE_SECONDS}, stale-if-error={_STALE_SECONDS}"


def _coding(name: str) -> _Coding:
    return _Coding(bytes, bytes) if name == _PLAIN else _CODINGS[name]


@lru_cache(maxsize=256)
def negotiate(accept_encoding: str) -> str | None:
    """Return the content coding that a client likes best of ours, None where it takes none of them.

    Without a word about it a client gets the bytes as they are; `*` alone asks for no coding.
    """
    likes = {coding.lower(): quality for coding, quality in parse_accept_header(accept_encoding)}
    offered = [coding for coding in _CODINGS if likes.get(coding, 0) > 0]
    best = max(offered, key=lambda coding: likes[coding], default=None)
    plain = likes.get("identity", likes.get("*", 1))
    if best is not None and likes[best] >= likes.get("identity", 0):
        return best
    if plain > 0:
        return _PLAIN
    return next((coding for coding in _CODINGS if coding not in likes), None) if likes.get("*", 0) > 0 else None

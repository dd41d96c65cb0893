"""Requests that nobody means well with: made up by Hypothesis and by hand, sent over raw sockets, and what no answer may be.

The program under test runs as a process of its own; nothing here knows how it is made.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from random import Random
from urllib.parse import quote

from hypothesis import strategies as st

PATIENCE_SECONDS = 10  # with an answer; later is a hang
MARK = "zq7"  # in brackets it may come back as such in plain text alone
_INERT = ("text/plain", "application/json", "application/feed+json")  # where nothing is markup
_INJECTED = "%0d%0aX-Injected:%201"
_PARTS = (
    "feed.rss", "feed.atom", "feed.json", "topics", "ai", "search", "categories", "types", "providers", "feeds.opml", "static",
    "healthz", "readyz", "metrics", "robots.txt", "sitemap.xml", "2024-04.rss", "2024-04", "0000-99.atom", "2024-04-31.json", "2",
    "-1", "999999999999", "", ".", "..", "%2e%2e", "%2E%2e%2F", "..%5c..", "%2f", "%5C", "%00", "%", "%zz", "%c0%af", "%ff%fe",
    "%2525", "%u0041", "~", "*", "'", '"', "+", ";", ":", "@", "[", "{{7*7}}", "${7*7}", "' OR 1=1--", "%27%22", f"<{MARK}>",
    f"%3C{MARK}%3E", _INJECTED, "/evil.example", "//evil.example", "http:%2f%2fevil.example", "etc", "passwd", "index.sqlite3", ".git",
    "config", "人工智能", "%E4%BA%BA", "C++", "c%23", "a" * 300, "x.rss", "feed.", ".rss", "feed.rss.rss", "feed.RSS", "\x7f", "\x01",
)  # fmt: skip
_NAMES = (
    "topic", "provider", "category", "type", "match", "q", "min_quality", "min_heat", "since", "until", "sort", "limit", "images",
    "related", "format", "key", "utm_source", "", "%00", f"<{MARK}>", "q[]", "__proto__",
)  # fmt: skip
_VALUES = (
    "ai", "-ai", "--ai", "-", "", "%00", "%20", "+", "any", "all", "50", "200", "0", "-1", "1e9", "99999999999999999999", "NaN",
    "2024-04-31", "0001-01-01", "9999-12-31", "0000-00-00", "2024-05-17", "heat", "quality", "inline", "entries", "none", "a" * 200,
    "a" * 201, "%F0%9F%9A%80" * 50, "a+b+c+d+e+f+g", '"', "'", "%22%22", "*", "a*", "NEAR(a,b)", "a AND b", "%5C", ")(", _INJECTED,
    f"<{MARK}>", f"%3C{MARK}%3E", "%ff", "人工", "%E4%BA%BA%E5%B7%A5", "c%2B%2B", "C#", "atom", "exe",
)  # fmt: skip
_HOSTS = (
    "127.0.0.1", "localhost", "[::1]", "evil.example", "127.0.0.1:99999999", "127.0.0.1@evil.example", "localhost\x00.evil.example",
    "", " ", "a" * 300, f"<{MARK}>", "[::1", "127.0.0.1, evil.example", "xn--", "127.0.0.1/..", "LOCALHOST.", "é.example",
)  # fmt: skip
_TAGS = ("*", '"', '"a"', 'W/"a"', "W/", '"a", "b', ",,,,", '"' * 500, 'W/"' * 200, "\xff", f'"{MARK}"')
_DATES = (
    "Fri, 17 May 2024 12:00:00 GMT", "Fri, 31 Feb 2024 12:00:00 GMT", "0", "-1", "99999999999999999999", "now",
    "Fri, 17 May 99999 12:00:00 GMT", "",
)  # fmt: skip
_CODINGS = (
    "gzip", "br", "zstd", "identity;q=0", "*;q=0", "gzip;q=2", "gzip;q=-1", "gzip;q=x", ";", ",", "gzip;;;q==", "deflate," * 200,
    "\xff", "gzip\x0b",
)  # fmt: skip
_RANGES = (
    "bytes=0-0", "bytes=0-", "bytes=-1", "bytes=9-1", "bytes=0-0,1-1,2-2", "bytes=" + "0-0," * 500, "lines=1-2",
    "bytes=99999999999999999999-", "",
)  # fmt: skip
_OTHERS = (
    "text/html", "*/*;q=0", "application/json", "text/html;q=x", ",", "a" * 4000, f"<{MARK}>", "\xff\xfe", "x\x0by", "http",
    "https, http", "/", "//", "/..", "/a/%2f", "1.2.3.4, 5.6.7.8", "for=1.2.3.4;host=evil.example", "evil.example", "Basic !!!",
    "Basic " + "A" * 500, "Bearer x", "keep-alive, close", "upgrade", "h2c", "websocket",
    "Feedly/1.0 (+https://x; 999999999999999999999999 subscribers)", "Feedbin feed-id:1 - -5 subscribers", "100-continue",
)  # fmt: skip
_HEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("If-None-Match", _TAGS), ("If-Match", _TAGS), ("If-Range", _TAGS), ("If-Modified-Since", _DATES), ("If-Unmodified-Since", _DATES),
    ("Accept-Encoding", _CODINGS), ("TE", _CODINGS), ("Range", _RANGES), ("Accept", _OTHERS), ("Accept-Language", _OTHERS),
    ("Cookie", _OTHERS), ("Authorization", _OTHERS), ("User-Agent", _OTHERS), ("Referer", _OTHERS), ("Origin", _OTHERS),
    ("X-Forwarded-For", _OTHERS), ("X-Forwarded-Proto", _OTHERS), ("X-Forwarded-Host", _HOSTS), ("X-Forwarded-Prefix", _OTHERS),
    ("Forwarded", _OTHERS), ("X-Original-URL", _OTHERS), ("X-HTTP-Method-Override", ("DELETE", "TRACE")), ("Expect", _OTHERS),
    ("Upgrade", _OTHERS), ("Connection", _OTHERS), ("Content-Type", _OTHERS), ("Proxy", _OTHERS), ("SCRIPT-NAME", _OTHERS),
    ("X_Forwarded_For", _OTHERS),
)  # fmt: skip
_METHODS = ("GET", "GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "FOO", "A" * 300)

_TAILS = (b"\x00", b"\xff", b" x", b"#x", b"\\", b"%00%ff", b"?\x80")
_TARGETS = (
    b"http://evil.example/feed.rss", b"*", b"feed.rss", b"//evil.example/", b"?", b"",
)  # fmt: skip
_WORDS = (b"CONNECT", b"G\x00T", b"\xff", b"", b" GET", b"GET\t")
_VERSIONS = (
    b"1.0", b"0.9", b"2.0", b"9.9", b"1.1x", b"", b"1.1 1.1",
)  # fmt: skip
_LENGTHS = (b"-1", b"5, 6", b"x", b"99999999999999999999", b"5\r\nContent-Length: 6")
_CHUNKS = (
    b"5\r\nhello\r\n0\r\n\r\n", b"x\r\n", b"ffffffffffffffff\r\n", b"-1\r\n", b"0\r\nA: b\r\n\r\n",
)  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """What is sent over one connection. With `answers` 0 nobody waits for one: the connection is dropped."""

    sent: bytes
    answers: int = 1


@dataclass(frozen=True)
class Exchange:
    """What came of an attack: the statuses in order, or a word where there was none; and what should not have been."""

    outcomes: tuple[str, ...]
    faults: tuple[str, ...] = ()


def attack(method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> Attack:
    """Return a request as it is sent, however wrong it is."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return Attack("\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape") + body)


def attacks() -> st.SearchStrategy[Attack]:
    """Return requests whose lines are whole, and whose parts come from everywhere."""
    text = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)
    quoted = text.map(lambda characters: quote(characters, safe=""))  # most get through to the application
    part = st.sampled_from(_PARTS) | quoted | quoted | text
    place = st.sampled_from(
        ("/feed.rss", "/topics/ai/feed.atom", "/search/feed.json", "/search/feed.rss", "/search/", "/topics/ai/", "/feeds.opml")
    )
    path = place | place | st.lists(part, max_size=5).map(lambda parts: "/" + "/".join(parts))
    known = st.tuples(st.sampled_from(_NAMES), st.sampled_from(_VALUES))
    pair = (known | known | known | st.tuples(quoted, quoted)).map("=".join)
    query = (st.lists(pair, max_size=3) | st.lists(pair, max_size=25)).map("&".join)
    target = st.builds(lambda path, query: f"{path}?{query}" if query else path, path, query)
    header = st.sampled_from(_HEADERS).flatmap(lambda known: st.tuples(st.just(known[0]), st.sampled_from(known[1]) | text))
    host = st.sampled_from((*["127.0.0.1"] * len(_HOSTS) * 2, *_HOSTS))
    headers = st.builds(lambda host, others: [("Host", host), *others], host, st.lists(header, max_size=6))
    return st.builds(attack, st.sampled_from(_METHODS), target, headers)


def broken_attacks(seed: int) -> Iterator[Attack]:
    """Yield without end what no library would send, the same for the same seed."""
    dice = Random(seed)  # noqa: S311 - repeatable on purpose
    good = b"GET /feed.rss HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    while True:
        noise = dice.randbytes(dice.randrange(1, 200))
        size = dice.choice((1000, 8000, 31_000, 33_000, 64 * 1024, 100_000))
        yield from (
            Attack(noise + b"\r\n\r\n"),
            Attack(noise, answers=0),
            Attack(good + noise.replace(b"\n", b"") + b"\r\n\r\n"),
            Attack(good + b"X-Bomb: " + b"x" * size + b"\r\n\r\n"),
            Attack(good + b"".join(b"X-%d: y\r\n" % number for number in range(size // 20)) + b"\r\n"),
            Attack(b"GET /search/feed.rss?utm_source=" + b"x" * size + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
            Attack(b"GET /" + b"../" * (size // 3) + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
            Attack(b"GET /search/feed.rss?" + b"topic=ai&" * (size // 9) + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
            Attack(b"GET /feed.rss%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % dice.choice(_TAILS)),
            Attack(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % dice.choice(_TARGETS)),
            Attack(b"%s /feed.rss HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % dice.choice(_WORDS)),
            Attack(b"GET /feed.rss HTTP/%s\r\nHost: 127.0.0.1\r\n\r\n" % dice.choice(_VERSIONS)),
            Attack(b"GET /feed.rss HTTP/1.1\r\n\r\n"),
            Attack(good + b"Host: evil.example\r\n\r\n"),
            Attack(good + b"Accept-Encoding: gzip\r\nAccept-Encoding: br;q=0\r\nIf-None-Match: a\r\nIf-None-Match: *\r\n\r\n"),
            Attack(good + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            Attack(good + b"Content-Length: %s\r\n\r\nhello" % dice.choice(_LENGTHS)),
            Attack(good + b"Transfer-Encoding: chunked\r\n\r\n%s" % dice.choice(_CHUNKS)),
            Attack(b"POST /feed.rss HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000),
            Attack(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"),
            Attack(good + b" folded: x\r\n\r\n"),
            Attack(good + b"X-Injected : 1\r\nNo colon\r\n\r\n"),
            Attack(good.replace(b"\r", b"") + b"\n"),
            Attack((good + b"\r\n") * dice.randrange(2, 20), answers=2),
            Attack((good + b"\r\n") * 50, answers=0),  # and nobody takes them
            Attack(good + b"\r\n" + noise, answers=1),
            Attack(good[: dice.randrange(1, len(good))], answers=0),  # half of one
            Attack(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
            Attack(good + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"),
            Attack(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise),  # a TLS handshake
            Attack(b"\r\n" * dice.randrange(1, 50) + good + b"\r\n"),
        )


@dataclass
class Target:
    """A server that listens on a port of this machine; its answers never hold one of the secrets."""

    port: int
    secrets: tuple[bytes, ...] = field(default=())

    def exchange(self, sent: Attack) -> Exchange:
        """Send an attack, and return what came of it."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS) as connection:
            with suppress(OSError):  # it may be refused before all of it is there
                connection.sendall(sent.sent)
            outcomes, faults = list[str](), list[str]()
            for _ in range(sent.answers):
                try:
                    response = HTTPResponse(connection, method=sent.sent.split(b" ", 1)[0].decode("latin-1"))
                    response.begin()
                    body = response.read()
                except TimeoutError:
                    return Exchange((*outcomes, "hang"), (*faults, "hang"))
                except (OSError, HTTPException):
                    return Exchange((*outcomes, "closed"), tuple(faults))
                outcomes.append(str(response.status))
                faults += self._faults(response, body)
        return Exchange(tuple(outcomes), tuple(faults))

    def _faults(self, response: HTTPResponse, body: bytes) -> Iterator[str]:
        if response.status >= 500 and (response.status != 503 or response.headers["Retry-After"] is None):
            yield f"status {response.status}"
        if response.headers["X-Injected"] is not None:
            yield "a header was injected"
        said = str(response.headers).encode() + body
        if f"<{MARK}>".encode() in body and response.headers.get_content_type() not in _INERT:
            yield "a raw echo in the body"
        for secret in (b"Traceback", b"site-packages", b'File "', b".py", *self.secrets):
            if secret in said:
                yield f"it holds {secret!r}"
        for name, value in response.headers.items():
            if not (name.isascii() and value.isascii() and value.isprintable()) or f"<{MARK}>" in value:
                yield f"a raw echo in {name}"

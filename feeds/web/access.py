"""Who may read where keys are set. Knows HTTP Basic (RFC 7617) and how a key stands in a URL; knows no route and no feed.

The key is taken out of the request before anything else sees it, so that it can be in no body, cache, log or count.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from feeds import paths
from feeds.metering import Meter
from feeds.render import FORMATS
from feeds.web.counting import StartResponse, WSGIApplication, classified

OPEN_PATHS = ("/healthz", "/readyz", "/metrics")  # which have rules of their own
_PARAMETER = "key"
_MESSAGE = b"a key is needed: as the password of HTTP Basic, or for feeds as the parameter key\n"
_REFUSAL = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(_MESSAGE))),
    ("WWW-Authenticate", 'Basic realm="feeds", charset="UTF-8"'),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]


def guarded(keys: Sequence[str], application: WSGIApplication, meter: Meter) -> WSGIApplication:
    """Return the application for those who have a key, with answers that nobody else's cache or page may keep."""
    known = [key.encode() for key in keys]

    def layer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = time.monotonic()
        in_address = [*_taken_from_query(environ)]
        given = [*in_address, *_taken_from_header(environ)]
        if environ["PATH_INFO"] in OPEN_PATHS:
            return application(environ, start_response)
        if not _is_any(given, known):
            start_response("401 UNAUTHORIZED", list(_REFUSAL))
            meter.request(f"{classified(environ['PATH_INFO'])[0]} 401", time.monotonic() - started, "none")
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [_MESSAGE]

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, list(_private(headers, [key for key in in_address if _is_any([key], known)])), *rest)

        return application(environ, start)

    return layer


def _is_any(given: Sequence[bytes], known: Sequence[bytes]) -> bool:
    """Whether one of the given is known, in a time that tells nothing of which, and of how much of it is right."""
    return sum(hmac.compare_digest(one, key) for one in given for key in known) > 0


def _taken_from_query(environ: dict[str, Any]) -> Iterator[bytes]:
    """Take every key out of the query; yield those that count: of feeds, which readers ask for by an address alone."""
    query = environ.get("QUERY_STRING", "")
    if _PARAMETER not in unquote_plus(query):
        return
    pairs = [(unquote_plus(pair.partition("=")[0]), pair) for pair in query.split("&")]
    environ["QUERY_STRING"] = "&".join(pair for name, pair in pairs if name != _PARAMETER)
    for name in ("REQUEST_URI", "RAW_URI"):
        environ.pop(name, None)  # some servers say it all once more
    if _is_feed(environ["PATH_INFO"]):
        yield from (unquote_plus(pair.partition("=")[2]).encode() for name, pair in pairs if name == _PARAMETER)


def _taken_from_header(environ: dict[str, Any]) -> Iterator[bytes]:
    scheme, _, credentials = environ.pop("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(credentials, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return


def _is_feed(path: str) -> bool:
    return path == paths.OPML_PATH or path.rpartition(".")[2] in FORMATS


def _private(headers: list[tuple[str, str]], in_address: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """Yield headers for nobody else; whoever has a key in the address of a feed has it in the one that the feed moved to."""
    for name, value in headers:
        if name == "Cache-Control":
            yield name, value.replace("public", "private")
        elif name == "Location" and in_address:
            yield name, f"{value}{'&' if '?' in value else '?'}{_PARAMETER}={quote_plus(in_address[0])}"
        elif not name.startswith("Access-Control-") and name != "Referrer-Policy":
            yield name, value
    yield "Referrer-Policy", "no-referrer"

"""What the log says of a request. Knows what in a request is nobody's business: keys, and who exactly asks.

A key is taken out of a request before it is answered where keys are set; where they are not, or where somebody puts one
into the wrong place, it is left out here.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import unquote, unquote_plus

from feeds.config import Config
from feeds.logs import WITHHELD, Access, withheld
from feeds.web.counting import WAS_MADE, StartResponse, WSGIApplication
from feeds.web.later import Later
from feeds.web.requests import client_address

_log = logging.getLogger("feeds.access")
_LONGEST = 500  # characters of a text that the client chose
_KEY = re.compile(r"\bkey=[^&;/?]*", re.IGNORECASE)


def logged(application: WSGIApplication, config: Config) -> WSGIApplication:
    """Return the application with a line of the log for every request."""

    def layer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started, status, size = time.perf_counter(), "500", "0"
        query = environ.get("QUERY_STRING", "")  # what is behind us may change it

        def start(given: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal status, size
            status = given
            size = next((value for name, value in headers if name.lower() == "content-length"), "0")
            return start_response(given, headers, *rest)

        def log() -> None:
            access = Access(
                client=network_of(client_address(environ, config)),
                method=_said(environ["REQUEST_METHOD"], config),
                path=_said(_KEY.sub(WITHHELD, environ["PATH_INFO"]), config),
                query=without_keys(query, config.access_keys)[:_LONGEST],
                status=int(status[:3]),
                size=0 if environ["REQUEST_METHOD"] == "HEAD" or status[:3] == "304" else int(size),
                seconds=round(time.perf_counter() - started, 6),
                cache="miss" if WAS_MADE in environ else "none" if status[:3] == "401" else "hit",
                user_agent=_said(environ.get("HTTP_USER_AGENT", ""), config),
            )
            _log.info("%s", access)

        with ExitStack() as stack:
            stack.callback(log)
            body = application(environ, start)
            if isinstance(body, Later):
                body.then(stack.pop_all().close)
            return body

    return layer


def network_of(address: IPv4Address | IPv6Address | None) -> str | None:
    """Return the network that an address is in, large enough to be nobody's own."""
    if isinstance(address, IPv4Address):
        return str(IPv4Network((int(address), 24), strict=False))
    return None if address is None else str(IPv6Network((int(address), 48), strict=False))


def without_keys(query: str, keys: Sequence[str]) -> str:
    """Return a query without what looks like a key; nothing of one that has a key in it elsewhere, however it is written."""
    kept = "&".join(pair for pair in query.split("&") if not _KEY.search(unquote_plus(pair)))
    is_given_away = any(key in spelling for key in keys for spelling in (kept, unquote(kept), unquote_plus(kept)))
    return WITHHELD if is_given_away else kept


def _said(text: str, config: Config) -> str:
    """Return what a client wrote, which WSGI has as Latin-1, without keys and not too long."""
    return withheld(text.encode("latin-1", "replace").decode("utf-8", "replace"), config.access_keys)[:_LONGEST]

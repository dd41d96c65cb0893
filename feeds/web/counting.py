"""What a request counts as, and counting it. Knows paths; knows no Prometheus and no store.

Whoever gives an answer counts it: the layer of ready answers, the one that asks for keys, and the one here in front of the
framework. Labels have few values: kinds of feeds, formats and statuses; the slugs of feeds that were really given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from feeds import paths
from feeds.metering import Meter
from feeds.model import Kind
from feeds.render import FORMATS

_KINDS = {kind.value: kind for kind in Kind}
WAS_MADE = "feeds.was_made"  # in the environ of a request whose answer was not ready
_LONGEST = 1000  # characters of a path that is remembered; nobody asks for a longer one again and again

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
Feed = tuple[str, str]  # kind and slug


def counted(meter: Meter, application: WSGIApplication) -> WSGIApplication:
    """Return the application with every request counted, as one whose answer was not ready."""

    def layer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = time.monotonic()
        answered = ""

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal answered
            answered = status
            return start_response(status, headers, *rest)

        environ[WAS_MADE] = True
        body = application(environ, start)
        labels, feed = classified(environ["PATH_INFO"])
        meter.request(f"{labels} {answered[:3]}", time.monotonic() - started, "miss")
        if feed is not None and answered[:3] in ("200", "304"):
            hear(meter, feed, environ)
        return body

    return layer


def hear(meter: Meter, feed: Feed, environ: Mapping[str, Any]) -> None:
    """Take what an aggregator says that was given a feed."""
    user_agent = environ.get("HTTP_USER_AGENT", "")
    if "subscriber" in user_agent or "reader" in user_agent:
        meter.claim(*feed, f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}", user_agent)


def classified(path: str) -> tuple[str, Feed | None]:
    """Return the kind and format of what a path is for, and the kind and slug where it is a subscription document."""
    return _remembered(path) if len(path) <= _LONGEST else _classified(path)


def _classified(path: str) -> tuple[str, Feed | None]:
    first, _, rest = path.lstrip("/").partition("/")
    name = path.rpartition("/")[2]
    part, _, extension = name.rpartition(".")
    if path == paths.OPML_PATH:
        return "all opml", None
    if first == "static":
        return "other static", None
    if extension in FORMATS and (part == paths.SUBSCRIPTION or paths.period_of(part)):
        kind = "search" if first == "search" else _KINDS[first] if rest and first in _KINDS else "all"
        slug = rest.rpartition("/")[0]
        is_feed = part == paths.SUBSCRIPTION and kind != "search"
        return f"{kind} {extension}", (kind, slug) if is_feed else None
    if path.endswith("/"):
        return f"{'search' if first == 'search' else first if first in _KINDS and first else 'all'} html", None
    return "other other", None


_remembered = lru_cache(maxsize=4096)(_classified)

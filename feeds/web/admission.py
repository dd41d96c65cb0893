"""How many requests may wake the framework at the same time. Knows WSGI and threads; knows no route and no feed.

Whatever is not ready takes the processor and the index, and there is no end to what can be asked for. So only a few of such
requests run, some wait for their turn, and all others are sent away at once: threads are left over for the ready answers,
however many ask for something else. Where a server has fewer threads than may wait, ready answers wait a moment as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from feeds.web.access import OPEN_PATHS
from feeds.web.answers import Answer
from feeds.web.counting import StartResponse, WSGIApplication
from feeds.web.hotcache import HotCache
from feeds.web.requests import Spell, Spelling
from feeds.web.responses import OPEN_HEADERS, RETRY_AFTER_SECONDS

_PATIENCE_SECONDS = 2.0  # how long a request waits for its turn
_MESSAGE = b"too much is asked for at once; try again in a moment\n"
_REFUSAL = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(_MESSAGE))),
    ("Retry-After", str(RETRY_AFTER_SECONDS)),
    ("Cache-Control", "no-store"),
    *OPEN_HEADERS,
]


class Gate:
    """Lets a few in at a time, and a few more wait."""

    def __init__(self, inside: int, waiting: int, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._places = threading.BoundedSemaphore(inside + waiting)
        self._turns = threading.BoundedSemaphore(inside)
        self._patience_seconds = patience_seconds

    def enter(self) -> bool:
        """Return whether who asks is in, after a wait at most as long as its patience; who is has to leave."""
        if not self._places.acquire(blocking=False):
            return False
        if self._turns.acquire(timeout=self._patience_seconds):
            return True
        self._places.release()
        return False

    def leave(self) -> None:
        """Let the next one in."""
        self._turns.release()
        self._places.release()


def admitted(
    cache: HotCache,
    application: WSGIApplication,
    clock: Callable[[], datetime],
    spell: Spell,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> WSGIApplication:
    """Return the application for as many requests at a time as it bears.

    Answers that the cache had before have a gate of their own, so that a feed is renewed whatever else is asked for. While one
    request renews an answer, and where it can't be renewed now, the last one is given. However many ask for what is being made
    for the first time, they wait for that alone, and take no places.
    """
    # In one process the processor is shared by all of them, and only waiting for the index leaves it to another.
    renewing, others = Gate(1, 2, patience_seconds), Gate(2, 8, patience_seconds)
    renewed: set[Spelling] = set()
    made: dict[Spelling, threading.Event] = {}  # what is made for the first time, right now, and when that is over

    def layer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] in OPEN_PATHS:
            return application(environ, start_response)
        spelling = spell(environ) if environ["REQUEST_METHOD"] in ("GET", "HEAD") else ()
        last = cache.last(spelling)
        if last is not None:
            return renew(last, spelling, environ, start_response)
        begun = made.get(spelling)
        if begun is not None and begun.wait(patience_seconds):
            first = cache.ready(spelling)
            if first is not None:
                return give(first, environ, start_response)
        if not others.enter():
            start_response("503 SERVICE UNAVAILABLE", list(_REFUSAL))
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [_MESSAGE]
        over = threading.Event()
        if spelling:
            made[spelling] = over
        try:
            return application(environ, start_response)
        finally:
            made.pop(spelling, None)
            over.set()
            others.leave()

    def renew(last: Answer, spelling: Spelling, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if spelling not in renewed and renewing.enter():
            said: list[Any] = []
            renewed.add(spelling)
            try:
                body = application(environ, lambda *status_and_headers: said.extend(status_and_headers))
            finally:
                renewed.discard(spelling)
                renewing.leave()
            if said[0].startswith(("301", "4")):
                cache.forget(spelling, last)
            if not said[0].startswith("503"):
                start_response(*said)
                return body
        return give(last, environ, start_response)

    def give(answer: Answer, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        reply = answer.reply(environ, clock(), cache.state().next_turn_at)
        start_response(reply.status, reply.headers)
        return [reply.body] if environ["REQUEST_METHOD"] == "GET" else []

    return layer

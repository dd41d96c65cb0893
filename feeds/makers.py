"""Workers of granian in which one thread gives the ready answers, and others make the rest. Knows granian and WSGI; knows no route.

Threads take turns at Python's one lock, and where sixteen of them give answers that are at hand, most of the time goes into
that. One alone is faster, but then nothing may hold it up. WSGI has no word for an answer that comes later; the object that
granian 2.8 takes an answer with has: any thread may give it one, whenever it has one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from granian.server import mp

from feeds.web.counting import WSGIApplication
from feeds.web.later import CAN_WAIT, Later

_MAKERS = 16  # threads of each worker: more than may be making answers or waiting for that (see `web.admission`)
_ENVIRON = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "granian",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
    CAN_WAIT: True,
}
_log = logging.getLogger("feeds")


class _Client(Protocol):
    """Who waits for an answer, as granian has it."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Give the answer; where the client is gone, nothing happens."""


class _Start:
    """What `start_response` was told."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        self.status = int(status[:3])
        self.headers = headers


def divide_the_work() -> None:
    """Have the workers that granian starts from here on answer so; each should have one thread that calls the application."""
    mp._wsgi_call_wrap = _answering  # type: ignore[attr-defined, assignment] # there is no public way to what takes an answer


def _answering(application: WSGIApplication, *_: Any) -> Callable[[_Client, dict[str, Any]], None]:
    """Return what granian calls with each request: the client, and the part of the environ that is the request's own."""
    makers = ThreadPoolExecutor(_MAKERS, "feeds-maker")

    def answer(client: _Client, environ: dict[str, Any]) -> None:
        start = _Start()
        environ |= _ENVIRON
        body = application(environ, start)
        if isinstance(body, Later):
            makers.submit(_make, client, start, body)
        else:
            _give(client, start, body)

    return answer


def _make(client: _Client, start: _Start, later: Later) -> None:
    """Make an answer, and give it; one with nothing in it where there is a bug that the application did not catch."""
    try:
        _give(client, start, later)
    except Exception:  # whatever it is, somebody waits, and nobody else would hear of it
        _log.exception("a request was not answered")
        client.response_bytes(500, [], b"")


def _give(client: _Client, start: _Start, body: Iterable[bytes]) -> None:
    made = b"".join(body)  # which may be what tells `start`
    client.response_bytes(start.status, start.headers, made)

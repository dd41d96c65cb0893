"""Answers that are ready, given before the web framework wakes. Knows WSGI; knows no route, and not when an answer is right.

Most requests a feed service ever sees are polls for what has not changed. What was said of an answer is said again as it is,
to whoever asks for the same, until the next look at the state of the index: all that costs is a look into a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

import msgspec

from feeds.metering import Meter, Tally
from feeds.web.answers import Answer, Headers, Prepared
from feeds.web.counting import Feed, StartResponse, WSGIApplication, classified, hear
from feeds.web.hotcache import HotCache, Moment
from feeds.web.later import CAN_WAIT, Later
from feeds.web.requests import Spell, Spelling

_Asked = tuple[str, str, Spelling]  # method, content codings, and all else that says which answer it gets
_SAFE = ("GET", "HEAD")
_MOST = 2000  # answers with all of their headers, for each look at the index
_LONGEST = 1000  # characters of a request that is remembered: no program asks for a longer one again and again


class _Line(msgspec.Struct, frozen=True):
    """A finished reply, with where it counts."""

    status: str
    headers: Headers
    body: list[bytes]
    tally: Tally


class _Said(msgspec.Struct, frozen=True):
    """All that may be said to a request."""

    prepared: Prepared
    etag: str
    full: _Line
    unchanged: _Line
    feed: Feed | None


def answer_early(
    cache: HotCache, application: WSGIApplication, clock: Callable[[], datetime], spell: Spell, meter: Meter
) -> WSGIApplication:
    """Return the application behind a layer that gives the ready answers itself.

    `spell` returns all of a request that says which answer it gets.
    """

    def layer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = monotonic()
        moment = cache.moment
        asked = environ["REQUEST_METHOD"], environ.get("HTTP_ACCEPT_ENCODING", ""), spell(environ)
        can_wait = CAN_WAIT in environ
        said = None
        if started < moment.until or (can_wait and cache.may_go_on(moment)):
            said = moment.said.get(asked) or at_once(environ["PATH_INFO"], asked)
        if said is not None:
            return give(said, started, environ, start_response)
        made = partial(make, asked, started, environ, start_response)
        return Later(made) if can_wait else made()

    def make(asked: _Asked, started: float, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        moment = cache.moment  # from before: what is right afterwards may be so in a later one alone
        answer = cache.ready(asked[-1]) if asked[0] in _SAFE else None
        if answer is None:
            return application(environ, start_response)
        return give(prepare(moment, answer, environ["PATH_INFO"], asked), started, environ, start_response)

    def at_once(path: str, asked: _Asked) -> _Said | None:
        """Return what can be said without a look at the index, and without encoding anything."""
        moment = cache.moment
        method, accept_encoding, spelling = asked
        answer = cache.at_hand(spelling) if method in _SAFE else None
        if answer is None or not answer.is_encoded(accept_encoding):
            return None
        return prepare(moment, answer, path, asked)

    def give(said: _Said, started: float, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # Most polls name the very tag; everything else that can be said of what a client has takes longer to understand.
        is_known = environ.get("HTTP_IF_NONE_MATCH") == said.etag or said.prepared.is_known(environ)
        line = said.unchanged if is_known else said.full
        # The server may do with the list of headers what it likes (PEP 3333), so each gets its own.
        start_response(line.status, line.headers.copy())
        line.tally.add(monotonic() - started)
        if said.feed is not None and "HTTP_USER_AGENT" in environ:
            hear(meter, said.feed, environ)
        return line.body

    def prepare(moment: Moment, answer: Answer, path: str, asked: _Asked) -> _Said:
        method, accept_encoding, spelling = asked
        prepared = answer.prepare(accept_encoding, clock(), cache.next_turn_at)
        cache.weigh(spelling)
        labels, feed = classified(path)
        full, unchanged = prepared.full, prepared.unchanged
        said = _Said(
            prepared,
            prepared.etag,
            _Line(full.status, full.headers, [full.body] if method == "GET" else [], meter.tally(f"{labels} {full.status[:3]}", "hit")),
            _Line(unchanged.status, unchanged.headers, [], meter.tally(f"{labels} {unchanged.status[:3]}", "hit")),
            feed if full.status.startswith("200") else None,
        )
        if len(moment.said) < _MOST and len(accept_encoding) + sum(map(len, spelling)) <= _LONGEST:
            moment.said[asked] = said
        return said

    return layer

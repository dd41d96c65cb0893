"""Bodies that are made when somebody iterates them, and what the layers in front of the application do with those."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from feeds.config import Config
from feeds.feed import FeedAddress
from feeds.metering import Meter
from feeds.model import Kind
from feeds.service import FeedService
from feeds.web import create_app
from feeds.web.answers import Answer
from feeds.web.counting import StartResponse, WSGIApplication
from feeds.web.early import answer_early
from feeds.web.hotcache import HotCache, Subject
from feeds.web.later import CAN_WAIT, Later
from feeds.web.requests import speller

from .builders import client_of, write_article
from .conftest import Clock
from .processes import wait_for

URL = "/topics/ai/feed.rss"


class Body:
    """A body that tells when it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"late", b"r")

    def close(self) -> None:
        self.is_closed = True


def asking(app: Flask, **environ: Any) -> Iterable[bytes]:
    """Ask as a server does that can wait."""
    return app.wsgi_app(EnvironBuilder(URL).get_environ() | {CAN_WAIT: True} | environ, lambda *_: None)


@pytest.fixture
def indexed(config: Config, content: Path, clock: Clock) -> Config:
    write_article(content)
    client_of(config, clock)
    return config


def test_answer_is_made_by_who_iterates_and_its_body_is_closed() -> None:
    body, done = Body(), list[str]()

    def application(_: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        def make() -> Iterable[bytes]:
            done.append("made")
            start_response("200 OK", [("Content-Type", "text/plain")])
            return body

        later = Later(make)
        later.then(lambda: done.append("closed" if body.is_closed else "open"))
        return later

    later = application({}, lambda *_: None)
    assert done == []
    assert list(later) == [b"late", b"r"]
    assert done == ["made", "closed"]
    given, status, headers = run_wsgi_app(application, {})
    assert (b"".join(given), status, headers["Content-Type"]) == (b"later", "200 OK", "text/plain")


def test_what_has_to_be_done_afterwards_is_done_where_it_can_not_be_made() -> None:
    done = list[str]()
    later = Later(lambda: [list[bytes]().pop()])
    later.then(lambda: done.append("afterwards"))
    with pytest.raises(IndexError):
        list(later)
    assert done == ["afterwards"]


def test_only_what_is_not_ready_is_made_later(indexed: Config, clock: Clock) -> None:
    app = create_app(indexed, clock, check_seconds=3600)
    first = asking(app)
    assert isinstance(first, Later)
    assert isinstance(asking(app), Later)  # nobody has made it yet
    made = b"".join(first)
    assert isinstance(asking(app, HTTP_ACCEPT_ENCODING="gzip"), Later)  # it is still to be encoded
    assert isinstance(asking(app, REQUEST_METHOD="POST"), Later)
    assert asking(app) == [made]
    assert asking(app, REQUEST_METHOD="HEAD") == []


def test_server_that_does_not_say_that_it_can_wait_gets_no_such_body(indexed: Config, clock: Clock) -> None:
    app = create_app(indexed, clock, check_seconds=0)
    for _ in range(3):
        assert not isinstance(app.wsgi_app(EnvironBuilder(URL).get_environ(), lambda *_: None), Later)


def asked_again_and_again(layer: WSGIApplication) -> Iterator[Iterable[bytes]]:
    """Ask as a server does that can wait, until the edited article is there; yield each body."""
    body: Iterable[bytes] = [b""]
    deadline = time.monotonic() + 30
    while b"Edited" not in b"".join(body):
        assert time.monotonic() < deadline
        body = layer(EnvironBuilder(URL).get_environ() | {CAN_WAIT: True}, lambda *_: None)
        yield body


@pytest.fixture
def layered(service: FeedService, indexed: Config, content: Path, clock: Clock, tmp_path: Path) -> Callable[[HotCache], WSGIApplication]:
    """The layer of ready answers around a feed that was ready, and has been edited since."""

    def around(cache: HotCache) -> WSGIApplication:
        spell, site = speller(indexed), indexed.site("http://localhost")

        def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
            made = service.document(FeedAddress(Kind.TOPIC, "ai"), "rss", site, clock())
            reply = cache.answer(Subject(URL, Kind.TOPIC, "ai"), lambda: Answer(made, 300), spell(environ)).reply(environ, clock(), None)
            start_response(reply.status, reply.headers)
            return [reply.body]

        layer = answer_early(cache, application, clock, spell, Meter(tmp_path))
        environ = EnvironBuilder(URL).get_environ()
        wait_for(lambda: b"".join(layer(dict(environ), lambda *_: None)) and cache.moment.said)
        clock.moment = clock.moment.replace(hour=13)
        write_article(content, title="Edited")
        service.refresh(content, indexed.fingerprint(), clock())
        return layer

    return around


def test_nobody_waits_for_a_look_at_the_index(layered: Callable[[HotCache], WSGIApplication], service: FeedService, clock: Clock) -> None:
    bodies = list(asked_again_and_again(layered(HotCache(service, clock, check_seconds=0.05, go_on_seconds=3600))))
    assert isinstance(bodies[0], list)
    assert [isinstance(body, Later) for body in bodies].count(True) <= 1  # the new one, which has to be made


def test_what_was_said_long_ago_is_not_said_again_before_a_look(
    layered: Callable[[HotCache], WSGIApplication], service: FeedService, clock: Clock
) -> None:
    cache = HotCache(service, clock, check_seconds=0.05, go_on_seconds=0)
    layer = layered(cache)
    wait_for(lambda: time.monotonic() >= cache.moment.until)
    (body,) = asked_again_and_again(layer)
    assert isinstance(body, Later)


def test_look_that_fails_is_followed_by_another(layered: Callable[[HotCache], WSGIApplication], service: FeedService, clock: Clock) -> None:
    failures = iter(range(3))

    def failing_for_a_while() -> datetime:
        if threading.current_thread().name.startswith("feeds-looker") and next(failures, None) is not None:
            raise ZeroDivisionError
        return clock()

    cache = HotCache(service, failing_for_a_while, check_seconds=0.05, go_on_seconds=3600)
    assert len(list(asked_again_and_again(layered(cache)))) > 1
    assert next(failures, None) is None

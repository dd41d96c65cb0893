"""Bodies that are made when somebody iterates them, and what the layers in front of the application do with those."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.test import EnvironBuilder, run_wsgi_app

from feeds.config import Config
from feeds.metering import Meter
from feeds.service import FeedService
from feeds.web import create_app
from feeds.web.counting import StartResponse
from feeds.web.early import answer_early
from feeds.web.hotcache import HotCache
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
    assert asking(app) != [b"".join(first)]  # it was not made while that one was asked for
    assert isinstance(asking(app, HTTP_ACCEPT_ENCODING="gzip"), Later)  # it is still to be encoded
    assert isinstance(asking(app, REQUEST_METHOD="POST"), Later)
    assert asking(app) == [b"".join(asking(app))]
    assert asking(app, REQUEST_METHOD="HEAD") == []


def test_server_that_does_not_say_that_it_can_wait_gets_no_such_body(indexed: Config, clock: Clock) -> None:
    app = create_app(indexed, clock, check_seconds=0)
    for _ in range(3):
        assert not isinstance(app.wsgi_app(EnvironBuilder(URL).get_environ(), lambda *_: None), Later)


def test_one_request_looks_at_the_index_and_no_other_waits_for_that(indexed: Config, content: Path, clock: Clock) -> None:
    app = create_app(indexed, clock, check_seconds=0.05)
    b"".join(asking(app))
    before = b"".join(asking(app))
    clock.moment = clock.moment.replace(hour=13)
    write_article(content, title="Edited")
    client_of(indexed, clock)
    looking = wait_for(lambda: body if isinstance(body := asking(app), Later) else None)
    assert asking(app) == [before]
    assert b"Edited" in b"".join(looking)
    assert b"Edited" in b"".join(asking(app))


def test_another_request_looks_where_the_first_one_is_lost(indexed: Config, clock: Clock) -> None:
    app = create_app(indexed, clock, check_seconds=0.05)
    b"".join(asking(app))
    wait_for(lambda: isinstance(asking(app), Later))
    lost_at = time.monotonic()
    wait_for(lambda: isinstance(asking(app), Later))
    assert time.monotonic() - lost_at > 0.5


def test_request_that_no_feed_is_there_for_looks_for_all(
    service: FeedService, indexed: Config, content: Path, clock: Clock, tmp_path: Path
) -> None:
    cache = HotCache(service, clock, check_seconds=0)
    layer = answer_early(cache, NotFound(), clock, speller(indexed), Meter(tmp_path))
    environ = EnvironBuilder("/nothing").get_environ()
    layer(environ, lambda *_: None)
    before = cache.moment.state
    write_article(content, "b", webUrl="https://www.example.com/b")
    service.refresh(content, indexed.fingerprint(), clock())
    layer(environ, lambda *_: None)
    assert before is not None
    assert cache.moment.state != before


def test_bug_in_a_look_is_told_of_by_the_application(service: FeedService, clock: Clock, indexed: Config, tmp_path: Path) -> None:
    def broken() -> Any:
        raise ZeroDivisionError

    layer = answer_early(HotCache(service, broken, check_seconds=0), NotFound(), clock, speller(indexed), Meter(tmp_path))
    statuses: list[str] = []
    layer(EnvironBuilder("/nothing").get_environ(), lambda status, *_: statuses.append(status))
    assert statuses == ["404 NOT FOUND"]

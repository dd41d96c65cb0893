"""What is said again to the same request: the same as the framework says, and only while it is right."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.test import Client, EnvironBuilder

from feeds.config import Config
from feeds.feed import Document
from feeds.metering import Meter
from feeds.model import Kind
from feeds.service import FeedService
from feeds.web import create_app
from feeds.web.answers import Answer
from feeds.web.early import answer_early
from feeds.web.hotcache import HotCache, Subject
from feeds.web.requests import speller

from .builders import write_article
from .conftest import Clock
from .processes import wait_for

URL = "/topics/ai/feed.rss"
AT_NOON = "Fri, 17 May 2024 12:00:00 GMT"


@pytest.fixture
def refresh(service: FeedService, config: Config, content: Path, clock: Clock) -> Callable[..., None]:
    """Write an article with these fields and bring the index up to date."""

    def run(name: str = "a", **fields: Any) -> None:
        write_article(content, name, **fields)
        service.refresh(content, config.fingerprint(), clock())

    return run


@pytest.fixture
def app(config: Config, clock: Clock, refresh: Callable[..., None]) -> Flask:
    """An application that looks at the index once."""
    refresh()
    return create_app(config, clock, check_seconds=3600)


def test_what_is_said_again_is_what_the_framework_says(app: Flask, config: Config, clock: Clock) -> None:
    tags = [Client(app).get(URL, headers={"Accept-Encoding": coding}).headers["ETag"] for coding in ("", "gzip")]
    urls, codings = (URL, f"{URL}?limit=10", "/"), ("", "gzip", "gzip, br", "identity;q=0")
    conditions = product((None, "*", f"W/{tags[0]}", *tags), (None, AT_NOON, "Fri, 17 May 2024 11:00:00 GMT"))
    asked = [(*one, *condition) for one, condition in product(product(("GET", "HEAD"), urls, codings), conditions)]
    asked = Random(1).sample(asked, 120)  # noqa: S311 - repeatable on purpose

    def answers(client: Client) -> list[tuple[str, bytes, list[tuple[str, str]]]]:
        found = []
        for method, url, coding, none_match, since in asked:
            said = {"Accept-Encoding": coding, "If-None-Match": none_match, "If-Modified-Since": since}
            response = client.open(url, method=method, headers={name: value for name, value in said.items() if value is not None})
            found.append((response.status, response.data, sorted(response.headers)))
        return found

    once, again = answers(Client(app)), answers(Client(app))
    by_framework = answers(Client(create_app(config, clock, check_seconds=0)))
    assert once == again == by_framework


def test_head_gets_no_body_though_it_was_just_said(app: Flask) -> None:
    environ = EnvironBuilder(path=URL).get_environ()
    bodies = [b"".join(app.wsgi_app(environ | {"REQUEST_METHOD": method}, lambda *_: None)) for method in ("GET", "GET", "HEAD", "GET")]
    assert [len(body) > 0 for body in bodies] == [True, True, False, True]


def test_hosts_are_answered_each_for_itself(app: Flask) -> None:
    client = Client(app)
    hosts = [{"Host": "localhost"}, {"Host": "127.0.0.1"}, {"Host": "localhost:81"}, {"Host": "evil.example"}]
    for _ in range(2):
        for host in hosts[:3]:
            assert f"http://{host['Host']}/topics/ai/feed.rss" in client.get(URL, headers=host).text
        assert client.get(URL, headers=hosts[3]).status_code == 400
        assert client.get(URL, headers=hosts[0] | {"X-Forwarded-For": "192.0.2.1"}).status_code == 400


def test_what_was_said_is_said_again_until_the_next_look(app: Flask, refresh: Callable[..., None]) -> None:
    client = Client(app)
    client.get(URL)
    first = client.get(URL)
    refresh(title="Edited")
    assert client.get(URL).data == first.data


def test_nothing_is_said_again_after_a_change(config: Config, clock: Clock, refresh: Callable[..., None]) -> None:
    refresh()
    client = Client(create_app(config, clock, check_seconds=0.05))
    for number in range(3):
        client.get(URL)
        assert client.get(URL).status_code == 200
        clock.moment = clock.moment.replace(hour=13 + number)
        refresh(title=f"Edition {number}")
        wait_for(lambda number=number: f"Edition {number}" in client.get(URL).text)  # type: ignore[misc]
        assert f"Edition {number}" in client.get(URL).text


def test_article_appears_by_itself_when_its_time_comes(config: Config, clock: Clock, refresh: Callable[..., None]) -> None:
    refresh()
    refresh("soon", title="Soon", publishedDateTime="2024-05-17T12:00:01Z", webUrl="https://www.example.com/soon")
    client = Client(create_app(config, clock, check_seconds=3600))
    client.get(URL)
    assert "Soon" not in client.get(URL).text
    clock.moment = clock.moment.replace(second=1)
    wait_for(lambda: "Soon" in client.get(URL).text)


def test_server_may_change_the_headers_it_is_given(app: Flask) -> None:
    environ = EnvironBuilder(path=URL).get_environ()
    given: list[list[tuple[str, str]]] = []

    def start_response(_: str, headers: list[tuple[str, str]], *__: object) -> None:
        given.append(list(headers))
        headers.append(("Server", "changed"))

    for _ in range(4):
        b"".join(app.wsgi_app(dict(environ), start_response))
    assert given[1] == given[2] == given[3]


def test_what_is_remembered_of_requests_is_bounded(
    service: FeedService, config: Config, clock: Clock, refresh: Callable[..., None], tmp_path: Path
) -> None:
    refresh()
    cache, spell = HotCache(service, clock, check_seconds=3600), speller(config)
    environ = EnvironBuilder(path=URL).get_environ()
    cache.answer(Subject(URL, Kind.TOPIC, "ai"), lambda: Answer(Document(b"feed", "text/plain", None), 300), spell(environ))
    layer = answer_early(cache, NotFound(), clock, spell, Meter(tmp_path))
    for number in range(2100):
        assert layer(environ | {"HTTP_ACCEPT_ENCODING": f"x{number}"}, lambda *_: None) == [b"feed"]
    assert len(cache.moment.said) == 2000


def test_request_of_excessive_length_is_not_remembered(
    service: FeedService, config: Config, clock: Clock, refresh: Callable[..., None], tmp_path: Path
) -> None:
    refresh()
    cache, spell = HotCache(service, clock, check_seconds=3600), speller(config)
    environ = EnvironBuilder(path=URL, headers={"Accept-Encoding": "x" * 1000}).get_environ()
    cache.answer(Subject(URL, Kind.TOPIC, "ai"), lambda: Answer(Document(b"feed", "text/plain", None), 300), spell(environ))
    layer = answer_early(cache, NotFound(), clock, spell, Meter(tmp_path))
    assert layer(environ, lambda *_: None) == [b"feed"]
    assert cache.moment.said == {}

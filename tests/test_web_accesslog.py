"""The log of requests: a line each, under every server, and in none of them a key or an address."""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from feeds.config import Config
from feeds.logs import JsonLines, LogFormat, TextLines
from feeds.web import create_app
from feeds.web.accesslog import network_of, without_keys
from feeds.web.later import CAN_WAIT

from .builders import client_of, write_article
from .conftest import REPOSITORY, Clock
from .processes import Program, free_port, running, wait_for

KEY = "correct-horse+battery/1"
LATIN = st.text(st.characters(max_codepoint=255), max_size=40)


@pytest.fixture
def app(config: Config, content: Path, clock: Clock) -> Flask:
    write_article(content)
    client_of(config, clock)
    return create_app(replace(config, access_log=True, access_keys=(KEY,)), clock, check_seconds=0)


class Kept(logging.Handler):
    """Keeps the lines of the access log, as they would be written."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def kept(formatter: logging.Formatter) -> Iterator[list[str]]:
    """Listen to the access log meanwhile."""
    logger, handler = logging.getLogger("feeds.access"), Kept(formatter)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def ask(app: Flask, **environ: Any) -> tuple[str, bytes]:
    """Ask the application as a server would; return the status and the body."""
    statuses: list[str] = []
    asked = EnvironBuilder("/").get_environ() | environ
    body = b"".join(app.wsgi_app(asked, lambda status, *_: statuses.append(status) or (lambda _: None)))
    return statuses[-1], body


def told(app: Flask, **environ: Any) -> dict[str, Any]:
    """Return what the log says of a request."""
    with kept(JsonLines((KEY,))) as lines:
        ask(app, **environ)
    (line,) = lines
    said = json.loads(line)
    assert isinstance(said, dict)
    return said


def basic(key: str) -> str:
    return f"Basic {base64.b64encode(f'me:{key}'.encode()).decode()}"


def test_request_is_told_with_what_it_got(app: Flask) -> None:
    poll = {"PATH_INFO": "/topics/ai/feed.rss", "QUERY_STRING": "limit=20", "HTTP_AUTHORIZATION": basic(KEY)}
    status, body = ask(app, **poll)
    assert status == "200 OK"
    said = told(app, **poll, HTTP_USER_AGENT="Feedly/1.0", REMOTE_ADDR="198.51.100.77")
    assert 0 < said.pop("seconds") < 60
    assert {name: said[name] for name in list(said)[4:]} == {
        "client": "198.51.100.0/24",
        "method": "GET",
        "path": "/topics/ai/feed.rss",
        "query": "limit=20",
        "status": 200,
        "size": len(body),
        "cache": "hit",
        "user_agent": "Feedly/1.0",
    }


def test_answer_without_a_body_has_no_size(app: Flask) -> None:
    poll = {"PATH_INFO": "/feed.rss", "HTTP_AUTHORIZATION": basic(KEY)}
    assert told(app, **poll)["size"] > 1000
    assert told(app, **poll, REQUEST_METHOD="HEAD")["size"] == 0
    again = told(app, **poll, HTTP_IF_NONE_MATCH="*")
    assert (again["status"], again["size"]) == (304, 0)


def test_request_is_told_when_its_answer_was_made(app: Flask) -> None:
    poll = EnvironBuilder("/feed.rss").get_environ() | {"HTTP_AUTHORIZATION": basic(KEY), CAN_WAIT: True}
    with kept(JsonLines((KEY,))) as lines:
        body = app.wsgi_app(poll, lambda *_: None)
        assert lines == []
        size = len(b"".join(body))
    (line,) = lines
    said = json.loads(line)
    assert (said["status"], said["size"], said["cache"]) == (200, size, "miss")


def test_request_without_a_key_is_told_too(app: Flask) -> None:
    said = told(app, PATH_INFO="/feed.rss", QUERY_STRING="key=not-the-right-one")
    assert (said["status"], said["query"], said["cache"]) == (401, "", "none")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.255", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("unix:", None),
    ],
)
def test_client_is_told_as_a_network(app: Flask, address: str, network: str | None) -> None:
    assert told(app, REMOTE_ADDR=address)["client"] == network


def test_client_behind_a_proxy_is_told_where_the_proxy_is_trusted(config: Config, app: Flask, clock: Clock) -> None:
    proxied = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    trusting = create_app(replace(config, access_log=True, trusted_proxies=(ip_network("10.0.0.0/8"),)), clock)
    assert (told(trusting, **proxied)["client"], told(app, **proxied)["client"]) == ("203.0.113.0/24", None)


@given(st.ip_addresses())
def test_network_is_never_one_address(address: Any) -> None:
    network = ip_network(network_of(address) or "")
    assert ip_address(address) in network
    assert network.num_addresses >= 256


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=20&q=a+b", "limit=20&q=a+b"),
        (f"key={KEY}&limit=20", "limit=20"),
        ("limit=20&%6bey=wrong", "limit=20"),
        ("KEY=wrong", ""),
        ("a=1;key=wrong", ""),
        ("monkey=1", "monkey=1"),
        (f"q={quote(KEY, safe='')}", "[key]"),
        (f"q={KEY}", "[key]"),
        ("q=correct-horse%2bb%61ttery/1&limit=20", "[key]"),
    ],
)
def test_query_is_told_without_keys(query: str, said: str) -> None:
    assert without_keys(query, (KEY,)) == said


@pytest.mark.parametrize("lines", [TextLines((KEY,)), JsonLines((KEY,))])
def test_key_is_told_wherever_it_stands_never(app: Flask, lines: logging.Formatter) -> None:
    places = (
        {"QUERY_STRING": f"key={KEY}", "PATH_INFO": "/feed.rss"},
        {"HTTP_AUTHORIZATION": basic(KEY)},
        {"PATH_INFO": f"/feed.rss&key={KEY}"},
        {"PATH_INFO": f"/{KEY}/feed.rss", "HTTP_AUTHORIZATION": basic(KEY)},
        {"PATH_INFO": "/" + "x" * (500 - 16) + KEY},
        {"HTTP_USER_AGENT": f"reader {KEY}", "HTTP_REFERER": f"https://example.org/?key={KEY}", "HTTP_COOKIE": KEY},
        {"REQUEST_METHOD": KEY},
    )
    for place in places:
        with kept(lines) as said:
            ask(app, **place)
        assert len(said) == 1
        assert "correct-horse" not in said[0]
        assert basic(KEY)[6:] not in said[0]


@example(path="/\r\n\x00\x85", query="\x1b[2J&=%", method="\n", user_agent='"\\\xff')
@settings(max_examples=60)
@given(path=LATIN, query=LATIN, method=LATIN, user_agent=LATIN)
def test_every_line_is_one_object_whatever_the_request(app: Flask, path: str, query: str, method: str, user_agent: str) -> None:
    asked = {"PATH_INFO": f"/{path}", "QUERY_STRING": query, "REQUEST_METHOD": method, "HTTP_USER_AGENT": user_agent}
    with kept(JsonLines((KEY,))) as lines:
        ask(app, **asked, HTTP_AUTHORIZATION=basic(KEY))
    (line,) = lines
    assert json.loads(line)["method"] is not None
    assert line.isprintable()


@pytest.mark.usefixtures("app")
def test_nothing_is_told_of_requests_unless_asked_for(config: Config, clock: Clock) -> None:
    with kept(JsonLines()) as lines:
        ask(create_app(config, clock))
    assert lines == []


SERVERS = {
    "feeds": ["feeds", "serve", "--workers", "2", "--port", "{port}"],
    "gunicorn": ["gunicorn", "--log-level", "critical", "--workers", "2", "--bind", "127.0.0.1:{port}", "wsgi:app"],
    "granian": ["granian", "--no-log", "--interface", "wsgi", "--workers", "2", "--port", "{port}", "wsgi:app"],
}


@pytest.mark.parametrize("name", SERVERS)
def test_all_that_a_server_writes_is_lines_of_json(name: str, content: Path, tmp_path: Path) -> None:
    write_article(content)
    (content / "broken\x1b.md").write_text("---\ntitle: [\nsecured: hidden-payload\n---\n")
    port = free_port()
    command = [sys.executable, "-m", *(part.format(port=port) for part in SERVERS[name])]
    environ = {
        "PYTHONPATH": str(REPOSITORY),
        "FEEDS_CONTENT": str(content),
        "FEEDS_LOG_FORMAT": LogFormat.JSON,
        "FEEDS_ACCESS_LOG": "true",
        "FEEDS_ACCESS_KEYS": KEY,
    }
    with running(command, port, tmp_path, environ) as program:
        program.wait_until_ready()
        agent = f'x{"é" * 3000}"\x9b{KEY}'
        wait_for(lambda: poll(program, f"/feed.rss?key={quote(KEY, safe='')}&limit=20", agent) and len(answering(program)) == 2)
        program.stop()
        output = program.output()
    events = [json.loads(line) for line in output.splitlines()]
    polls = [event for event in events if event.get("path") == "/feed.rss"]
    assert {(event["status"], event["query"], event["client"]) for event in polls} == {(200, "limit=20", "127.0.0.0/24")}
    assert any("refused: broken" in event.get("message", "") for event in events)
    assert KEY not in output
    assert "hidden-payload" not in output


def answering(program: Program) -> set[int]:
    """Return which processes told of a request so far."""
    events = [json.loads(line) for line in program.output().splitlines(keepends=True) if line.endswith("\n")]
    return {event["process"] for event in events if event.get("path") == "/feed.rss"}


def poll(program: Program, path: str, user_agent: str) -> bool:
    connection = HTTPConnection("127.0.0.1", program.port, timeout=20)
    try:
        connection.request("GET", path, headers={"User-Agent": user_agent.encode("latin-1")})  # type: ignore[dict-item]
        return connection.getresponse().status == 200
    finally:
        connection.close()

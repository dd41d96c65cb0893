"""Private feeds: without a key nothing is said, and a key is said nowhere."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode, urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from feeds.config import Config
from feeds.errors import ConfigError
from feeds.pages.static import url_path
from feeds.web import create_app
from feeds.web.access import OPEN_PATHS
from feeds.web.later import CAN_WAIT

from .builders import client_of, write_article
from .conftest import Clock

KEY, OTHER = "correct-horse-battery", "another+key/with=signs&more"
FEEDS = (
    "/feed.rss",
    "/topics/ai/feed.atom",
    "/search/feed.json?q=title",
    "/2024-04.rss",
    "/feeds.opml",
    "/topics/AI/feed.rss",
    "/topics/gone/feed.rss",
)
PAGES = ("/", "/topics/ai/", "/topics/", "/2024-05/", "/search/?q=title", "/sitemap.xml", "/robots.txt", url_path("style.css"), "/nothing")


def basic(key: str, user: str = "anybody") -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{key}'.encode()).decode()}"}


@pytest.fixture
def private(config: Config, content: Path, clock: Clock) -> Config:
    write_article(content, topics=["AI"])
    write_article(content, "old", publishedDateTime="2024-04-01T12:00:00Z")
    client_of(config, clock)
    return replace(config, access_keys=(KEY, OTHER), access_log=True)


@pytest.fixture
def app(private: Config, clock: Clock) -> Flask:
    return create_app(private, clock, check_seconds=0)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_no_route_answers_without_a_key(app: Flask, client: FlaskClient, method: str) -> None:
    values = {
        "kind": "topics",
        "rest": "ai/feed.rss",
        "part": "feed",
        "extension": "rss",
        "month": "2024-05",
        "number": "2",
        "file_name": "style.css",
    }
    urls = [url_path("style.css"), "/nothing", *FEEDS, *PAGES]
    with app.test_request_context():
        urls += [rule.rule for rule in app.url_map.iter_rules() if not rule.arguments]
    for rule in app.url_map.iter_rules():
        built = rule.build({name: values[name] for name in rule.arguments}, append_unknown=False)
        assert built is not None
        urls.append(built[1])
    for url in urls:
        response = client.open(url, method=method)
        if url in OPEN_PATHS:
            assert response.status_code != 401
        else:
            assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Basic realm="feeds", charset="UTF-8"')
            assert response.data in (b"", b"a key is needed: as the password of HTTP Basic, or for feeds as the parameter key\n")
            assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("url", FEEDS)
@pytest.mark.parametrize("key", [KEY, OTHER])
def test_feed_takes_a_key_either_way(client: FlaskClient, url: str, key: str) -> None:
    plain = client.get(url, headers=basic(key))
    path, _, query = url.partition("?")
    by_address = client.get(path, query_string={"key": key} | ({"q": "title"} if query else {}))
    assert plain.status_code in (200, 301, 404)
    assert (by_address.status_code, by_address.data) == (plain.status_code, plain.data)


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_feed_that_moved_is_found_by_the_same_key(client: FlaskClient, key: str) -> None:
    asked = f"/topics/AI/feed.rss?{urlencode({'key': key})}"
    moved = client.get(asked)
    assert moved.status_code == 301
    assert client.get(urljoin(asked, moved.headers["Location"])).status_code == 200


def test_key_of_the_password_and_what_is_no_key_are_in_no_address(client: FlaskClient) -> None:
    moved = client.get("/topics/AI/feed.rss?key=wrong", headers=basic(KEY))
    assert (moved.status_code, moved.headers["Location"]) == (301, "../ai/feed.rss")
    assert client.get(f"/topics/AI/feed.rss?key=wrong&key={KEY}").headers["Location"] == f"../ai/feed.rss?key={KEY}"


@pytest.mark.parametrize("url", PAGES)
def test_page_takes_the_password_alone(client: FlaskClient, url: str) -> None:
    assert client.get(url, headers=basic(KEY)).status_code in (200, 404)
    assert client.get(f"{url}{'&' if '?' in url else '?'}key={KEY}").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        basic("wrong"),
        basic(""),
        basic(KEY[:-1]),
        basic(KEY + "x"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"Basic {base64.b64encode(KEY.encode()).decode()}"},
    ],
)
def test_what_is_no_key_opens_nothing(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get("/feed.rss", headers=headers).status_code == 401


@pytest.mark.parametrize("query", ["key=", "key", f"KEY={KEY}", f"key={KEY[1:]}", f"q={KEY}", f"x=1;key={KEY}"])
def test_no_other_parameter_opens_anything(client: FlaskClient, query: str) -> None:
    assert client.get(f"/feed.rss?{query}").status_code == 401


@pytest.mark.parametrize("url", [*FEEDS, *PAGES])
def test_key_is_said_nowhere(client: FlaskClient, caplog: pytest.LogCaptureFixture, tmp_path: Path, url: str) -> None:
    caplog.set_level(logging.DEBUG)
    agent = {"User-Agent": "Feedly/1.0 (5 subscribers)", "Accept": "text/html"}
    for query in (f"key={KEY}", f"%6bey={KEY}&key=wrong-{KEY}"):
        response = client.get(f"{url}{'&' if '?' in url else '?'}{query}", headers=basic(KEY) | agent)
        headers = [value for name, value in response.headers if name != "Location"]
        assert KEY not in f"{headers}{response.text}"
    metrics = client.get("/metrics").text
    assert "feeds_requests_total" in metrics
    assert f"GET {url.partition('?')[0]}" in caplog.text
    assert KEY not in metrics + caplog.text
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("url", [*FEEDS[:3], "/", "/topics/ai/", url_path("style.css")])
def test_answer_is_for_nobody_else(client: FlaskClient, url: str) -> None:
    for _ in range(2):  # the second is a ready one
        headers = client.get(url, headers=basic(KEY)).headers
        assert headers["Cache-Control"].startswith("private, max-age=")
        assert "public" not in headers["Cache-Control"]
        assert headers.getlist("Referrer-Policy") == ["no-referrer"]
        assert not any(name.startswith("Access-Control-") for name, _ in headers)


def test_answer_that_is_made_later_is_for_nobody_else_either(app: Flask) -> None:
    given: list[tuple[str, str]] = []
    asked = EnvironBuilder("/feed.rss", query_string=f"key={KEY}").get_environ() | {CAN_WAIT: True}
    body = app.wsgi_app(asked, lambda _, headers, *__: given.extend(headers))
    assert given == []
    assert b"".join(body).startswith(b"<?xml")
    said = dict(given)
    assert said["Cache-Control"].startswith("private")
    assert "Access-Control-Allow-Origin" not in said
    refused = app.wsgi_app(EnvironBuilder("/feed.rss").get_environ() | {CAN_WAIT: True}, lambda *_: None)
    assert refused == [b"a key is needed: as the password of HTTP Basic, or for feeds as the parameter key\n"]


def test_ready_answer_is_one_for_all_keys_and_for_nobody_without(client: FlaskClient) -> None:
    etags = {client.get(f"/feed.rss?key={KEY}").headers["ETag"], client.get("/feed.rss", headers=basic(OTHER)).headers["ETag"]}
    (etag,) = etags
    assert client.get(f"/feed.rss?key={KEY}", headers={"If-None-Match": etag}).status_code == 304
    assert client.get("/feed.rss", headers={"If-None-Match": etag}).status_code == 401
    assert 'feeds_answers_total{cache="hit"} 2.0' in client.get("/metrics").text


def test_hub_would_give_private_feeds_away(private: Config) -> None:
    with pytest.raises(ConfigError, match="hub, access_keys: a hub hands the articles on"):
        replace(private, hub="https://hub.example.org/")


def test_keys_are_in_no_description_of_the_settings(private: Config) -> None:
    assert KEY not in repr(private)


@pytest.mark.parametrize("keys", ["short", f"{KEY},short", "", "sixteen characters", f"{KEY},", [KEY, "ü" * 20], 12])
def test_weak_keys_are_refused_and_not_repeated(tmp_path: Path, keys: object) -> None:
    with pytest.raises(ConfigError, match="access-keys: has to be keys of at least 16 characters") as error:
        Config.load({"access_keys": keys}, {}, tmp_path)
    assert KEY not in str(error.value)


def test_keys_are_a_list_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text(f'access_keys = ["{KEY}", "{OTHER}"]')
    assert Config.load({}, {}, tmp_path).access_keys == (KEY, OTHER)
    assert Config.load({}, {"FEEDS_ACCESS_KEYS": f"{KEY}, {OTHER}"}, tmp_path).access_keys == (KEY, OTHER)

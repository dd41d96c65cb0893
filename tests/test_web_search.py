"""Any slice over HTTP: `/search/feed.EXT`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import feedparser
import pytest
from flask.testing import FlaskClient

from feeds.config import Config

from .builders import client_of, related, write_article
from .conftest import Clock


@pytest.fixture
def client(content: Path, config: Config, clock: Clock) -> FlaskClient:
    write_article(content, "a", topics=["AI", "Computer Vision"], excerpt="Facial recognition", quality=50)
    write_article(content, "b", topics=["Law"], related=[{"title": "Elsewhere", "webUrl": related().url}])
    return client_of(config, clock)


@pytest.mark.parametrize(
    ("extension", "media_type"),
    [
        ("rss", "application/rss+xml; charset=utf-8"),
        ("atom", "application/atom+xml; charset=utf-8"),
        ("json", "application/feed+json"),
    ],
)
def test_slice_is_a_feed_in_every_format(client: FlaskClient, extension: str, media_type: str) -> None:
    response = client.get(f"/search/feed.{extension}?q=facial")

    assert (response.status_code, response.content_type) == (200, media_type)
    assert b"Title of a" in response.data
    assert b"Title of b" not in response.data


def test_slice_says_what_it_is_and_where(client: FlaskClient) -> None:
    said = client.get("/search/feed.json?topic=Computer%20Vision&topic=-law&q=FACIAL&min_quality=1&utm_source=x").json

    assert said["title"] == "Computer Vision, not Law, “facial”, quality from 1 – Example News"
    assert said["feed_url"] == "http://localhost/search/feed.json?min_quality=1&q=facial&topic=-law&topic=computer-vision"
    assert [item["title"] for item in said["items"]] == ["Title of a"]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("", "All"),
        ("?topic=ai&topic=law", "AI or Law"),
        ("?topic=ai&topic=law&match=all", "AI and Law"),
        ("?since=2024-05-01&until=2024-06-01&sort=heat", "since 2024-05-01, until 2024-06-01, by heat"),
        ("?provider=example.com&type=-article&min_heat=3", "Example Times, not article, heat from 3"),
    ],
)
def test_title_tells_slices_apart(client: FlaskClient, query: str, title: str) -> None:
    assert client.get(f"/search/feed.json{query}").json["title"] == f"{title} – Example News"


def test_equal_queries_have_one_identity_and_equal_bytes(client: FlaskClient) -> None:
    answers = {
        client.get(f"/search/feed.atom?{query}").data for query in ("topic=ai&q=a", "q=A&topic=AI&topic=ai", "limit=50&q=a&topic=ai")
    }

    assert len(answers) == 1


def test_different_queries_have_different_identities(client: FlaskClient) -> None:
    ids = {feedparser.parse(client.get(f"/search/feed.atom?{query}").data).feed.id for query in ("", "topic=ai", "topic=law", "topic=-law")}

    assert len(ids) == 4


def test_slice_goes_by_its_tag_alone_and_is_not_for_robots(client: FlaskClient) -> None:
    response = client.get("/search/feed.rss?topic=ai")

    assert response.headers["X-Robots-Tag"] == "noindex"
    assert "Last-Modified" not in response.headers
    assert client.get("/search/feed.rss?topic=ai", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


def test_slice_takes_the_options_of_all_feeds(client: FlaskClient) -> None:
    said = client.get("/search/feed.json?topic=law&related=entries&limit=10").json

    assert [item["title"] for item in said["items"]] == ["Title of b", "Elsewhere"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("topic=ay", "topic: there is no 'ay'; near: ai"),
        ("provider=nobody.example", "provider: there is no 'nobody.example'; near: example.com"),
        ("q=%3F", "q: has no word to look for"),
        ("limit=7", "limit: has to be one of 10, 20, 50, 100, 200"),
    ],
)
def test_bad_value_is_a_400_that_teaches(client: FlaskClient, query: str, message: str) -> None:
    response = client.get(f"/search/feed.rss?{query}")

    assert (response.status_code, response.text) == (400, f"{message}\n")


def test_site_may_do_without(config: Config, clock: Clock) -> None:
    client = client_of(replace(config, search=False), clock)

    assert client.get("/search/feed.rss").status_code == 404

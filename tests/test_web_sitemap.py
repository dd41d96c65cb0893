"""What search engines read: robots.txt and the list of all pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import etree

from feeds.config import Config
from feeds.feed import PageAddress
from feeds.model import Kind
from feeds.pages.sitemap import render_sitemap

from .builders import SITE, client_of, write_article
from .conftest import Clock

SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


@pytest.fixture
def client(config: Config, content: Path, clock: Clock) -> FlaskClient:
    write_article(content, "a")
    write_article(content, "b", publishedDateTime="2024-04-01T12:00:00Z")
    return client_of(replace(config, base_url="https://feeds.example.org/news"), clock)


def places(document: bytes) -> list[str]:
    return [str(place) for place in etree.fromstring(document).xpath("//s:loc/text()", namespaces=SPACE)]


def test_sitemap_lists_pages_that_are_there(client: FlaskClient) -> None:
    response = client.get("/sitemap.xml")
    assert response.content_type == "application/xml; charset=utf-8"
    found = places(response.data)
    assert len(found) == len(set(found)) == 4 + 5 * 3
    assert "https://feeds.example.org/news/topics/ai/2024-04/" in found
    assert {client.get(urlsplit(url).path.removeprefix("/news")).status_code for url in found} == {200}


def test_robots_are_led_to_the_sitemap_and_kept_from_endless_slices(client: FlaskClient) -> None:
    response = client.get("/robots.txt")
    assert (response.content_type, response.text) == (
        "text/plain; charset=utf-8",
        "User-agent: *\nDisallow: /news/search/?\n\nSitemap: https://feeds.example.org/news/sitemap.xml\n",
    )


def test_very_many_pages_are_in_parts_of_fifty_thousand() -> None:
    addresses = [PageAddress(Kind.TOPIC, f"t{number}") for number in range(100_001)]
    index = render_sitemap(addresses, 0, SITE)
    assert index is not None
    assert places(index) == [f"https://feeds.example.org/sitemap-{number}.xml" for number in (1, 2, 3)]
    listed = [place for number in (1, 2, 3) for place in places(render_sitemap(addresses, number, SITE) or b"")]
    assert listed == [f"https://feeds.example.org/topics/t{number}/" for number in range(100_001)]
    assert render_sitemap(addresses, 4, SITE) is None


@pytest.mark.parametrize("number", [1, 2])
def test_one_document_has_no_parts(client: FlaskClient, number: int) -> None:
    assert client.get(f"/sitemap-{number}.xml").status_code == 404

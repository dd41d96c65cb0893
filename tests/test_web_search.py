"""Any slice over HTTP: `/search/feed.EXT`, and its page `/search/`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin

import feedparser
import pytest
from flask.testing import FlaskClient
from lxml import html

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


# The page


def shown(client: FlaskClient, query: str = "") -> html.HtmlElement:
    response = client.get(f"/search/{query}")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return html.document_fromstring(response.text)


def fields(root: html.HtmlElement) -> dict[str, list[str]]:
    """Return what the form says as it stands, filled fields only."""
    (form,) = root.forms
    found: dict[str, list[str]] = {}
    for name, value in form.form_values():
        if value:
            found.setdefault(name, []).append(value)
    return found


QUERY = (
    "?images=none&limit=10&min_heat=1&min_quality=2&q=facial&related=entries&since=2024-05-01"
    "&sort=heat&topic=-law&topic=ai&until=2024-06-01"
)


def test_form_says_what_was_asked(client: FlaskClient) -> None:
    assert {name: sorted(said) for name, said in fields(shown(client, QUERY)).items()} == parse_qs(QUERY[1:]) | {"match": ["any"]}


def test_form_leads_to_the_address_that_it_came_from(client: FlaskClient) -> None:
    (form,) = shown(client, QUERY).forms
    response = client.get(f"/search/?{urlencode(form.form_values())}")
    assert (response.status_code, response.headers["Location"]) == (303, QUERY)


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("/search/?q=&since=&topic=", "./"),
        ("/search/?topic=AI&q=A&utm_source=x", "?q=a&topic=ai"),
        ("/search", "search/"),
        ("/search?topic=ai", "search/?topic=ai"),
    ],
)
def test_other_ways_to_ask_lead_to_the_one_address(client: FlaskClient, url: str, location: str) -> None:
    response = client.get(url)
    assert (response.status_code, response.headers["Location"]) == (303, location)


@pytest.mark.parametrize("query", ["?q=a+b%26c", "?q=a%20b", "?q=%E4%BA%BA&topic=ai"])
def test_address_that_somebody_encoded_anew_leads_nowhere_else(client: FlaskClient, query: str) -> None:
    assert client.get(f"/search/{query}").status_code == 200


@pytest.mark.parametrize(
    "query", ["", "?topic=ai", "?q=facial", "?related=entries&topic=law", "?q=nothing+has+this", "?limit=10&sort=quality"]
)
def test_page_shows_what_its_feed_holds(client: FlaskClient, query: str) -> None:
    root = shown(client, query)
    (url,) = root.xpath("//input[@id='feed-url']/@value")
    feed = feedparser.parse(client.get(url.removeprefix("http://localhost")).data)
    assert feed.feed.links[-1].href == url or url in [link.href for link in feed.feed.links]
    titles = root.xpath("//ol[@class='preview']//h3/a/text()")
    assert titles == [entry.title for entry in feed.entries]
    assert feed.feed.link == f"http://localhost/search/{query}"
    alternates = root.xpath("//link[@rel='alternate']/@href")
    assert [urljoin("/search/", one) for one in alternates] == [f"/search/feed.{extension}{query}" for extension in ("rss", "atom", "json")]


def test_choices_are_counted_within_what_else_was_asked(client: FlaskClient) -> None:
    def counts(query: str, name: str) -> dict[str, str]:
        boxes = shown(client, query).xpath(f"//input[@type='checkbox'][@name='{name}'][not(starts-with(@value, '-'))]")
        return {box.get("value"): "".join(box.getparent().xpath("./b/text()")) for box in boxes}

    assert counts("", "topic") == {"ai": "1", "computer-vision": "1", "law": "1"}
    assert counts("?topic=ai", "topic") == {"ai": "1", "computer-vision": "1", "law": "1"}  # one more would be an alternative
    assert counts("?match=all&topic=ai&topic=law", "topic") == {"ai": "0", "law": "0"}
    assert counts("?q=facial", "topic") == {"ai": "1", "computer-vision": "1"}
    assert counts("?topic=-ai", "topic") == {"law": "1", "ai": ""}
    assert counts("?q=facial&topic=law", "topic") == {"ai": "1", "computer-vision": "1", "law": "0"}
    assert counts("?q=facial", "provider") == {"example.com": "1"}


def test_page_is_not_for_robots_and_says_when_nothing_matches(client: FlaskClient) -> None:
    response = client.get("/search/?q=nothing+at+all")
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert "Nothing matches yet" in response.text


def test_bad_value_is_told_on_a_page(client: FlaskClient) -> None:
    response = client.get("/search/?topic=ay", headers={"Accept": "text/html"})
    assert response.status_code == 400
    assert "there is no 'ay'; near: ai" in html.document_fromstring(response.text).text_content()


def test_site_without_search_has_no_box(config: Config, content: Path, clock: Clock) -> None:
    write_article(content)
    without = client_of(replace(config, search=False), clock)
    assert without.get("/search/").status_code == 404
    assert "search" not in without.get("/").text.lower()
    assert html.document_fromstring(client_of(config, clock).get("/").text).xpath("//form/@action") == ["search/"]

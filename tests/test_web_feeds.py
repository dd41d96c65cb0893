"""The URLs of feeds: what each answers, with which media type, and where other spellings lead."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urljoin

import feedparser
import listparser
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from feeds.config import Config
from feeds.feed import LIMITS, ImageOption, RelatedOption
from feeds.render import FORMATS
from feeds.service import FeedService

from .builders import client_of, write_article
from .conftest import Clock

MEDIA_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json",
}
FEEDS = ("/feed", "/topics/computer-vision/feed", "/categories/news/feed", "/types/article/feed", "/providers/example.com/feed")


def write_site(folder: Path) -> None:
    """Write articles of two months, topic data and a topic without articles."""
    write_article(folder, "new", topics=["Computer Vision", "AI"], publishedDateTime="2024-05-17T11:00:00Z")
    write_article(folder, "old", topics=["Computer Vision"], publishedDateTime="2024-04-30T23:59:59Z")
    write_article(folder, "other", topics=["TCP/IP"], type="video", category="stats", provider={"name": "Other", "domain": "other.example"})
    (folder / "_data" / "topics").mkdir(parents=True)
    (folder / "_data" / "topics" / "ai.yaml").write_text("_id: ai\nname: AI\n")
    (folder / "_data" / "topics" / "cv.yaml").write_text("_id: computer-vision\nname: Computer Vision\nparent: AI\n")
    (folder / "_data" / "topics" / "robots.yaml").write_text("_id: robots\nname: Robotics\n")


@pytest.fixture
def content(content: Path) -> Path:
    write_site(content)
    return content


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A client of an application that no test changes."""
    folder = tmp_path_factory.mktemp("site")
    write_site(folder)
    return client_of(Config(content=folder, database=f"sqlite:///{folder}/index.sqlite3", refresh_seconds=0), Clock())


def titles(client: FlaskClient, url: str) -> list[str]:
    """Return the titles of a feed's entries, as a reader sees them."""
    response = client.get(url)
    assert response.status_code == 200
    if response.content_type == MEDIA_TYPES["json"]:
        return [item["title"] for item in json.loads(response.data)["items"]]
    parsed = feedparser.parse(response.data)
    assert not parsed.bozo
    return [entry.title for entry in parsed.entries]


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("feed", FEEDS)
def test_every_feed_has_every_format_with_its_media_type(client: FlaskClient, feed: str, extension: str) -> None:
    response = client.get(f"{feed}.{extension}")
    assert (response.status_code, response.headers["Content-Type"]) == (200, MEDIA_TYPES[extension])


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        ("/feed", ["Title of other", "Title of new", "Title of old"]),
        ("/topics/computer-vision/feed", ["Title of new", "Title of old"]),
        ("/topics/ai/feed", ["Title of new"]),
        ("/topics/tcp-ip/feed", ["Title of other"]),
        ("/categories/stats/feed", ["Title of other"]),
        ("/types/video/feed", ["Title of other"]),
        ("/types/article/feed", ["Title of new", "Title of old"]),
        ("/providers/other.example/feed", ["Title of other"]),
        ("/2024-04", ["Title of old"]),
        ("/topics/computer-vision/2024-04", ["Title of old"]),
        ("/categories/news/2024-04", ["Title of old"]),
        ("/types/article/2024-04", ["Title of old"]),
        ("/providers/example.com/2024-04", ["Title of old"]),
    ],
)
def test_feed_shows_its_articles_newest_first(client: FlaskClient, feed: str, extension: str, expected: list[str]) -> None:
    assert titles(client, f"{feed}.{extension}") == expected


@pytest.mark.parametrize("extension", FORMATS)
def test_topic_without_articles_is_a_valid_empty_feed(client: FlaskClient, extension: str) -> None:
    assert titles(client, f"/topics/robots/feed.{extension}") == []


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("feed", [*FEEDS, "/2024-04", "/topics/computer-vision/2024-04"])
def test_link_header_names_the_feed_itself(client: FlaskClient, feed: str, extension: str) -> None:
    assert client.get(f"{feed}.{extension}").headers["Link"] == f'<http://localhost{feed}.{extension}>; rel="self"'


@pytest.mark.parametrize("extension", FORMATS)
def test_self_is_the_canonical_url_whatever_was_asked(client: FlaskClient, extension: str) -> None:
    asked = f"/feed.{extension}?utm_source=x&related=none&limit=50&limit=50&images=inline"
    url = f"http://localhost/feed.{extension}?images=inline&related=none"
    response = client.get(asked)
    assert response.headers["Link"] == f'<{url}>; rel="self"'
    assert response.data == client.get(url).data
    assert url in response.get_data(as_text=True).replace("&amp;", "&")


@pytest.mark.parametrize("query", ["", "?limit=20", "?images=none"])
def test_hub_is_linked_where_the_feed_names_it(config: Config, clock: Clock, query: str) -> None:
    client = client_of(replace(config, hub="https://hub.example.org/"), clock)
    links = client.get(f"/feed.atom{query}").headers["Link"]
    assert ('<https://hub.example.org/>; rel="hub"' in links) is (query == "")


def test_hub_is_not_linked_from_archives(config: Config, clock: Clock) -> None:
    client = client_of(replace(config, hub="https://hub.example.org/"), clock)
    assert client.get("/2024-04.atom").headers["Link"] == '<http://localhost/2024-04.atom>; rel="self"'


def test_limit_is_how_many_articles_a_feed_has_fifty_unless_told(config: Config, clock: Clock, content: Path) -> None:
    for number in range(205):
        write_article(content, f"many/{number}")
    client = client_of(config, clock)
    counts = {limit: len(titles(client, f"/feed.json?limit={limit}")) for limit in LIMITS}
    assert counts == {limit: limit for limit in LIMITS}
    assert len(titles(client, "/feed.json")) == 50


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize(("parameter", "choices"), [("images", ImageOption), ("related", RelatedOption), ("limit", LIMITS)])
def test_every_choice_of_a_parameter_is_taken(client: FlaskClient, parameter: str, choices: type, extension: str) -> None:
    for choice in choices:
        assert len(titles(client, f"/feed.{extension}?{parameter}={choice}")) == 3


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/feed.rss?limit=7", "limit: has to be one of 10, 20, 50, 100, 200"),
        ("/feed.rss?limit=", "limit: has to be one of 10, 20, 50, 100, 200"),
        ("/feed.rss?limit=٥٠", "limit: has to be one of 10, 20, 50, 100, 200"),
        ("/topics/ai/feed.atom?images=all", "images: has to be one of attach, inline, both, none"),
        ("/2024-04.json?related=1", "related: has to be one of links, entries, none"),
        ("/feed.rss?limit=10&limit=20", "limit: is given more than once"),
        ("/feeds.opml?format=xml", "format: has to be one of rss, atom, json"),
    ],
)
def test_bad_value_of_a_parameter_is_a_400_that_names_it(client: FlaskClient, url: str, message: str) -> None:
    response = client.get(url)
    assert (response.status_code, response.text) == (400, f"{message}\n")


@pytest.mark.parametrize("extension", FORMATS)
def test_archives_and_the_subscription_document_link_to_each_other(client: FlaskClient, extension: str) -> None:
    subscription = f"http://localhost/topics/computer-vision/feed.{extension}"
    archive = f"http://localhost/topics/computer-vision/2024-04.{extension}"
    assert links(client, subscription) == {"prev-archive": archive}
    assert links(client, archive) == {"current": subscription}


def links(client: FlaskClient, url: str) -> dict[str, str]:
    """Return where a feed says its history is."""
    data = client.get(url).data
    if url.endswith(".json"):
        found = json.loads(data)["_feed"]
        names = {"prev-archive": "prev_archive", "next-archive": "next_archive", "current": "current"}
        return {rel: found[name] for rel, name in names.items() if name in found}
    feed = feedparser.parse(data).feed
    return {link.rel: link.href for link in feed.links if link.rel in ("prev-archive", "next-archive", "current")}


def test_month_beyond_a_full_feed_is_reached_by_pages(config: Config, clock: Clock, content: Path) -> None:
    for number in range(120):
        write_article(content, f"many/{number}")
    client = client_of(config, clock)
    url, seen = "/feed.json", set[str]()
    while url:
        feed = json.loads(client.get(url).data)
        seen |= {item["id"] for item in feed["items"]}
        url = feed.get("next_url", "")
    assert len(seen) == 123


def test_page_size_of_a_site_is_the_limit_of_whoever_asks_for_none(config: Config, clock: Clock, content: Path) -> None:
    for number in range(60):
        write_article(content, f"many/{number}")
    client = client_of(replace(config, page_size=20), clock)

    def canonical(url: str) -> tuple[str, int]:
        link = client.get(url).headers["Link"]
        return link.partition(">")[0].removeprefix("<http://localhost"), len(titles(client, url))

    assert canonical("/feed.json") == canonical("/feed.json?limit=20") == ("/feed.json", 20)
    assert canonical("/feed.json?limit=50") == ("/feed.json?limit=50", 50)
    assert canonical("/search/feed.json?limit=20&q=title") == canonical("/search/feed.json?q=title")
    assert canonical("/search/feed.json?q=title")[1] == 20
    assert json.loads(client.get("/feed.json").data)["next_url"] == "http://localhost/2024-05-page-3.json"  # of 63 articles


@pytest.mark.parametrize(
    ("query", "extension"), [("", "rss"), ("?format=rss", "rss"), ("?format=atom", "atom"), ("?format=json", "json"), ("?a=b", "rss")]
)
def test_opml_lists_the_topics_with_the_links_of_a_format(client: FlaskClient, query: str, extension: str) -> None:
    response = client.get(f"/feeds.opml{query}")
    assert response.headers["Content-Type"] == "text/x-opml; charset=utf-8"
    subscriptions = listparser.parse(response.data)
    assert subscriptions.bozo == 0
    assert {(feed.title, feed.url) for feed in subscriptions.feeds} == {
        ("AI", f"http://localhost/topics/ai/feed.{extension}"),
        ("Computer Vision", f"http://localhost/topics/computer-vision/feed.{extension}"),
        ("Robotics", f"http://localhost/topics/robots/feed.{extension}"),
        ("TCP/IP", f"http://localhost/topics/tcp-ip/feed.{extension}"),
    }


def test_opml_nests_topics_below_their_parents(client: FlaskClient) -> None:
    root = etree.fromstring(client.get("/feeds.opml").data)
    assert root.xpath("body/outline/@text") == ["AI", "Robotics", "TCP/IP"]
    assert root.xpath("body/outline[@text='AI']/outline/@text") == ["AI", "Computer Vision"]


REDIRECTS = [
    ("/topics/Computer%20Vision/feed.rss", "/topics/computer-vision/feed.rss"),
    ("/topics/computer%20%20vision/feed.atom", "/topics/computer-vision/feed.atom"),
    ("/topics/COMPUTER-VISION/feed.json", "/topics/computer-vision/feed.json"),
    ("/topics/AI/feed.rss", "/topics/ai/feed.rss"),
    ("/topics/%41%49/feed.rss", "/topics/ai/feed.rss"),
    ("/topics/AI/", "/topics/ai/"),
    ("/topics/AI", "/topics/ai/"),
    ("/topics/ai", "/topics/ai/"),
    ("/topics/ai?utm_source=x", "/topics/ai/"),
    ("/topics/Computer Vision/2024-04.rss", "/topics/computer-vision/2024-04.rss"),
    ("/topics/AI/feed.rss?limit=20&utm_source=x", "/topics/ai/feed.rss?limit=20"),
    ("/topics/TCP/IP/feed.rss", "/topics/tcp-ip/feed.rss"),
    ("/topics/TCP%2FIP/feed.rss", "/topics/tcp-ip/feed.rss"),
    ("/topics/tcp%2fip/", "/topics/tcp-ip/"),
    ("/topics/tcp%2Fip", "/topics/tcp-ip/"),
    ("/topics/%EF%BC%A1%EF%BC%A9/feed.rss", "/topics/ai/feed.rss"),  # full-width letters
    ("/categories/News/feed.rss", "/categories/news/feed.rss"),
    ("/types/Article", "/types/article/"),
    ("/providers/Example.COM/feed.rss", "/providers/example.com/feed.rss"),
    ("/providers/example.com", "/providers/example.com/"),
    ("/topics/computer-vision/2024-04-page-1.rss", "/topics/computer-vision/2024-04.rss"),
]


@pytest.mark.parametrize(("spelling", "url"), REDIRECTS)
def test_other_spelling_redirects_for_good(client: FlaskClient, spelling: str, url: str) -> None:
    response = client.get(spelling)
    assert response.status_code == 301
    assert urljoin(f"http://localhost{spelling}", response.headers["Location"]) == f"http://localhost{url}"
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(("spelling", "url"), [redirect for redirect in REDIRECTS if "TCP" not in redirect[0] and "tcp" not in redirect[0]])
def test_redirect_is_right_behind_a_proxy_that_strips_a_prefix(client: FlaskClient, spelling: str, url: str) -> None:
    location = client.get(spelling).headers["Location"]
    assert urljoin(f"https://www.example.org/news{spelling}", location) == f"https://www.example.org/news{url}"


def test_redirect_of_a_name_with_a_slash_stays_where_the_feeds_are(config: Config, clock: Clock) -> None:
    client = client_of(replace(config, base_url="https://www.example.org/news"), clock)
    assert client.get("/topics/TCP%2FIP/feed.rss").headers["Location"] == "/news/topics/tcp-ip/feed.rss"


def test_former_slug_redirects(service: FeedService, config: Config, content: Path, clock: Clock) -> None:
    client = client_of(config, clock)
    assert client.get("/topics/ai/feed.rss").status_code == 200
    (content / "_data" / "topics" / "ai.yaml").write_text("_id: artificial-intelligence\nname: AI\n")
    service.refresh(content, config.fingerprint(), clock())
    response = client.get("/topics/ai/feed.rss")
    assert (response.status_code, response.headers["Location"]) == (301, "../artificial-intelligence/feed.rss")


def test_redirect_may_be_kept_for_an_hour(client: FlaskClient) -> None:
    assert client.get("/topics/AI/feed.rss").headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/topics/computer-visio/feed.rss", "there is no topic 'computer-visio'; near: computer-vision"),
        ("/topics/computer-visio/", "there is no topic 'computer-visio'; near: computer-vision"),
        ("/topics/xyzzy/feed.rss", "there is no topic 'xyzzy'"),
        ("/categories/new/feed.rss", "there is no category 'new'; near: news"),
        ("/types/videos", "there is no type 'videos'; near: video"),
        ("/providers/example.org/feed.rss", "there is no provider 'example.org'; near: example.com, other.example"),
        ("/topics/ai/feed.xml", "there is no format 'xml'; near: rss, atom, json"),
        ("/feed.RSS", "there is no format 'RSS'; near: rss, atom, json"),
        ("/favicon.ico", "there is no format 'ico'; near: rss, atom, json"),
        ("/feeds.rss", "there is no part 'feeds' of this feed"),
        ("/2024-03.rss", "there is no part '2024-03' of this feed"),
        ("/2024-13.rss", "there is no part '2024-13' of this feed"),
        ("/2024-05.rss", "there is no part '2024-05' of this feed"),
        ("/topics/ai/2999-12.rss", "there is no part '2999-12' of this feed"),
        ("/topics/ai/2024-05-page-7.rss", "there is no part '2024-05-page-7' of this feed"),
        ("/topics/pages/2/", "there is no page 2 of all topics"),
        ("/nothing", "Not Found"),
        ("//feed.rss/", "Not Found"),
        ("/topics/ai/feed.rss/", "there is no topic 'ai/feed.rss'"),
        ("/topics/%00/feed.rss", r"there is no topic '\x00'"),
    ],
)
def test_what_is_not_there_is_a_404_with_near_names(client: FlaskClient, url: str, message: str) -> None:
    response = client.get(url, environ_overrides={"PATH_INFO": url} if url.startswith("//") else {})
    assert (response.status_code, response.text) == (404, f"{message}\n")


@settings(max_examples=50)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_name_is_answered_and_leads_nowhere_else(client: FlaskClient, name: str) -> None:
    for url in (f"/topics/{quote(name, safe='')}/feed.rss", f"/topics/{quote(name)}/feed.rss", f"/topics/{quote(name)}"):
        response = client.get(url)
        assert response.status_code in (200, 301, 404)
        assert not response.headers.get("Location", "").startswith(("//", "/\\", "http"))

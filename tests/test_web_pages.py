"""The pages for people: what they show and link to, and that nothing an article says can break out of them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html

from feeds.config import Config
from feeds.pages.static import url_path
from feeds.render import FORMATS

from .builders import client_of, write_article
from .conftest import Clock

PAGES = ("/", "/topics/computer-vision/", "/categories/news/", "/types/article/", "/providers/example.com/", "/topics/robots/")
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def write_site(folder: Path) -> None:
    """Write two articles, a topic without any, and a topic's description."""
    story = {"title": "Another story", "webUrl": "https://elsewhere.example.net/r", "provider": {"name": "Elsewhere"}}
    write_article(folder, "a", topics=["Computer Vision", "AI"], related=[story])
    write_article(folder, "b", topics=["AI"], publishedDateTime="2024-05-16T12:00:00Z", excerpt=None, provider=None)
    (folder / "_data" / "topics").mkdir(parents=True)
    (folder / "_data" / "topics" / "cv.yaml").write_text("_id: computer-vision\nname: Computer Vision\ndescription: How machines see.\n")
    (folder / "_data" / "topics" / "robots.yaml").write_text("_id: robots\nname: Robotics\n")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A client of an application that no test changes."""
    folder = tmp_path_factory.mktemp("site")
    write_site(folder)
    config = Config(content=folder, database=f"sqlite:///{folder}/index.sqlite3", refresh_seconds=0, title="Example News", language="en-GB")
    return client_of(config, Clock())


def page(client: FlaskClient, url: str) -> html.HtmlElement:
    """Return a page, parsed."""
    response = client.get(url)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return html.document_fromstring(response.text)


def texts(root: html.HtmlElement, path: str) -> list[str]:
    """Return the texts of elements, white space as one space."""
    return [" ".join(element.text_content().split()) for element in root.xpath(path)]


def test_front_page_lists_every_topic_with_count_and_day(client: FlaskClient) -> None:
    rows = [texts(row, "./*")[:3] for row in page(client, "/").xpath("//table/tbody/tr")]
    assert rows == [["AI", "2", "2024-05-17"], ["Computer Vision", "1", "2024-05-17"], ["Robotics", "0", ""]]


def test_front_page_links_to_every_topic_and_its_feeds(client: FlaskClient) -> None:
    links = [row.xpath(".//a/@href") for row in page(client, "/").xpath("//table/tbody/tr")]
    slugs = ("ai", "computer-vision", "robots")
    assert links == [[f"topics/{slug}/", *(f"topics/{slug}/feed.{extension}" for extension in FORMATS)] for slug in slugs]


def test_front_page_links_to_the_list_of_subscriptions(client: FlaskClient) -> None:
    assert "feeds.opml" in page(client, "/").xpath("//a/@href")


@pytest.mark.parametrize(
    ("url", "heading", "description"),
    [
        ("/", "Example News", "Articles from Example News"),
        ("/topics/computer-vision/", "Computer Vision", "How machines see."),
        ("/topics/robots/", "Robotics", "Articles about Robotics from Example News"),
        ("/providers/example.com/", "Example Times", "Articles by Example Times from Example News"),
    ],
)
def test_page_says_what_it_is_about(client: FlaskClient, url: str, heading: str, description: str) -> None:
    root = page(client, url)
    assert texts(root, "//h1") == [heading]
    assert root.xpath("//meta[@name='description']/@content") == [description]
    assert root.xpath("//title/text()") == [heading if url == "/" else f"{heading} – Example News"]


@pytest.mark.parametrize("url", PAGES)
def test_page_announces_its_feeds_to_browsers_and_readers(client: FlaskClient, url: str) -> None:
    found = [
        (link.get("type"), urljoin(f"http://localhost{url}", link.get("href")), link.get("title"))
        for link in page(client, url).xpath("/html/head/link[@rel='alternate']")
    ]
    title = page(client, url).xpath("string(//title)")
    assert found == [
        ("application/rss+xml", f"http://localhost{url}feed.rss", f"{title} (RSS)"),
        ("application/atom+xml", f"http://localhost{url}feed.atom", f"{title} (Atom)"),
        ("application/feed+json", f"http://localhost{url}feed.json", f"{title} (JSON Feed)"),
    ]


def test_page_shows_its_articles_newest_first(client: FlaskClient) -> None:
    articles = page(client, "/topics/ai/").xpath("//article")
    assert [texts(article, ".//h3/a") for article in articles] == [["Title of a"], ["Title of b"]]
    assert [article.xpath(".//h3/a/@href") for article in articles] == [["https://news.example.com/a"], ["https://news.example.com/b"]]
    assert [texts(article, "./p") for article in articles] == [["Example Times · 2024-05-17", "Excerpt of a"], ["2024-05-16"]]


def test_page_links_to_related_stories(client: FlaskClient) -> None:
    (story,) = page(client, "/topics/computer-vision/").xpath("//article//ul/li/a")
    assert (story.get("href"), story.text) == ("https://elsewhere.example.net/r", "Another story")


def test_page_of_an_empty_topic_says_so(client: FlaskClient) -> None:
    assert "There are no articles yet." in page(client, "/topics/robots/").text_content()


@pytest.mark.parametrize("url", PAGES)
def test_page_has_one_main_heading_and_skips_no_level(client: FlaskClient, url: str) -> None:
    levels = [int(heading.tag[1]) for heading in page(client, url).xpath("//h1|//h2|//h3|//h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


@pytest.mark.parametrize("url", PAGES)
def test_page_has_landmarks_a_language_and_names_for_screen_readers(client: FlaskClient, url: str) -> None:
    root = page(client, url)
    assert root.get("lang") == "en-GB"
    assert len(root.xpath("//main")) == len(root.xpath("//body/header")) == 1
    assert all(root.xpath(f"//*[@id='{section.get('aria-labelledby')}']") for section in root.xpath("//section"))
    assert root.xpath("//table//th[not(@scope)]") == []
    assert all(name.strip() for name in texts(root, "//a"))
    assert len(set(root.xpath("//@id"))) == len(root.xpath("//@id"))


@pytest.mark.parametrize("url", PAGES)
def test_feed_links_are_told_apart_without_their_row(client: FlaskClient, url: str) -> None:
    links = page(client, url).xpath("//a[@type]")
    assert links
    names = {(link.get("aria-label"), link.get("href")) for link in links}
    assert len({name for name, _ in names}) == len({href for _, href in names})


@pytest.mark.parametrize("url", PAGES)
def test_links_of_a_page_within_the_site_are_relative_and_work(client: FlaskClient, url: str) -> None:
    root = page(client, url)
    for href in root.xpath("//@href"):
        if urlsplit(href).netloc in ("news.example.com", "elsewhere.example.net"):
            continue
        assert not urlsplit(href).scheme
        assert not href.startswith("/")
        with client.get(urljoin(f"http://localhost{url}", href)) as response:
            assert response.status_code == 200


@pytest.mark.parametrize("url", [page for page in PAGES if page != "/"])
def test_page_of_a_collection_leads_home(client: FlaskClient, url: str) -> None:
    (home,) = page(client, url).xpath("//nav/a")
    assert (urljoin(f"http://localhost{url}", home.get("href")), home.text) == ("http://localhost/", "Example News")


@pytest.mark.parametrize("url", PAGES)
def test_page_may_load_nothing_but_its_style(client: FlaskClient, url: str) -> None:
    response = client.get(url)
    root = html.document_fromstring(response.text)
    assert root.xpath("//script | //iframe | //object | //@style | //@*[starts-with(name(), 'on')]") == []
    policy = dict(directive.split(" ", 1) for directive in response.headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["style-src"], policy["base-uri"], policy["frame-ancestors"]) == (
        "'none'",
        "'self'",
        "'none'",
        "'none'",
    )
    assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


@pytest.fixture
def attacked(config: Config, content: Path, clock: Clock) -> FlaskClient:
    """A client of a site in which every text is an attack."""
    story = {"title": ATTACK, "webUrl": "https://elsewhere.example.net/r"}
    write_article(
        content,
        title=ATTACK,
        excerpt=ATTACK,
        topics=[ATTACK],
        category=ATTACK,
        type=ATTACK,
        provider={"name": ATTACK, "domain": "example.com"},
        webUrl='https://news.example.com/a?"><script>alert(1)</script>',
        related=[story],
    )
    return client_of(replace(config, title=ATTACK, description=ATTACK), clock)


def test_text_of_articles_and_settings_stays_text(attacked: FlaskClient) -> None:
    slug = re.search(r'"topics/([^/"]+)/"', attacked.get("/").text)
    assert slug is not None
    for url in ("/", f"/topics/{slug[1]}/", "/providers/example.com/"):
        root = page(attacked, url)
        assert root.xpath("//script | //img | //@onerror") == []
        assert texts(root, "//h3") == [" ".join(ATTACK.split())]
        assert texts(root, "//article//li") == [" ".join(ATTACK.split())]
        assert ATTACK in root.xpath("string(//title)")


@pytest.mark.parametrize("url", ["/topics/<script>alert(1)</script>/", "/topics/<script>alert(1)<%2Fscript>/feed.rss", "/a.<script>"])
def test_text_of_an_address_stays_text_on_an_error_page(client: FlaskClient, url: str) -> None:
    response = client.get(url, headers={"Accept": "text/html"})
    root = html.document_fromstring(response.text)
    assert response.status_code == 404
    assert root.xpath("//script") == []
    assert "<script>" in root.xpath("string(//main/p)")


def test_error_page_links_to_what_was_meant_and_home(client: FlaskClient) -> None:
    url = "/topics/computer-visio/feed.rss"
    root = html.document_fromstring(client.get(url, headers={"Accept": "text/html"}).text)
    assert texts(root, "//main/p") == ["there is no topic 'computer-visio'", "Did you mean:", "All topics"]
    links = [(urljoin(f"http://localhost{url}", link.get("href")), link.text) for link in root.xpath("//a")]
    assert links == [("http://localhost/topics/computer-vision/", "Computer Vision"), ("http://localhost/", "All topics")]
    assert root.xpath("string(//title)") == "404: there is no topic 'computer-visio'"


@pytest.mark.parametrize("url", ["/nothing", "/topics/gone/feed.rss", "/topics/gone/"])
def test_error_page_has_the_style_of_the_others(client: FlaskClient, url: str) -> None:
    root = html.document_fromstring(client.get(url, headers={"Accept": "text/html"}).text)
    (style,) = root.xpath("//link[@rel='stylesheet']/@href")
    assert urljoin(f"http://localhost{url}", style) == f"http://localhost{url_path('style.css')}"


@pytest.mark.parametrize("url", ["/topics/ai/feed.xml", "/feed.xml"])
def test_error_page_names_the_formats_there_are(client: FlaskClient, url: str) -> None:
    root = html.document_fromstring(client.get(url, headers={"Accept": "text/html"}).text)
    assert texts(root, "//li") == ["RSS (rss)", "Atom (atom)", "JSON Feed (json)"]


def test_page_in_another_script_keeps_its_direction(config: Config, content: Path, clock: Clock) -> None:
    write_article(content, title="الذكاء الاصطناعي", topics=["الذكاء الاصطناعي"])
    root = page(client_of(config, clock), "/")
    assert [element.tag for element in root.xpath("//*[@dir='auto'][contains(., 'الذكاء')]")] == ["th", "h3"]

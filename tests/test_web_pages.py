"""The pages for people: what they show and link to, and that nothing an article says can break out of them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import etree, html

from feeds.config import Config
from feeds.pages.static import url_path
from feeds.render import FORMATS

from .builders import client_of, write_article, write_topic
from .conftest import REPOSITORY, Clock

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
    assert rows == [["AI", "2", "17 May 2024"], ["Computer Vision", "1", "17 May 2024"], ["Robotics", "0", ""]]


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
    assert [texts(article, "./p") for article in articles] == [["Example Times · 17 May 2024", "Excerpt of a"], ["16 May 2024"]]


def test_page_links_to_related_stories(client: FlaskClient) -> None:
    (story,) = page(client, "/topics/computer-vision/").xpath("//article/ul[@aria-label='Related stories']/li/a")
    assert (story.get("href"), story.text) == ("https://elsewhere.example.net/r", "Another story")


def test_page_of_an_empty_topic_says_so(client: FlaskClient) -> None:
    assert "There are no articles yet" in page(client, "/topics/robots/").text_content()


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
    assert len(root.xpath("//main")) == len(root.xpath("//body/header")) == len(root.xpath("//body/footer")) == 1
    assert all(root.xpath(f"//*[@id='{section.get('aria-labelledby')}']") for section in root.xpath("//section"))
    assert root.xpath("//table//th[not(@scope)]") == []
    assert all(name.strip() for name in texts(root, "//a"))
    assert len(set(root.xpath("//@id"))) == len(root.xpath("//@id"))


@pytest.mark.parametrize("url", PAGES)
def test_feed_links_are_told_apart_without_their_row(client: FlaskClient, url: str) -> None:
    links = page(client, url).xpath("//a[@aria-label]")
    assert links
    names = {(link.get("aria-label"), link.get("href")) for link in links}
    assert len({name for name, _ in names}) == len({href for _, href in names})


@pytest.mark.parametrize("url", PAGES)
def test_links_of_a_page_within_the_site_are_relative_and_work(client: FlaskClient, url: str) -> None:
    root = page(client, url)
    for href in root.xpath("//@href"):
        if urlsplit(href).netloc or href.startswith("feed:"):
            continue
        assert not urlsplit(href).scheme
        assert not href.startswith("/")
        with client.get(urljoin(f"http://localhost{url}", href)) as response:
            assert response.status_code == 200


@pytest.mark.parametrize("url", [page for page in PAGES if page != "/"])
def test_page_of_a_collection_leads_home(client: FlaskClient, url: str) -> None:
    (home,) = page(client, url).xpath("//header/a")
    assert (urljoin(f"http://localhost{url}", home.get("href")), home.text_content()) == ("http://localhost/", "Example News")


@pytest.mark.parametrize("url", PAGES)
def test_page_may_load_nothing_but_its_own_files_and_pictures(client: FlaskClient, url: str) -> None:
    response = client.get(url)
    root = html.document_fromstring(response.text)
    assert root.xpath("//script/text() | //iframe | //object | //style | //@style | //@*[starts-with(name(), 'on')]") == []
    assert [urljoin(url, src) for src in root.xpath("//script/@src")] == [url_path("copy.js")]
    assert [urljoin(url, href) for href in root.xpath("//link[@rel='stylesheet']/@href")] == [url_path("style.css")]
    policy = dict(directive.split(" ", 1) for directive in response.headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self' https: http:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
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
        assert root.xpath("//script[not(@src)] | //script/text() | //img | //@onerror") == []
        assert texts(root, "//article/h3") == [" ".join(ATTACK.split())]
        assert " ".join(ATTACK.split()) in texts(root, "//article//li")
        assert ATTACK in root.xpath("string(//title)")


@pytest.mark.parametrize("url", ["/topics/<script>alert(1)</script>/", "/topics/<script>alert(1)<%2Fscript>/feed.rss", "/a.<script>"])
def test_text_of_an_address_stays_text_on_an_error_page(client: FlaskClient, url: str) -> None:
    response = client.get(url, headers={"Accept": "text/html"})
    root = html.document_fromstring(response.text)
    assert response.status_code == 404
    assert root.xpath("//script[not(@src)] | //script/text()") == []
    assert "<script>" in root.xpath("string(//main//p)")


def test_error_page_links_to_what_was_meant_and_home(client: FlaskClient) -> None:
    url = "/topics/computer-visio/feed.rss"
    root = html.document_fromstring(client.get(url, headers={"Accept": "text/html"}).text)
    assert texts(root, "//main//p") == ["There is no topic 'computer-visio'.", "Did you mean:", "All topics"]
    links = [(urljoin(f"http://localhost{url}", link.get("href")), link.text) for link in root.xpath("//main//a")]
    assert links == [("http://localhost/topics/computer-vision/", "Computer Vision"), ("http://localhost/", "All topics")]
    assert root.xpath("string(//title)") == "404: there is no topic 'computer-visio'"
    assert texts(root, "//header/a") == ["Example News"]


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
    assert [element.tag for element in root.xpath("//*[@dir='auto'][contains(., 'الذكاء')]")] == ["a", "h3", "a"]


HISTORY = [(f"{month}-{number:02}", f"2024-{month:02}-01T00:{number:02}:00Z") for month in (2, 4, 5) for number in range(30)]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A client of a site with thirty articles in each of three months."""
    folder = tmp_path_factory.mktemp("long")
    for name, published in HISTORY:
        write_article(folder, name, publishedDateTime=published)
    return client_of(Config(content=folder, database=f"sqlite:///{folder}/index.sqlite3", refresh_seconds=0), Clock())


def test_pages_lead_through_the_whole_history_and_back(long: FlaskClient) -> None:
    url, seen, found = "http://localhost/topics/ai/", [], []
    while url:
        root = page(long, url.removeprefix("http://localhost"))
        seen.append(url)
        found += [title for title in texts(root, "//article/h3") if title not in found]
        url = next((urljoin(url, href) for href in root.xpath("//nav/a[@rel='next']/@href")), "")
    assert found == [f"Title of {name}" for name, _ in sorted(HISTORY, key=lambda one: one[1], reverse=True)]
    assert seen[1:] == [f"http://localhost/topics/ai/{part}/" for part in ("2024-05/2", "2024-04", "2024-04/2", "2024-02", "2024-02/2")]
    back = [urljoin(one, page(long, one.removeprefix("http://localhost")).xpath("//nav/a[@rel='prev']/@href")[0]) for one in seen[2:]]
    assert back == seen[1:-1]


def test_front_page_goes_on_in_the_history_of_the_site(long: FlaskClient) -> None:
    assert page(long, "/").xpath("//nav/a[@rel='next']/@href") == ["2024-05/"]
    assert len(page(long, "/2024-05/").xpath("//article")) == 24
    assert page(long, "/2024-05/").xpath("//nav/a[@rel='prev']/@href") == ["../"]


def test_history_names_every_month_with_its_articles(long: FlaskClient) -> None:
    months = page(long, "/topics/ai/2024-04/").xpath("//nav[@class='history']//li/a")
    assert [(" ".join(month.text_content().split()), month.get("href"), month.get("aria-current")) for month in months] == [
        ("May 2024, 30", "../2024-05/", None),
        ("Apr 2024, 30", "../2024-04/", "page"),
        ("Feb 2024, 30", "../2024-02/", None),
    ]


def test_page_of_a_month_says_which(long: FlaskClient) -> None:
    root = page(long, "/topics/ai/2024-04/2/")
    assert root.xpath("string(//title)") == "April 2024, page 2, AI – Feeds"
    assert texts(root, "//h1") == ["AI April 2024, page 2"]
    assert root.xpath("//link[@rel='canonical']/@href") == ["http://localhost/topics/ai/2024-04/2/"]
    assert texts(root, "//p[@class='facts']")[0] == "30 of 90 articles, the newest of 1 May 2024"


def test_chart_has_two_years_at_least_and_five_at_most(long: FlaskClient, config: Config, content: Path, clock: Clock) -> None:
    (chart,) = page(long, "/topics/ai/").xpath("//svg[@class='chart']")
    assert chart.get("aria-label") == "Articles each month, from June 2022 to May 2024, at most 30"
    write_article(content, "first", publishedDateTime="0001-01-01T00:00:00Z")
    client = client_of(config, clock)
    assert page(client, "/").xpath("//svg[@class='chart']") == []
    write_article(content, "last")
    (chart,) = page(client_of(config, clock), "/").xpath("//svg[@class='chart']")
    assert chart.get("aria-label") == "Articles each month, from June 2019 to May 2024, at most 1"


@pytest.mark.parametrize(
    "url",
    [
        "/topics/ai/2024-03/",
        "/topics/ai/2024-04/3/",
        "/topics/ai/2024-13/",
        "/2023-01/",
        "/2024-05/9/",
        "/2024-05/1/",
        "/2024-05/02/",
        "/topics/pages/2/",
        "/2024-99/",
    ],
)
def test_what_has_no_articles_is_no_page(long: FlaskClient, url: str) -> None:
    assert long.get(url).status_code == 404


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("/topics/AI/2024-04/", "../../ai/2024-04/"),
        ("/topics/ai/2024-04", "2024-04/"),
        ("/2024-04", "2024-04/"),
        ("/2024-04/2", "2/"),
        ("/topics", "topics/"),
        ("/topics/ai", "ai/"),
    ],
)
def test_page_under_another_spelling_is_moved_for_good(long: FlaskClient, url: str, location: str) -> None:
    response = long.get(url)
    assert (response.status_code, response.headers["Location"]) == (301, location)


def test_all_collections_of_a_kind_are_listed(client: FlaskClient) -> None:
    root = page(client, "/topics/")
    assert [(urljoin("/topics/", item.xpath("./a/@href")[0]), texts(item, "./*")) for item in root.xpath("//main//li")] == [
        ("/topics/ai/", ["AI", "2", "RSS"]),
        ("/topics/computer-vision/", ["Computer Vision", "1", "RSS"]),
        ("/topics/robots/", ["Robotics", "0", "RSS"]),
    ]


def test_topics_above_and_below_and_beside_are_linked(config: Config, content: Path, clock: Clock) -> None:
    write_topic(content, "minds", name="Minds")
    write_topic(content, "ai", name="AI", parent="Minds")
    write_topic(content, "vision", name="Vision", parent="ai")
    write_article(content, "a", topics=["AI", "Law"])
    root = page(client_of(config, clock), "/topics/ai/")
    assert texts(root, "//nav[@class='crumbs']/a") == ["Topics", "Minds"]
    assert texts(root, "//section[@aria-labelledby='below']//a") == ["Vision"]
    assert texts(root, "//section[@aria-labelledby='neighbours']//a") == ["Law"]


def test_topics_whose_parents_go_in_a_circle_have_pages(config: Config, content: Path, clock: Clock) -> None:
    for slug, parent in (("a", "b"), ("b", "a"), ("c", "c")):
        write_topic(content, slug, name=slug.upper(), parent=parent)
    client = client_of(config, clock)
    assert texts(page(client, "/topics/a/"), "//nav[@class='crumbs']/a") == ["Topics", "B"]
    assert texts(page(client, "/topics/c/"), "//nav[@class='crumbs']/a") == ["Topics"]
    assert sorted(texts(page(client, "/"), "//tbody//th")) == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("scheme", "picture", "shown"),
    [
        ("https", "https://img.example.com/i.jpg", ["https://img.example.com/i.jpg"]),
        ("https", "http://img.example.com/i.jpg", []),
        ("http", "http://img.example.com/i.jpg", ["http://img.example.com/i.jpg"]),
        ("https", "/i.jpg", ["https://feeds.example.org/i.jpg"]),
    ],
)
def test_picture_is_shown_where_the_page_may_load_it(config: Config, content: Path, scheme: str, picture: str, shown: list[str]) -> None:
    write_article(content, images=[{"url": picture, "width": 640, "height": 360}])
    root = page(client_of(replace(config, base_url=f"{scheme}://feeds.example.org"), Clock()), "/topics/ai/")
    assert root.xpath("//article//img/@src") == shown
    assert [dict(image.attrib) for image in root.xpath("//article//img")] == [
        {
            "src": url,
            "alt": "",
            "width": "640",
            "height": "360",
            "loading": "lazy",
            "decoding": "async",
            "referrerpolicy": "no-referrer",
        }
        for url in shown
    ]


def test_page_tells_other_sites_about_itself(config: Config, content: Path, clock: Clock) -> None:
    write_article(content)
    write_topic(content, "ai", name="AI", description="Minds and machines", images=[{"url": "https://img.example.com/ai.png"}])
    root = page(client_of(replace(config, base_url="https://feeds.example.org/x"), clock), "/topics/ai/")
    said = {meta.get("property"): meta.get("content") for meta in root.xpath("//meta[@property]")}
    assert said == {
        "og:site_name": "Example News",
        "og:type": "website",
        "og:url": "https://feeds.example.org/x/topics/ai/",
        "og:title": "AI – Example News",
        "og:description": "Minds and machines",
        "og:image": "https://img.example.com/ai.png",
    }


def test_subscribing_is_one_link_away_in_common_readers(client: FlaskClient) -> None:
    links = page(client, "/topics/ai/").xpath("//aside//ul//a")
    assert {link.text: link.get("href") for link in links} == {
        "Feedly": "https://feedly.com/i/subscription/feed%2Fhttp%3A%2F%2Flocalhost%2Ftopics%2Fai%2Ffeed.rss",
        "Inoreader": "https://www.inoreader.com/?add_feed=http%3A%2F%2Flocalhost%2Ftopics%2Fai%2Ffeed.rss",
        "NewsBlur": "https://www.newsblur.com/?url=http%3A%2F%2Flocalhost%2Ftopics%2Fai%2Ffeed.rss",
        "The Old Reader": "https://theoldreader.com/feeds/subscribe?url=http%3A%2F%2Flocalhost%2Ftopics%2Fai%2Ffeed.rss",
        "Feedbin": "https://feedbin.com/?subscribe=http%3A%2F%2Flocalhost%2Ftopics%2Fai%2Ffeed.rss",
        "BazQux": "https://bazqux.com/add?url=http%3A%2F%2Flocalhost%2Ftopics%2Fai%2Ffeed.rss",
        "App on this device": "feed:http://localhost/topics/ai/feed.rss",
    }


@pytest.mark.parametrize("folder", ["seeds", "corpus"])
def test_every_page_weighs_little_and_is_drawn_by_one_style_sheet(config: Config, clock: Clock, corpus: Path, folder: str) -> None:
    clock.moment = datetime(2030, 1, 1, tzinfo=UTC)
    client = client_of(replace(config, content=REPOSITORY / "seeds" if folder == "seeds" else corpus), clock)
    places = etree.fromstring(client.get("/sitemap.xml").data).xpath("//*[local-name()='loc']/text()")
    urls = [urlsplit(place).path for place in places]
    searches = ("/search/", "/search/?limit=200", "/search/?limit=200&related=entries", "/search/?limit=100&sort=quality")
    several = [*urls[:: max(1, len(urls) // 100)], "/", "/topics/", "/providers/", *searches]
    for url in several:
        response = client.get(url)
        assert (response.status_code, len(response.data) < 60_000) == (200, True), (url, len(response.data))
        assert response.data.count(b'rel="stylesheet"') == 1


def test_front_page_of_a_thousand_topics_shows_the_largest_and_weighs_little(config: Config, content: Path, clock: Clock) -> None:
    for number in range(1000):
        write_topic(content, f"topic-{number:03}", name=f"A topic with a long name, number {number:03}")
    for number in range(30):
        write_article(
            content,
            str(number),
            topics=[f"A topic with a long name, number {number + 900}" for number in range(number)],
            excerpt="Word " * 200,
        )
    client = client_of(config, clock)
    front = page(client, "/")
    assert len(front.xpath("//tbody/tr")) == 48
    assert "A topic with a long name, number 900" in texts(front, "//tbody//th")
    assert "All 1,000 topics" in texts(front, "//main//p")
    assert [len(page(client, f"/topics/{part}").xpath("//main//li")) for part in ("", "pages/2/", "pages/5/")] == [200] * 3
    assert max(len(client.get(url).data) for url in ("/", "/topics/", "/topics/topic-900/", "/topics/topic-900/2024-05/")) < 60_000

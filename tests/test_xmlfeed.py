"""RSS 2.0 and Atom 1.0: what each element says, and what had to be mended in feedgen."""

from __future__ import annotations

import locale
from datetime import timedelta

import feedparser
import pytest
from lxml import etree
from msgspec.structs import replace

from feeds.feed import DEFAULT_OPTIONS, EMPTY_FEED_UPDATED_AT, Feed, FeedLinks
from feeds.model import Article, Download, Image, Link, Provider
from feeds.render.xmlfeed import atom_document, rss_document

from .builders import NOON, SITE, article, feed, image, listed, related

NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": "http://purl.org/syndication/history/1.0",
    "media": "http://search.yahoo.com/mrss/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}
RENDERERS = [rss_document, atom_document]


def atom(said: Feed) -> etree._Element:
    return etree.fromstring(atom_document(said))


def rss(said: Feed) -> etree._Element:
    return etree.fromstring(rss_document(said))[0]


def texts(element: etree._Element, path: str) -> list[str | None]:
    return [found.text for found in element.findall(path, NAMESPACES)]


def attributes(element: etree._Element, path: str) -> list[dict[str, str]]:
    return [dict(found.attrib) for found in element.findall(path, NAMESPACES)]


class TestFeedgenMendings:
    """feedgen 1.0.0 gets these wrong by itself."""

    @pytest.mark.parametrize("render", RENDERERS)
    def test_entries_keep_their_order(self, render) -> None:
        document = render(feed(article("one"), article("two"), article("three")))

        assert [found.title for found in feedparser.parse(document).entries] == ["Title of one", "Title of two", "Title of three"]

    def test_atom_links_keep_relation_type_and_title(self) -> None:
        one = article(related=(related("r", title="R"),), images=(image("i", title="I"),), original_url="https://old.example.com/")

        assert attributes(atom(feed(one)), "atom:entry/atom:link") == [
            {"rel": "alternate", "href": "https://news.example.com/a", "type": "text/html"},
            {"rel": "via", "href": "https://old.example.com/", "type": "text/html"},
            {"rel": "related", "href": "https://elsewhere.example.net/r", "type": "text/html", "title": "R"},
            {"rel": "enclosure", "href": "https://img.example.com/i.jpg", "type": "image/jpeg", "title": "I"},
        ]

    def test_rss_channel_keeps_all_its_links(self) -> None:
        links = FeedLinks(previous_archive="https://feeds.example.org/2024-04.rss", next="https://feeds.example.org/2024-05-page-1.rss")

        assert attributes(rss(feed(links=links, has_hub=True, site=replace(SITE, hub="https://hub.example.org/"))), "atom:link") == [
            {"rel": "self", "href": f"{SITE.base_url}/topics/ai/feed.rss", "type": "application/rss+xml"},
            {"rel": "next", "href": "https://feeds.example.org/2024-05-page-1.rss", "type": "application/rss+xml"},
            {"rel": "prev-archive", "href": "https://feeds.example.org/2024-04.rss", "type": "application/rss+xml"},
            {"rel": "hub", "href": "https://hub.example.org/"},
        ]

    def test_rss_channel_link_is_the_page(self) -> None:
        said = feed(links=FeedLinks(previous_archive="https://x.example/"), parent=Link("https://x.example/p", "P"))

        assert texts(rss(said), "link") == [f"{SITE.base_url}/topics/ai/"]

    def test_authors_without_address_are_creators_in_rss(self) -> None:
        one = article(provider=Provider("Times", authors=("Ann", "Bob")))

        assert texts(rss(feed(one)), "item/dc:creator") == ["Ann", "Bob"]
        assert texts(rss(feed(one)), "item/author") == []

    def test_no_date_is_the_clocks(self) -> None:
        said = feed(updated_at=EMPTY_FEED_UPDATED_AT)

        assert texts(rss(said), "lastBuildDate") == ["Sat, 01 Jan 2000 00:00:00 +0000"]
        assert texts(atom(said), "atom:updated") == ["2000-01-01T00:00:00+00:00"]

    def test_locale_of_the_process_is_left_alone(self) -> None:
        before = locale.setlocale(locale.LC_ALL)
        other = "C.UTF-8" if before == "C" else "C"
        locale.setlocale(locale.LC_ALL, other)
        try:
            rss_document(feed(article()))
            assert locale.setlocale(locale.LC_ALL) == locale.setlocale(locale.LC_ALL, other)
        finally:
            locale.setlocale(locale.LC_ALL, before)

    @pytest.mark.parametrize("render", RENDERERS)
    def test_what_xml_forbids_breaks_nothing(self, render) -> None:
        one = article(title="a\x00\x1b\ud800\uffffb", excerpt="\x0bc", topics=("d\x08",), provider=Provider("e\x02"))

        parsed = feedparser.parse(render(feed(one, title="f\x03", description="g\x04"))).entries[0]

        assert (parsed.title, parsed.tags[0].get("label") or parsed.tags[0].term, parsed.author) == ("ab", "d", "e")


def test_atom_entry_says_everything() -> None:
    one = article(updated_at=NOON + timedelta(hours=1), content_html="<p>Body</p>")

    entry = atom(feed(one)).find("atom:entry", NAMESPACES)

    assert [(etree.QName(child).localname, child.text) for child in entry if child.text] == [
        ("id", one.id),
        ("title", "Title of a"),
        ("updated", "2024-05-17T13:00:00+00:00"),
        ("content", "<p>Body</p>"),
        ("summary", "Excerpt of a"),
        ("published", "2024-05-17T12:00:00+00:00"),
    ]
    assert attributes(entry, "atom:content") == [{"type": "html"}]
    assert attributes(entry, "atom:category") == [{"term": "ai", "scheme": f"{SITE.base_url}/topics/", "label": "AI"}]
    assert texts(entry, "atom:author/atom:name") == ["Example Times"]
    assert texts(entry, "atom:author/atom:uri") == ["https://example.com/"]


def test_rss_item_says_everything() -> None:
    one = article(content_html="<p>Body</p>", excerpt="R&D < 5", original_url="https://old.example.com/", related=(related("r"),))

    item = rss(feed(one)).find("item")

    assert [(etree.QName(child).localname, child.text) for child in item if child.text] == [
        ("title", "Title of a"),
        ("link", "https://news.example.com/a"),
        ("description", "<p>R&amp;D &lt; 5</p>"),
        ("encoded", item.findtext("content:encoded", namespaces=NAMESPACES)),
        ("guid", one.id),
        ("category", "AI"),
        ("pubDate", "Fri, 17 May 2024 12:00:00 +0000"),
        ("creator", "Example Times"),
    ]
    assert item.findtext("content:encoded", namespaces=NAMESPACES).startswith("<p>Body</p><p>Related stories:")
    assert attributes(item, "guid") == [{"isPermaLink": "false"}]
    assert attributes(item, "category") == [{"domain": f"{SITE.base_url}/topics/"}]
    assert attributes(item, "atom:link") == [
        {"rel": "via", "href": "https://old.example.com/", "type": "text/html"},
        {"rel": "related", "href": "https://elsewhere.example.net/r", "type": "text/html", "title": "Story r"},
    ]


def test_rss_description_of_an_article_without_excerpt_is_its_title() -> None:
    assert texts(rss(feed(article(excerpt=None))), "item/description") == ["<p>Title of a</p>"]


def test_rss_item_has_one_enclosure_with_the_three_attributes() -> None:
    one = article(images=(image("one"), image("two")), download=Download("https://files.example.com/app.zip"))

    assert attributes(rss(feed(one)), "item/enclosure") == [
        {"url": "https://files.example.com/app.zip", "length": "0", "type": "application/zip"}
    ]


@pytest.mark.parametrize(("render", "path"), [(rss_document, "channel/item"), (atom_document, "atom:entry")])
def test_every_picture_and_the_video_are_in_media_rss_ungrouped(render, path: str) -> None:
    one = article(
        images=(image("one", title="One", credit="Ann"), image("two", url="https://img.example.com/two.png", width=None, height=None)),
        player_url="https://www.youtube.com/embed/x",
        duration_seconds=61,
    )

    entry = etree.fromstring(render(feed(one))).find(path, NAMESPACES)

    assert attributes(entry, "media:content") == [
        {"url": "https://img.example.com/one.jpg", "type": "image/jpeg", "medium": "image", "width": "800", "height": "400"},
        {"url": "https://img.example.com/two.png", "type": "image/png", "medium": "image"},
        {"medium": "video", "duration": "61"},
    ]
    assert (texts(entry, "media:content/media:title"), texts(entry, "media:content/media:credit")) == (["One"], ["Ann"])
    assert attributes(entry, "media:content/media:player") == [{"url": "https://www.youtube.com/embed/x"}]
    assert attributes(entry, "media:thumbnail") == [
        {"url": "https://img.example.com/one.jpg", "width": "800", "height": "400"},
        {"url": "https://img.example.com/two.png"},
    ]


def test_video_of_unknown_length_has_no_duration() -> None:
    assert attributes(rss(feed(article(player_url="https://v.example/x"))), "item/media:content") == [{"medium": "video"}]


def test_entry_in_another_language_says_so() -> None:
    said = feed(article(language="fr"))

    assert atom(said).find("atom:entry", NAMESPACES).get("{http://www.w3.org/XML/1998/namespace}lang") == "fr"
    assert texts(rss(said), "item/dc:language") == ["fr"]


def test_archive_is_marked_and_linked() -> None:
    links = FeedLinks(
        previous_archive="https://x.example/2024-03", next_archive="https://x.example/2024-05", current="https://x.example/feed"
    )

    for document in (atom(feed(links=links)), rss(feed(links=links))):
        assert len(document.findall("fh:archive", NAMESPACES)) == 1
        found = {link["rel"]: link["href"] for link in attributes(document, "atom:link")}
        assert {rel: found[rel] for rel in ("prev-archive", "next-archive", "current")} == {
            "prev-archive": "https://x.example/2024-03",
            "next-archive": "https://x.example/2024-05",
            "current": "https://x.example/feed",
        }


def test_subscription_document_is_no_archive() -> None:
    assert atom(feed()).findall("fh:archive", NAMESPACES) == []


@pytest.mark.parametrize(
    ("max_age_seconds", "ttl", "period", "frequency"),
    [
        (300, "5", "hourly", "12"),
        (61, "2", "hourly", "59"),
        (3600, "60", "hourly", "1"),
        (7200, "120", "daily", "12"),
        (0, "1", "hourly", "3600"),
        (100_000, "1667", "daily", "1"),
    ],
)
def test_rss_says_how_often_to_ask(max_age_seconds: int, ttl: str, period: str, frequency: str) -> None:
    channel = rss(feed(site=replace(SITE, max_age_seconds=max_age_seconds)))

    assert (texts(channel, "ttl"), texts(channel, "sy:updatePeriod"), texts(channel, "sy:updateFrequency")) == (
        [ttl],
        [period],
        [frequency],
    )


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (Image("https://x.org/p.png", 100, 100), {"url": "https://x.org/p.png", "width": "100", "height": "100"}),
        (Image("https://x.org/p.png", 400, 400), {"url": "https://x.org/p.png"}),
        (Image("https://x.org/p.webp", 100, 100), {}),
    ],
)
def test_rss_picture_is_within_what_rss_allows(picture: Image, said: dict[str, str]) -> None:
    channel = rss(feed(picture=picture))

    assert {child.tag: child.text for child in channel.findall("image/*") if child.tag not in ("title", "link")} == said


def test_atom_picture_is_an_icon_where_square_and_a_logo_otherwise() -> None:
    assert texts(atom(feed(picture=Image("https://x.org/p.png", 50, 50))), "atom:icon") == ["https://x.org/p.png"]
    assert texts(atom(feed(picture=Image("https://x.org/p.png", 80, 40))), "atom:logo") == ["https://x.org/p.png"]


def test_parent_topic_is_up() -> None:
    said = feed(parent=Link("https://feeds.example.org/topics/computing/", "Computing"))

    for document in (atom(said), rss(said)):
        assert {
            "rel": "up",
            "href": "https://feeds.example.org/topics/computing/",
            "title": "Computing",
            "type": "text/html",
        } in attributes(document, "atom:link")


@pytest.mark.parametrize("render", RENDERERS)
def test_same_feed_gives_the_same_bytes(render) -> None:
    said = feed(article(images=(image(),), related=(related(),)), options=DEFAULT_OPTIONS)

    assert render(said) == render(said)


@pytest.mark.parametrize("render", RENDERERS)
def test_empty_feed_is_valid(render) -> None:
    parsed = feedparser.parse(render(feed()))

    assert (parsed.bozo, parsed.entries, parsed.feed.title) == (False, [], "AI – Example News")


def test_entry_that_is_somebody_elses_points_to_its_parents() -> None:
    story: Article = article("story", topics=())
    said = feed(articles=(listed(story, parent_urls=("https://news.example.com/parent",)),))

    assert {"rel": "via", "href": "https://news.example.com/parent", "type": "text/html"} in attributes(atom(said), "atom:entry/atom:link")

"""OPML 2.0 lists that readers can import."""

import listparser
from lxml import etree

from feeds.feed import Outline, Subscriptions
from feeds.render.opml import render_opml

from .builders import NOON


def outline(name: str, *children: Outline) -> Outline:
    base = f"https://feeds.example.org/topics/{name}/"
    return Outline(name.title(), f"{base}feed.rss", base, f"About {name} & more", children)


def test_document_is_exactly_this() -> None:
    assert render_opml(Subscriptions("Example <News>", NOON, (outline("ai", outline("vision")), outline("law")))).decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<opml version="2.0"><head><title>Example &lt;News&gt;</title>'
        "<dateModified>Fri, 17 May 2024 12:00:00 GMT</dateModified></head><body>"
        '<outline text="Ai"><outline text="Ai" title="Ai" type="rss" xmlUrl="https://feeds.example.org/topics/ai/feed.rss"'
        ' htmlUrl="https://feeds.example.org/topics/ai/" description="About ai &amp; more"/>'
        '<outline text="Vision" title="Vision" type="rss" xmlUrl="https://feeds.example.org/topics/vision/feed.rss"'
        ' htmlUrl="https://feeds.example.org/topics/vision/" description="About vision &amp; more"/></outline>'
        '<outline text="Law" title="Law" type="rss" xmlUrl="https://feeds.example.org/topics/law/feed.rss"'
        ' htmlUrl="https://feeds.example.org/topics/law/" description="About law &amp; more"/></body></opml>\n'
    )


def test_no_outline_with_a_feed_has_others_below_it() -> None:
    """FreshRSS and Liferea take such an outline for a leaf, and lose what is below it."""
    document = etree.fromstring(render_opml(Subscriptions("News", None, (outline("ai", outline("vision", outline("robots"))),))))

    assert [len(found) for found in document.iter("outline") if found.get("xmlUrl")] == [0, 0, 0]


def test_listparser_finds_every_feed() -> None:
    parsed = listparser.parse(render_opml(Subscriptions("News", None, (outline("ai", outline("vision")), outline("law")))))

    assert [(found.title, found.url) for found in parsed.feeds] == [
        ("Ai", "https://feeds.example.org/topics/ai/feed.rss"),
        ("Vision", "https://feeds.example.org/topics/vision/feed.rss"),
        ("Law", "https://feeds.example.org/topics/law/feed.rss"),
    ]


def test_list_without_topics_is_valid() -> None:
    assert listparser.parse(render_opml(Subscriptions("News", None, ()))).meta.title == "News"


def test_what_xml_cannot_hold_is_left_out() -> None:
    document = render_opml(Subscriptions("a\x00b", None, (Outline("c\ud800d", "https://x.org/f", "https://x.org/", None),)))

    assert b"<title>ab</title>" in document
    assert b'text="cd"' in document

"""JSON Feed 1.1."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from feeds.feed import Feed, FeedLinks
from feeds.model import Download, Image, Link, Provider
from feeds.render import FORMATS

from .builders import NOON, SITE, article, feed, image, related


def rendered(said: Feed) -> dict[str, Any]:
    return json.loads(FORMATS["json"].render(said))


def test_feed_without_articles_is_exactly_this() -> None:
    assert rendered(feed(self_url=f"{SITE.base_url}/topics/ai/feed.json")) == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "AI – Example News",
        "home_page_url": "https://feeds.example.org/topics/ai/",
        "feed_url": "https://feeds.example.org/topics/ai/feed.json",
        "description": "Articles about AI",
        "authors": [{"name": "Example News", "url": "https://www.example.org/"}],
        "language": "en",
        "_feed": {"id": "urn:uuid:00000000-0000-5000-8000-000000000000", "updated": "2024-05-17T12:00:00Z"},
        "items": [],
    }


def test_feed_says_hub_picture_parent_and_history() -> None:
    said = rendered(
        feed(
            site=replace(SITE, hub="https://hub.example.org/"),
            has_hub=True,
            picture=Image("https://x.org/p.png"),
            parent=Link("https://feeds.example.org/topics/computing/", "Computing"),
            links=FeedLinks(None, "https://x.org/2024-03.json", "https://x.org/2024-05.json", "https://x.org/feed.json"),
        )
    )

    assert (said["hubs"], said["icon"]) == ([{"type": "WebSub", "url": "https://hub.example.org/"}], "https://x.org/p.png")
    assert said["_feed"] == {
        "id": "urn:uuid:00000000-0000-5000-8000-000000000000",
        "updated": "2024-05-17T12:00:00Z",
        "archive": True,
        "current": "https://x.org/feed.json",
        "prev_archive": "https://x.org/2024-03.json",
        "next_archive": "https://x.org/2024-05.json",
        "parent": {"url": "https://feeds.example.org/topics/computing/", "title": "Computing"},
    }


def test_next_url_goes_on_through_the_archives() -> None:
    def next_url(**links: str) -> str:
        return rendered(feed(links=FeedLinks(**links)))["next_url"]

    assert next_url(next="https://x.org/page", previous_archive="https://x.org/archive") == "https://x.org/page"
    assert next_url(previous_archive="https://x.org/archive") == "https://x.org/archive"


def test_item_says_everything() -> None:
    one = article(
        updated_at=NOON + timedelta(hours=1),
        content_html="<p>Body</p>",
        original_url="https://old.example.com/",
        amp_url="https://news.example.com/a/amp",
        topics=("AI", "Law"),
        provider=Provider("Times", "times.example", authors=("Ann",)),
        images=(image("one", title="One"), image("two")),
        download=Download("https://files.example.com/app.zip", "App"),
        player_url="https://www.youtube.com/embed/x",
        duration_seconds=61,
        language="fr",
        related=(related("r", excerpt="E", published_at=NOON, images=(image("r"),)),),
    )

    assert rendered(feed(one))["items"] == [
        {
            "id": one.id,
            "url": "https://news.example.com/a",
            "external_url": "https://old.example.com/",
            "title": "Title of a",
            "content_html": "<p>Body</p><p>Related stories:</p><ul>"
            '<li><a href="https://elsewhere.example.net/r">Story r</a> (Elsewhere)</li></ul>',
            "summary": "Excerpt of a",
            "image": "https://img.example.com/one.jpg",
            "date_published": "2024-05-17T12:00:00Z",
            "date_modified": "2024-05-17T13:00:00Z",
            "authors": [{"name": "Ann"}],
            "tags": ["AI", "Law"],
            "language": "fr",
            "attachments": [
                {"url": "https://files.example.com/app.zip", "mime_type": "application/zip", "title": "App"},
                {"url": "https://img.example.com/one.jpg", "mime_type": "image/jpeg", "title": "One"},
                {"url": "https://img.example.com/two.jpg", "mime_type": "image/jpeg"},
            ],
            "_related": {
                "items": [
                    {
                        "id": one.related[0].id,
                        "url": "https://elsewhere.example.net/r",
                        "title": "Story r",
                        "summary": "E",
                        "image": "https://img.example.com/r.jpg",
                        "date_published": "2024-05-17T12:00:00Z",
                        "authors": [{"name": "Elsewhere", "url": "https://example.net/"}],
                    }
                ]
            },
            "_via": {"urls": ["https://old.example.com/"]},
            "_media": {"player_url": "https://www.youtube.com/embed/x", "duration_in_seconds": 61},
            "_amp_url": {"url": "https://news.example.com/a/amp"},
        }
    ]


def test_what_is_absent_is_left_out() -> None:
    one = article(excerpt=None, topics=(), provider=None)

    assert sorted(rendered(feed(one))["items"][0]) == ["content_html", "date_modified", "date_published", "id", "title", "url"]


def test_text_stands_as_it_is_in_utf8() -> None:
    assert "人工智能 🚀".encode() in FORMATS["json"].render(feed(article(title="人工智能 🚀")))


def test_surrogates_break_nothing() -> None:
    assert rendered(feed(article(title="a\ud800b")))["items"][0]["title"] == "ab"

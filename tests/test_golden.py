"""One rich document per format, to the last byte: what changes here changes for every reader.

`python -m tests.test_golden` writes the documents anew; look at the difference before you commit it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from feeds.feed import Feed, FeedLinks, ImageOption
from feeds.model import Download, Image, Link, Provider
from feeds.render import FORMATS

from .builders import DAY, NOON, SITE, article, feed, image, listed, related

GOLDEN = Path(__file__).parent / "data" / "golden"


def rich_feed(extension: str) -> Feed:
    everything = article(
        "everything",
        title="Größe & “Quotes” <b>not bold</b> 人工智能 🚀 مرحبا e\u0301",
        url="https://news.example.com/everything?a=1&b=2",
        original_url="https://old.example.com/everything",
        amp_url="https://news.example.com/everything/amp",
        updated_at=NOON + timedelta(minutes=90),
        excerpt="First paragraph, R&D.\n\nSecond: 1 < 2.",
        content_html='<p>Body with <a href="https://news.example.com/x">a link</a> and “quotes”.</p>',
        topics=("Computer Vision", "C++"),
        provider=Provider("Example Times", "example.com", authors=("Ann Author", "Bob Büro")),
        images=(image("lead", title="The lead", credit="Ann"), image("second", url="/assets/second.png", width=None, height=None)),
        related=(
            related("one", excerpt="About one", published_at=NOON - DAY, images=(image("one"),)),
            related("two", title="Two & more", provider=None, original_url="https://old.example.net/two"),
        ),
        language="de",
    )
    video = article(
        "video",
        published_at=NOON - DAY,
        excerpt=None,
        player_url="https://www.youtube.com/embed/abc",
        duration_seconds=543,
        images=(image("frame"),),
    )
    sample = article(
        "sample", published_at=NOON - 2 * DAY, download=Download("https://files.example.com/App%20Source.msapp", "Source", "Ann")
    )
    bare = article("bare", published_at=datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), excerpt=None, topics=(), provider=None)
    story = listed(article("story", topics=(), provider=Provider("Elsewhere")), parent_urls=("https://news.example.com/everything",))
    address = f"{SITE.base_url}/topics/computer-vision"
    return feed(
        title="Computer Vision – Example News",
        self_url=f"{address}/feed.{extension}",
        page_url=f"{address}/",
        site=replace(SITE, hub="https://hub.example.org/"),
        has_hub=True,
        articles=(
            listed(everything, "computer-vision", "c-plus-plus"),
            listed(video),
            listed(sample),
            listed(bare),
            story,
        ),
        updated_at=NOON + timedelta(minutes=90),
        options=replace(feed().options, images=ImageOption.BOTH),
        links=FeedLinks(next=f"{address}/2024-05-page-1.{extension}", previous_archive=f"{address}/2024-04.{extension}"),
        picture=Image("https://www.example.org/assets/vision.png", 100, 100),
        parent=Link(f"{SITE.base_url}/topics/ai/", "AI"),
    )


@pytest.mark.parametrize("extension", FORMATS)
def test_document_is_the_golden_one(extension: str) -> None:
    assert FORMATS[extension].render(rich_feed(extension)).decode() == (GOLDEN / f"feed.{extension}").read_text("utf-8")


if __name__ == "__main__":
    for name, known in FORMATS.items():
        (GOLDEN / f"feed.{name}").write_bytes(known.render(rich_feed(name)))

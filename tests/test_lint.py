"""What `feeds check --feeds` finds wrong in a document, told as a reader would see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from feeds.config import Config
from feeds.feed import Finding
from feeds.model import Article, Download, Level
from feeds.render import FORMATS
from feeds.render.lint import lint
from feeds.service import FeedService

from .builders import NOON, SITE, article, feed, image, related, write_article

URL = f"{SITE.base_url}/topics/ai/feed"


def document(extension: str, *articles: Article) -> str:
    return FORMATS[extension].render(feed(*articles, self_url=f"{URL}.{extension}")).decode()


def findings(extension: str, text: str) -> Iterator[tuple[str | None, str | None, str]]:
    for found in lint(text.encode(), extension, f"{URL}.{extension}"):
        assert found.url == f"{URL}.{extension}"
        yield found.entry, found.field, found.reason


@pytest.mark.parametrize("extension", FORMATS)
def test_nothing_is_wrong_with_what_the_renderers_make(extension: str) -> None:
    rich = article(
        content_html='<p><a href="https://x.org/">x</a><a href="mailto:a@x.org">m</a></p>',
        images=(image(),),
        related=(related(),),
        download=Download("https://files.example.com/a.zip"),
        player_url="https://www.youtube.com/embed/x",
    )

    assert list(findings(extension, document(extension, rich, article("b")))) == []


ID = article().id
BREAKAGES = [
    ("rss", r"</channel>", "", None, None, "is not well-formed"),
    ("atom", r"<entry>", "<entry><p>", None, None, "is not well-formed"),
    ("json", r"\{", "[", None, None, "is not well-formed"),
    ("rss", r"<channel>.*</channel>", "", None, None, "is not well-formed: there is no channel"),
    ("json", r'"items":\[.*\]', '"items":7', None, None, "is not well-formed"),
    ("rss", r"<title>AI – Example News</title>", "", None, "title", "is missing or empty"),
    ("atom", r"<title>AI – Example News</title>", "<title> </title>", None, "title", "is missing or empty"),
    ("json", r'"version":"[^"]*",', "", None, "version", "is missing or empty"),
    ("rss", r'rel="self"', 'rel="other"', None, "self", "is not the address of the document"),
    ("atom", r"/feed\.atom", "/feed.atom?x=1", None, "self", "is not the address of the document"),
    ("json", r"/feed\.json", "/feed.rss", None, "self", "is not the address of the document"),
    ("rss", r"<guid.*</guid>", "", "entry 1", "id", "is missing"),
    ("atom", f"<id>{ID}</id>", "<id>no iri</id>", "no iri", "id", "is no absolute IRI"),
    ("rss", r"<item><title>.*?</title>", "<item>", ID, "title", "is missing or empty"),
    ("json", r'"title":"Title of a"', '"title":"A &lt;b&gt;"', ID, "title", "looks like HTML: some readers show it otherwise"),
    ("rss", r"<link>https://news.*?</link>", "<link>/a</link>", ID, "link", "is no absolute http or https URL"),
    ("atom", r'<link rel="alternate"[^>]*/>(?=<link rel="rel)', "", ID, "link", "is no absolute http or https URL"),
    ("json", r'"content_html":".*?","summary"', '"content_html":" ","summary"', ID, "content", "is missing or empty"),
    ("rss", r"&lt;p&gt;Excerpt of a", "&lt;a href='/x'&gt;", ID, "content", "has a relative URL"),
    ("rss", r"<pubDate>.*?</pubDate>", "<pubDate>yesterday</pubDate>", ID, "pubDate", "is no date and time with a zone"),
    ("atom", r"(<updated>2024-05-17T12:00:00)\+00:00(</updated><author><name>Example T)", r"\1\2", ID,
     "updated", "is no date and time with a zone"),
    ("json", r'"date_published":"2024', '"date_published":"1924', ID, "date_published", "is before 1970: some readers show another date"),
    ("rss", r'<enclosure url="[^"]*"', '<enclosure url="x"', ID, "enclosure", "has no absolute http or https URL"),
    ("rss", r'length="0"', "", ID, "enclosure", "has a length that is no number of bytes"),
    ("json", r'"mime_type":"image/jpeg"', '"mime_type":"picture"', ID, "enclosure", "has no media type"),
    ("atom", r'rel="related" href="[^"]*"', 'rel="related" href="x"', ID, "related", "has a link that is no absolute http or https URL"),
]  # fmt: skip


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: f"{breakage[0]} {breakage[4]} {breakage[5]}")
def test_each_fault_is_found(breakage: tuple[str, str, str, str | None, str | None, str]) -> None:
    extension, pattern, instead, entry, field, reason = breakage
    sound = document(extension, article(images=(image(),), related=(related(),)))
    broken, count = re.subn(pattern, instead, sound, flags=re.DOTALL)

    assert count
    assert (entry, field) in {found[:2] for found in findings(extension, broken) if found[2].startswith(reason)}


@pytest.mark.parametrize("extension", FORMATS)
def test_id_that_stands_twice_is_found(extension: str) -> None:
    assert list(findings(extension, document(extension, article(), article()))) == [(ID, "id", "stands twice in this document")]


def test_document_that_readers_refuse_for_its_size_is_found() -> None:
    large = article(content_html=f"<p>{'x' * 2_000_000}</p>")

    assert [found.reason for found in lint(document("rss", large).encode(), "rss", f"{URL}.rss")] == [
        "is larger than 2 MB: some readers refuse it"
    ]


def test_old_date_is_a_warning_only() -> None:
    old = article(published_at=datetime(1969, 7, 20, tzinfo=UTC))

    assert {found.level for found in lint(document("rss", old).encode(), "rss", f"{URL}.rss")} == {Level.WARNING}


def test_check_looks_at_every_document_of_every_feed(service: FeedService, config: Config) -> None:
    folder = config.content_folder()
    for number in range(1, 10):
        write_article(folder, str(number), "x" * 250_000, publishedDateTime=f"2024-05-0{number}", type=None, category=None, provider=None)

    result = service.check(folder, NOON + timedelta(days=31), replace(config, base_url=SITE.base_url).site(""))

    assert result.findings is not None
    assert [(found.url.removeprefix(SITE.base_url), found.reason) for found in result.findings] == [
        (f"{path}{part}.{extension}", "is larger than 2 MB: some readers refuse it")
        for path in ("/", "/topics/ai/")
        for part in ("feed", "2024-05")
        for extension in FORMATS
    ]


def test_fault_of_an_article_is_told_once(service: FeedService, config: Config) -> None:
    folder = config.content_folder()
    write_article(folder, title="Use <b> for bold")

    result = service.check(folder, NOON, replace(config, base_url=SITE.base_url).site(""))

    assert result.findings is not None
    assert [(found.url, found.field) for found in result.findings] == [(f"{SITE.base_url}/feed.rss", "title")]


def test_finding_names_document_entry_field_and_reason() -> None:
    assert list(lint(document("json", article(title="<b>")).encode(), "json", f"{URL}.json")) == [
        Finding(f"{URL}.json", "looks like HTML: some readers show it otherwise", "title", ID, Level.WARNING)
    ]

"""Independent readers agree: what they find in the feeds of every topic, in all formats, is what the article files say.

What the files say is read here a second time, by rules as simple as they can be, and with nothing of the program but slugs.
"""

from __future__ import annotations

import html
import json
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import fastfeedparser
import feedparser
import pytest
import yaml
from lxml import etree

from feeds.config import Config
from feeds.feed import FeedAddress, FeedOptions
from feeds.model import Collection, Kind
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.store.sql import open_store

from .conftest import REPOSITORY
from .corpus import write_corpus

NOW = datetime(2030, 1, 1, tzinfo=UTC)
CONFIG = Config(base_url="https://feeds.example.org", site_url="https://www.example.org")
OPTIONS = FeedOptions(limit=200)
SUFFIXES = (".md", ".markdown", ".html", ".txt")
NAMES = {"atom": "http://www.w3.org/2005/Atom", "media": "http://search.yahoo.com/mrss/"}
RESERVED = ":/?#[]@!$&'()*+,;=%~"  # RFC 3986 section 2.2, "%" and "~"


class Entry(NamedTuple):
    """What every reader shows of an article."""

    id: str
    title: str
    link: str
    published_at: datetime
    topics: tuple[str, ...]  # folded
    images: tuple[str, ...]


@dataclass(frozen=True)
class Site:
    """The feeds of all topics, and what the article files say by identity."""

    topics: tuple[Collection, ...]
    documents: Mapping[tuple[str, str], bytes]  # by slug and extension
    said: Mapping[str, Mapping[str, Any]]
    hidden: frozenset[str]

    def entries(self, slug: str) -> list[Entry]:
        """Return what the files say of the entries of a topic, in the order of the feed."""
        items = json.loads(self.documents[slug, "json"])["items"]
        return [expected(self.said[item["id"]]) for item in items]


# What the files say


def read(folder: Path) -> tuple[dict[str, dict[str, Any]], frozenset[str]]:
    """Return the front matter of every file that is shown, by identity, and the identities that are not."""
    found: dict[str, tuple[tuple[datetime, str], dict[str, Any]]] = {}
    hidden: set[str] = set()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file()):
        text = path.read_text("utf-8")
        if not text.startswith("---\n"):
            continue
        facts = yaml.load(text.split("\n---", 1)[0], yaml.CBaseLoader)  # noqa: S506 - makes nothing but text
        if not facts.get("title") or not ("webUrl" in facts or "originalUrl" in facts):
            continue
        key, rank = identity(facts), (moment(facts), path.relative_to(folder).as_posix())
        if not is_visible(facts) or moment(facts) > NOW:
            hidden.add(key)
        elif key not in found or found[key][0] < rank:
            found[key] = (rank, facts)
    return {key: facts for key, (_, facts) in found.items()}, frozenset(hidden - found.keys())


def is_visible(facts: Mapping[str, Any]) -> bool:
    return facts.get("published") != "false" and not any(facts.get(field) in ("true", "yes") for field in ("draft", "removed", "deleted"))


def moment(facts: Mapping[str, Any]) -> datetime:
    found = datetime.fromisoformat(facts["publishedDateTime"].replace(" ", "T"))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def identity(facts: Mapping[str, Any]) -> str:
    parts = urlsplit(facts.get("originalUrl") or facts["webUrl"])
    query = f"?{parts.query}" if parts.query else ""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"//{parts.netloc.lower()}{parts.path.removesuffix('/')}{query}").urn


def expected(facts: Mapping[str, Any]) -> Entry:
    topics = facts.get("topics") or []
    return Entry(
        identity(facts),
        one_line(facts["title"]),
        link(facts),
        moment(facts),
        tuple(dict.fromkeys(fold(one_line(topic)) for topic in ([topics] if isinstance(topics, str) else topics))),
        tuple(image_url(image["url"]) for image in facts.get("images") or []),
    )


def link(facts: Mapping[str, Any]) -> str:
    return quote(facts.get("webUrl") or facts["originalUrl"], safe=RESERVED)


def image_url(url: str) -> str:
    if url.startswith("//"):
        return f"https:{url}"
    return f"https://www.example.org{url}" if url.startswith("/") else url


def one_line(text: str) -> str:
    return " ".join(html.unescape(html.unescape(text)).split())


def fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


# What readers find


def by_feedparser(data: bytes) -> Iterator[Entry]:
    parsed = feedparser.parse(data, sanitize_html=False, resolve_relative_uris=False)
    assert not parsed.bozo
    for entry in parsed.entries:
        yield Entry(
            entry.id,
            entry.title,
            entry.link,
            datetime(*entry.published_parsed[:6], tzinfo=UTC),
            tuple(fold(tag.label or tag.term) for tag in entry.get("tags", ())),
            tuple(media["url"] for media in entry.get("media_content", ()) if media.get("medium") == "image"),
        )


def by_fastfeedparser(data: bytes) -> Iterator[Entry]:
    for entry in fastfeedparser.parse(data).entries:
        yield Entry(
            entry["id"],
            entry["title"],
            entry["link"],
            datetime.fromisoformat(entry["published"]),
            tuple(fold(tag["label"] or tag["term"]) for tag in entry.get("tags", ())),
            tuple(media["url"] for media in entry.get("media_content", ()) if media.get("medium") == "image"),
        )


def by_json(data: bytes) -> Iterator[Entry]:
    for item in json.loads(data)["items"]:
        attached = item.get("attachments", [])
        yield Entry(
            item["id"],
            item["title"],
            item["url"],
            datetime.fromisoformat(item["date_published"]),
            tuple(map(fold, item.get("tags", ()))),
            tuple(attachment["url"] for attachment in attached if attachment["mime_type"].startswith("image/")),
        )


@pytest.fixture(scope="module")
def seeds() -> Path:
    return REPOSITORY / "seeds"


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with more oddities than a real one."""
    folder = tmp_path_factory.mktemp("made-up")
    write_corpus(folder, 250)
    return folder


@pytest.fixture(scope="module", params=["seeds", "made_up", "corpus"])
def site(request: pytest.FixtureRequest) -> Site:
    folder = request.getfixturevalue(request.param)
    store = open_store("sqlite://")
    service = FeedService(store)
    service.refresh(folder, CONFIG.fingerprint(), NOW)
    topics = service.collections(Kind.TOPIC, NOW)
    documents = {
        (topic.slug, extension): service.document(
            FeedAddress(Kind.TOPIC, topic.slug, options=OPTIONS), extension, CONFIG.site(""), NOW
        ).body
        for topic in topics
        for extension in FORMATS
    }
    store.close()
    return Site(topics, documents, *read(folder))


def test_feeds_of_topics_hold_all_articles_that_the_files_say(site: Site) -> None:
    members: dict[str, set[str]] = {topic.slug: set() for topic in site.topics}
    slugs = {fold(topic.name): topic.slug for topic in site.topics}
    for key, facts in site.said.items():
        for topic in expected(facts).topics:
            members[slugs[topic]].add(key)
    assert {topic.slug: topic.article_count for topic in site.topics} == {slug: len(keys) for slug, keys in members.items()}
    for slug, keys in members.items():
        found = [item["id"] for item in json.loads(site.documents[slug, "json"])["items"]]
        assert len(found) == len(set(found)) == min(len(keys), OPTIONS.limit)
        assert set(found) <= keys


@pytest.mark.parametrize(
    ("reader", "extension"),
    [(by_feedparser, "rss"), (by_feedparser, "atom"), (by_fastfeedparser, "rss"), (by_fastfeedparser, "atom"), (by_json, "json")],
)
def test_reader_finds_in_every_topic_what_the_files_say(site: Site, reader: Callable[[bytes], Iterable[Entry]], extension: str) -> None:
    for topic in site.topics:
        assert list(reader(site.documents[topic.slug, extension])) == site.entries(topic.slug)


@pytest.mark.parametrize(("extension", "entry"), [("rss", "//item"), ("atom", "//atom:entry")])
def test_related_links_and_pictures_of_every_topic_are_those_of_the_files(site: Site, extension: str, entry: str) -> None:
    for topic in site.topics:
        elements = etree.fromstring(site.documents[topic.slug, extension]).xpath(entry, namespaces=NAMES)
        for element, facts in zip(elements, (site.said[said.id] for said in site.entries(topic.slug)), strict=True):
            related = [link(story) for story in facts.get("related") or [] if identity(story) not in site.hidden]
            assert element.xpath("atom:link[@rel='related']/@href", namespaces=NAMES) == list(dict.fromkeys(related))
            assert element.xpath("media:content[@medium='image']/@url", namespaces=NAMES) == list(expected(facts).images)
            assert element.xpath("media:thumbnail/@url", namespaces=NAMES) == list(expected(facts).images)

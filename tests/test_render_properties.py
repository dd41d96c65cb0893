"""Any text and any URL that a document can hold comes out of every format as it went in."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import feedparser
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feeds.model import Article, Provider
from feeds.render import FORMATS
from feeds.text import xml_text

from .builders import article, feed, image, related

ATOM = "{http://www.w3.org/2005/Atom}"
# What XML 1.0 allows but carriage returns, which parsers make line feeds in what is not escaped for them.
XML_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff", min_codepoint=32) | st.sampled_from("\t\n"))
TITLES = XML_TEXT.map(str.strip).filter(bool)
# Without semicolons: feedparser takes what stands between "&" and ";" for an entity, whatever it is.
URLS = st.from_regex(r"https?://[a-z]{1,9}\.example/[A-Za-z0-9._~!$&'()*+,=:@/%-]{0,20}(\?[a-z=&%+]{0,10})?", fullmatch=True)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001

ARTICLES = st.builds(
    article,
    url=URLS,
    title=TITLES,
    excerpt=st.none() | TITLES,
    published_at=MOMENTS,
    topics=st.lists(TITLES, max_size=3, unique=True).map(tuple),
    provider=st.none() | st.builds(Provider, name=TITLES),
    images=st.lists(st.builds(image, url=URLS, title=st.none() | TITLES), max_size=2).map(tuple),
    related=st.lists(st.builds(related, url=URLS, title=TITLES), max_size=2).map(tuple),
)


@given(ARTICLES)
def test_atom_says_what_the_article_says(one: Article) -> None:
    entry = etree.fromstring(FORMATS["atom"].render(feed(one))).find(f"{ATOM}entry")
    links = [(link.get("rel"), link.get("href"), link.get("title")) for link in entry.findall(f"{ATOM}link")]

    assert entry.findtext(f"{ATOM}id") == one.id
    assert entry.findtext(f"{ATOM}title") == one.title
    assert entry.findtext(f"{ATOM}summary") == one.excerpt
    assert datetime.fromisoformat(entry.findtext(f"{ATOM}published")) == one.published_at
    assert [category.get("label") for category in entry.findall(f"{ATOM}category")] == list(one.topics)
    assert links[0] == ("alternate", one.url, None)
    assert [link[1:] for link in links if link[0] == "related"] == [(story.url, story.title) for story in one.related]


@given(ARTICLES)
def test_rss_says_what_the_article_says(one: Article) -> None:
    item = etree.fromstring(FORMATS["rss"].render(feed(one))).find("channel/item")

    assert (item.findtext("guid"), item.findtext("title"), item.findtext("link")) == (one.id, one.title, one.url)
    assert [category.text for category in item.findall("category")] == list(one.topics)
    assert [enclosure.get("url") for enclosure in item.findall("enclosure")] == [picture.url for picture in one.images[:1]]


@given(ARTICLES)
def test_json_says_what_the_article_says(one: Article) -> None:
    item = json.loads(FORMATS["json"].render(feed(one)))["items"][0]

    assert (item["id"], item["url"], item["title"], item.get("summary")) == (one.id, one.url, one.title, one.excerpt)
    assert [story["title"] for story in item.get("_related", {"items": []})["items"]] == [story.title for story in one.related]


@given(st.lists(ARTICLES, max_size=3, unique_by=lambda one: one.id))
def test_feedparser_reads_the_same_ids_and_links_from_both_xml_formats(articles: list[Article]) -> None:
    parsed = [feedparser.parse(FORMATS[extension].render(feed(*articles))) for extension in ("rss", "atom")]

    for document in parsed:
        assert [(entry.id, entry.link) for entry in document.entries] == [(one.id, one.url) for one in articles]


@given(st.text(), st.text(), st.text())
def test_any_text_at_all_gives_well_formed_documents(title: str, excerpt: str, name: str) -> None:
    one = article(
        title=title, excerpt=excerpt, provider=Provider(name), topics=(), related=(related(title=title),), images=(image(title=name),)
    )

    for extension in ("rss", "atom"):
        etree.fromstring(FORMATS[extension].render(feed(one, title=f"Feed {title}", description=f"About {excerpt}")))
    said = json.loads(FORMATS["json"].render(feed(one)))["items"][0]
    assert said["title"] in (xml_text(title), one.url)


@given(ARTICLES)
def test_rendering_twice_gives_the_same_bytes(one: Article) -> None:
    for known in FORMATS.values():
        assert known.render(feed(one)) == known.render(feed(one))

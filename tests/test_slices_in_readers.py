"""What the page of a slice shows is what readers show of its feed: newsboat as a person runs it, and a parser for many slices."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode, urljoin

import feedparser
import pytest
from lxml import html

from . import debian
from .conftest import REPOSITORY
from .processes import Program, free_port, running

Shown = list[tuple[str, str]]  # titles and links


@pytest.fixture(scope="module", params=["seeds", "corpus"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A server of the seeds, and one of a site of some size."""
    folder = REPOSITORY / "seeds" if request.param == "seeds" else request.getfixturevalue("corpus")
    port = free_port()
    command = [sys.executable, "-m", "feeds", "serve", str(folder), "--port", str(port), "--refresh-seconds", "0"]
    with running(command, port, tmp_path_factory.mktemp("site")) as program:
        program.wait_until_ready()
        yield program


def page_of(site: Program, query: str) -> tuple[str, Shown]:
    """Return the address of the feed that the page of a slice offers, and which articles the page shows."""
    answer = site.get(f"/search/?{query}")
    if answer.status == 303:  # to the one form that equal queries have
        answer = site.get(urljoin("/search/", answer.headers["location"]))
    root = html.document_fromstring(answer.text)
    (url,) = root.xpath("//input[@id='feed-url']/@value")
    return url, [(link.text_content(), link.get("href")) for link in root.xpath("//ol[@class='preview']//h3/a")]


def choices(site: Program) -> dict[str, list[str]]:
    """Return what the form offers first of each kind, and a word of the first title."""
    root = html.document_fromstring(site.get("/search/").text)
    found = {
        name: root.xpath(f"//input[@type='checkbox'][@name='{name}']/@value")[:4:2] for name in ("topic", "provider", "type", "category")
    }
    word = max(page_of(site, "")[1][0][0].split(), key=len)
    return found | {"q": ["".join(letter for letter in word if letter.isalnum())]}


def slices(site: Program) -> list[str]:
    """Return queries of all kinds, most of which find something."""
    offered = choices(site)
    topics, word = offered["topic"], offered["q"][0]
    queries: list[list[tuple[str, str]]] = [
        [],
        [("q", word)],
        [("topic", topics[0])],
        [("topic", topic) for topic in topics],
        [("match", "all"), *(("topic", topic) for topic in topics)],
        [("topic", f"-{topics[0]}")],
        [("provider", offered["provider"][0]), ("limit", "200")],
        [("since", "2020-11-01"), ("until", "2020-12-31")],
        [("sort", "quality"), ("min_quality", "1"), ("limit", "10")],
        [("related", "entries"), ("limit", "20")],
    ]
    for kind, images, sort in (("type", "inline", "heat"), ("category", "none", "quality")):
        queries += [[(kind, value), ("images", images), ("sort", sort)] for value in offered[kind]]
    return [urlencode(query) for query in queries]


def test_newsboat_shows_exactly_what_the_page_showed(site: Program, tmp_path: Path) -> None:
    pages = [page_of(site, query) for query in slices(site)[1:10:2]]
    assert any(shown for _, shown in pages)
    for number, (url, shown) in enumerate(pages):
        home = tmp_path / str(number)  # in one cache, newsboat has an article in one feed alone
        home.mkdir()
        (home / "urls").write_text(url)
        command = [debian.program("newsboat"), "-u", "urls", "-c", "cache.db", "-C", "/dev/null", "-x", "reload"]
        subprocess.run(command, cwd=home, env={"HOME": str(home), "PATH": "/usr/bin:/bin"}, check=True, timeout=60)
        with closing(sqlite3.connect(home / "cache.db")) as cache:
            items = cache.execute("SELECT title, url FROM rss_item WHERE feedurl = ? AND deleted = 0", [url]).fetchall()
        assert sorted(items) == sorted(shown), url


def test_feed_in_every_format_has_what_the_page_shows_in_its_order(site: Program) -> None:
    found = 0
    for query in slices(site):
        url, shown = page_of(site, query)
        found += len(shown)
        for extension in ("rss", "atom"):
            parsed = feedparser.parse(site.get(url.removeprefix(site.base_url).replace("feed.rss", f"feed.{extension}")).body)
            assert [(entry.title, entry.link) for entry in parsed.entries] == shown, (query, extension)
    assert found > 10

"""What subscribers keep of a site that changes: nothing twice, nothing missing, nothing hidden, titles as last edited.

A real reader with a database of its own polls a real server over a socket, while a site goes through one state after
another. What it is to keep is worked out here, from the rules of listing alone: no id and no query of ours is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import feedparser
import pytest
from reader import Reader, make_reader
from werkzeug.serving import make_server

from feeds.config import Config
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.web import create_app

from .builders import DAY, NOON, write_article
from .conftest import Clock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOUR = timedelta(hours=1)
WINDOW = 10
# The reader keeps the validators of an answer only where it finds an entry in it that is new to it: not after these states.
NOTHING_NEW = {"article_comes_back", "article_is_taken_down_in_a_broken_file"}
FEEDS = {
    f"{path}.{extension}?limit={WINDOW}": topic for path, topic in (("/feed", None), ("/topics/ai/feed", "AI")) for extension in FORMATS
}


@dataclass(frozen=True)
class Told:
    """What a feed tells of an article."""

    title: str
    url: str
    topics: tuple[str, ...]


@dataclass
class Site:
    """A content folder, and the articles on show in the order in which they first were."""

    folder: Path
    now: datetime = NOON
    shown: dict[str, Told] = field(default_factory=dict)
    _written: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, name: str, file: str | None = None, **changes: Any) -> Told:
        """Write the file of an article, with its front matter changed; return what it says."""
        start = {"title": f"Title of {name}", "webUrl": f"http://news.example.com/{name}", "topics": ["AI"]}
        facts = self._written.setdefault(file or name, start)
        facts |= {"publishedDateTime": self.now.isoformat(), **facts, **changes}
        write_article(self.folder, file or name, **facts)
        return Told(facts["title"], facts["webUrl"], tuple(facts["topics"]))

    def show(self, name: str, file: str | None = None, **changes: Any) -> None:
        """Write a file that is to be seen: a new article comes to the top, another keeps its place."""
        self.shown[name] = self.write(name, file, **changes)

    def hide(self, name: str, **changes: Any) -> None:
        """Write a file that is not to be seen any more."""
        self.write(name, **changes)
        del self.shown[name]

    def break_(self, name: str, text: str) -> None:
        """Write a file that can't be read."""
        (self.folder / f"{name}.md").write_text(f"---\n{text}\ntitle: [\n---\n")

    def window(self, topic: str | None) -> list[Told]:
        """Return what a subscription shows."""
        return [told for told in self.shown.values() if topic is None or topic in told.topics][-WINDOW:]


def articles_are_there(site: Site) -> None:
    for number in range(1, 19):
        topics = ["Robotics"] if number % 3 == 0 else ["AI"]
        site.show(f"n{number:02}", topics=topics, publishedDateTime=(NOON - 19 * HOUR + number * HOUR).isoformat())


def titles_are_edited(site: Site) -> None:
    for name in ("n17", "n12", "n01"):
        site.show(name, title=f"A better title of {name}")


def site_moves_to_https(site: Site) -> None:
    for name in site.shown:
        site.show(name, webUrl=f"https://news.example.com/{name}")


def topics_change(site: Site) -> None:
    site.show("n17", topics=["Robotics"])
    site.show("n15", topics=["AI", "Robotics"], title="About AI too")


def articles_are_deleted(site: Site) -> None:
    for name in ("n16", "n02"):
        (site.folder / f"{name}.md").unlink()
        del site.shown[name]


def article_is_taken_down_with_a_typo(site: Site) -> None:
    site.hide("n18", published="flase")


def article_comes_back(site: Site) -> None:
    site.show("n18", published=True)


def article_is_taken_down_in_a_broken_file(site: Site) -> None:
    site.break_("n14", "removed: true")
    del site.shown["n14"]


def articles_arrive_late(site: Site) -> None:
    site.show("late", publishedDateTime=(NOON - 9 * DAY).isoformat())
    site.show("very-late", publishedDateTime=(NOON - 90 * DAY).isoformat())


def article_is_scheduled(site: Site) -> None:
    site.write("ahead", publishedDateTime=(site.now + 1.5 * HOUR).isoformat())


def scheduled_article_comes_due(site: Site) -> None:
    site.show("ahead")


def files_repeat_articles(site: Site) -> None:
    site.write("n13", "another-n13", title="The same, but earlier", publishedDateTime=(NOON - 9 * DAY).isoformat())
    site.show("n11", "another-n11", title="The same, but later")


def repeating_file_is_deleted(site: Site) -> None:
    (site.folder / "another-n11.md").unlink()
    site.show("n11")


def file_is_renamed(site: Site) -> None:
    (site.folder / "n15.md").rename(site.folder / "renamed.md")


def file_becomes_broken(site: Site) -> None:
    site.break_("n17", "")


def file_is_mended(site: Site) -> None:
    site.show("n17", title="Mended")


def window_fills_at_once(site: Site) -> None:
    for number in range(WINDOW):
        site.show(f"burst-{number}")


def month_begins(site: Site) -> None:
    site.now += 30 * DAY


STATES: tuple[Callable[[Site], None], ...] = (
    articles_are_there,
    titles_are_edited,
    site_moves_to_https,
    topics_change,
    articles_are_deleted,
    article_is_taken_down_with_a_typo,
    article_comes_back,
    article_is_taken_down_in_a_broken_file,
    articles_arrive_late,
    article_is_scheduled,
    scheduled_article_comes_due,
    files_repeat_articles,
    repeating_file_is_deleted,
    file_is_renamed,
    file_becomes_broken,
    file_is_mended,
    window_fills_at_once,
    month_begins,
)


@dataclass(frozen=True)
class Server:
    """Where the feeds are, and the status of every answer since they are."""

    url: str
    statuses: list[str]


@pytest.fixture
def site(content: Path) -> Site:
    return Site(content)


@pytest.fixture
def server(config: Config, clock: Clock) -> Iterator[Server]:
    app, statuses = create_app(config, clock, check_seconds=0), list[str]()

    def counted(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            statuses.append(status)
            return start_response(status, headers, *error)

        return app(environ, start)

    listening = make_server("127.0.0.1", 0, counted)
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Server(f"http://127.0.0.1:{listening.port}", statuses)
    listening.shutdown()
    thread.join()


@pytest.fixture
def replay(site: Site, service: FeedService, config: Config, clock: Clock) -> Callable[[], Iterator[str]]:
    """Take the site from state to state; after each an hour goes by, in which nobody looks through the folder."""

    def states() -> Iterator[str]:
        for change in STATES:
            change(site)
            clock.moment = site.now
            service.refresh(site.folder, config.fingerprint(), clock())
            site.now += HOUR
            clock.moment = site.now
            yield change.__name__

    return states


@pytest.fixture
def subscribe(server: Server, request: pytest.FixtureRequest) -> Callable[..., Reader]:
    """Open a reader with an empty database that is subscribed to paths of the server."""

    def opened(*paths: str) -> Reader:
        reader = make_reader(":memory:")
        request.addfinalizer(reader.close)
        for path in paths:
            reader.add_feed(server.url + path)
        return reader

    return opened


def kept(reader: Reader, feed_url: str) -> list[tuple[str | None, str | None]]:
    """Return the title and link of everything that a reader has of a feed, as often as it has it."""
    return sorted((entry.title, entry.link) for entry in reader.get_entries(feed=feed_url))


def said(articles: list[Told]) -> list[tuple[str, str]]:
    return sorted((told.title, told.url) for told in articles)


def test_reader_keeps_every_article_that_was_ever_in_its_feed_once_and_as_last_told(
    site: Site, server: Server, replay: Callable[[], Iterator[str]], subscribe: Callable[..., Reader]
) -> None:
    reader = subscribe(*FEEDS)
    arrived: dict[str, dict[str, Told]] = {path: {} for path in FEEDS}
    for state in replay():
        reader.update_feeds(scheduled=False)
        names = {told: name for name, told in site.shown.items()}
        for path, topic in FEEDS.items():
            arrived[path] |= {names[told]: told for told in site.window(topic)}
            assert kept(reader, server.url + path) == said(list(arrived[path].values())), (state, path)


def test_new_reader_gets_the_latest_shown_articles_and_nothing_hidden(
    site: Site, server: Server, replay: Callable[[], Iterator[str]], subscribe: Callable[..., Reader]
) -> None:
    for state in replay():
        reader = subscribe(*FEEDS)
        reader.update_feeds(scheduled=False)
        for path, topic in FEEDS.items():
            assert kept(reader, server.url + path) == said(site.window(topic)), (state, path)


def test_poll_is_not_modified_where_nothing_changed(
    server: Server, replay: Callable[[], Iterator[str]], subscribe: Callable[..., Reader]
) -> None:
    reader = subscribe(*FEEDS)
    quiet = []
    for state in replay():
        server.statuses.clear()
        reader.update_feeds(scheduled=False)
        if set(server.statuses) == {"304 NOT MODIFIED"}:
            quiet.append(state)
        server.statuses.clear()
        reader.update_feeds(scheduled=False)
        assert server.statuses == ["304 NOT MODIFIED"] * len(FEEDS) or state in NOTHING_NEW, state
    assert quiet == ["article_is_scheduled", "file_is_renamed", "file_becomes_broken", "month_begins"]


@pytest.fixture
def months_later(site: Site, service: FeedService, config: Config, clock: Clock) -> Site:
    """A site four months on, where much about AI came this month and all about robotics before, some of it late."""
    for fortnight in range(9):
        count, topics = (20, ["AI", "Robotics"]) if fortnight < 8 else (130, ["AI"])
        for number in range(count):
            site.show(f"new-{fortnight}-{number}", topics=topics)
        site.show(f"late-{fortnight}", publishedDateTime=(site.now - 45 * DAY).isoformat(), topics=topics)
        clock.moment = site.now
        service.refresh(site.folder, config.fingerprint(), clock())
        site.now += 15 * DAY
    return site


def read(extension: str, url: str) -> tuple[set[str], str | None]:
    """Return the titles in a document, and where a reader that walks back goes next."""
    with urlopen(url) as response:
        body = response.read()
    if extension == "json":
        document = json.loads(body)
        return {item["title"] for item in document["items"]}, document.get("next_url")
    parsed = feedparser.parse(body)
    links = {link.rel: link.href for link in parsed.feed.links}
    return {entry.title for entry in parsed.entries}, links.get("next", links.get("prev-archive"))


def walk(extension: str, url: str) -> Iterator[set[str]]:
    """Yield the titles in each document of a feed, from the subscription back to the oldest archive."""
    older: str | None = url
    while older is not None:
        titles, older = read(extension, older)
        yield titles


@pytest.mark.parametrize("topic", ["AI", "Robotics"])
def test_subscriber_who_comes_back_after_months_finds_everything_by_walking_back(topic: str, months_later: Site, server: Server) -> None:
    expected = {told.title for told in months_later.shown.values() if topic in told.topics}
    walks = {extension: walk(extension, f"{server.url}/topics/{topic.lower()}/feed.{extension}") for extension in FORMATS}
    assert {extension: set().union(*documents) for extension, documents in walks.items()} == dict.fromkeys(FORMATS, expected)


def test_walk_misses_nothing_while_articles_go_on_arriving(
    months_later: Site, server: Server, service: FeedService, config: Config, clock: Clock
) -> None:
    expected, found = {told.title for told in months_later.shown.values()}, set()
    for step, titles in enumerate(walk("atom", f"{server.url}/topics/ai/feed.atom")):
        found |= titles
        for number in range(7):
            months_later.show(f"meanwhile-{step}-{number}")
        service.refresh(months_later.folder, config.fingerprint(), clock())
    assert expected - found == set()

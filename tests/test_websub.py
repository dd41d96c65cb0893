"""The hub is told of exactly the feeds that changed, by real programs over real sockets, and a dead one delays nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import http.server
import json
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from msgspec.structs import replace

from feeds.config import Config
from feeds.feed import FeedAddress, Site
from feeds.metering import Meter
from feeds.model import Kind, TopicFacts
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.watching import Refresher, watch_in_background
from feeds.websub import Announcer, Exported, Told, announce, holder, self_urls, tell

from .builders import NOON, SITE, good, refresh, write_article
from .conftest import REPOSITORY
from .processes import Program, free_port, running, wait_for
from .test_cli import Run, run

__all__ = ["run"]
SECOND = timedelta(seconds=1)
EXTENSIONS = ("rss", "atom", "json")


@pytest.fixture(scope="module")
def hub_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    port = free_port()
    with running(
        [sys.executable, "-m", "tests.hub", str(port)], port, tmp_path_factory.mktemp("hub"), {"PYTHONPATH": str(REPOSITORY)}
    ) as program:
        wait_for(lambda: program.get("/published").status == 200)
        yield program


class Hub:
    """The hub as a test sees it: what was published since the test began."""

    def __init__(self, program: Program) -> None:
        self.url = f"{program.base_url}/"
        self._program = program
        self._start = len(self._published())
        self.fail()

    def _published(self) -> list[str]:
        return list(json.loads(self._program.get("/published").body))

    @property
    def published(self) -> list[str]:
        return self._published()[self._start :]

    def fail(self, *statuses: int) -> None:
        """Answer the next publications with these."""
        data = urlencode({"statuses": json.dumps(statuses)}).encode()
        urllib.request.urlopen(f"{self.url}fail", data).close()


@pytest.fixture
def hub(hub_program: Program) -> Hub:
    return Hub(hub_program)


@pytest.fixture
def site(hub: Hub) -> Site:
    return replace(SITE, hub=hub.url)


class Pauses(list[float]):
    """Notes how long was waited, and waits no moment."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def urls(*paths: str, base_url: str = SITE.base_url) -> set[str]:
    return {f"{base_url}{path}feed.{extension}" for path in paths for extension in EXTENSIONS}


EVERYTHING = ("/", "/topics/ai/", "/categories/news/", "/types/article/", "/providers/example.com/")


def test_hub_is_told_of_every_feed_in_every_format_at_first_and_of_nothing_twice(store: Store, site: Site, hub: Hub) -> None:
    refresh(store, NOON, good())
    service = FeedService(store)
    assert set(announce(service, site, NOON).accepted) == urls(*EVERYTHING)
    assert (set(hub.published), len(hub.published)) == (urls(*EVERYTHING), 15)
    assert announce(service, site, NOON) == Told()
    assert len(hub.published) == 15


def test_hub_is_told_of_exactly_what_changed(store: Store, site: Site, hub: Hub) -> None:
    refresh(store, NOON, good("a"), good("b", topics=("Law",), category="x", type="video", provider=None))
    service = FeedService(store)
    announce(service, site, NOON)
    before = len(hub.published)
    refresh(store, NOON + SECOND, good("b", topics=("Law",), category="x", type="video", provider=None, title="Edited"))
    announce(service, site, NOON + SECOND)
    assert set(hub.published[before:]) == urls("/", "/topics/law/", "/categories/x/", "/types/video/")


def test_hub_is_told_of_an_article_that_appears_by_its_date(store: Store, site: Site, hub: Hub) -> None:
    refresh(store, NOON, good("a"), good("b", topics=("Law",), category=None, type=None, provider=None, published_at=NOON + SECOND))
    service = FeedService(store)
    announce(service, site, NOON)
    before = len(hub.published)
    announce(service, site, NOON + SECOND)
    assert set(hub.published[before:]) == urls("/", "/topics/law/")


def test_feed_that_is_gone_is_remembered_no_more(store: Store, site: Site) -> None:
    service = FeedService(store)
    for topics in ([("law.yaml", TopicFacts("law", "Law"), ())], []):
        refresh(store, NOON, good(), topics=topics)
        announce(service, site, NOON)

    mark = service.mark(holder(site), NOON)
    assert mark is not None
    assert (Kind.TOPIC, "law") not in mark.modified_at


def test_urls_are_those_that_feeds_call_themselves(store: Store, service: FeedService) -> None:
    refresh(store, NOON, good(topics=("C++",)))
    for kind, slug in service.modification_times(NOON):
        for url, extension in zip(self_urls(SITE, FeedAddress(kind, slug)), EXTENSIONS, strict=True):
            assert url.encode() in service.document(FeedAddress(kind, slug), extension, SITE, NOON).body


def test_hub_that_fails_for_a_moment_is_told_again(site: Site, hub: Hub) -> None:
    hub.fail(503, 429)
    pauses = Pauses()
    assert tell(site, ["https://feeds.example.org/feed.rss"], pauses).accepted == ("https://feeds.example.org/feed.rss",)
    assert hub.published == ["https://feeds.example.org/feed.rss"]
    assert pauses == [1.0, 4.0]


@pytest.mark.parametrize("status", [400, 404, 301])
def test_hub_that_refuses_is_not_asked_again_and_the_log_says_why(
    store: Store, site: Site, hub: Hub, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    refresh(store, NOON, good(topics=(), category=None, type=None, provider=None))
    hub.fail(status)
    told = announce(FeedService(store), site, NOON)
    assert (told.refused, told.accepted) == (("https://feeds.example.org/feed.rss",), tuple(sorted(urls("/"))[i] for i in (0, 1)))
    assert caplog.messages[0].startswith(f"hub {hub.url} refuses to hear of https://feeds.example.org/feed.rss: {status} ")
    assert caplog.messages[0].endswith(": not\\x1b now")
    assert announce(FeedService(store), site, NOON) == Told()


def test_hub_that_is_away_is_told_all_of_it_later(store: Store, site: Site, hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    refresh(store, NOON, good())
    service, pauses = FeedService(store), Pauses()
    hub.fail(*[500] * 3)
    told = announce(service, site, NOON, pauses)
    assert (told.accepted, set(told.failed)) == ((), urls(*EVERYTHING))
    assert "can't be told of 15 feeds, which is tried again: 500 Internal Server Error" in caplog.text
    assert (pauses, hub.published) == ([1.0, 4.0], [])
    assert set(announce(service, site, NOON, pauses).accepted) == urls(*EVERYTHING)


def test_what_a_hub_heard_before_it_went_away_is_not_told_again(store: Store, site: Site, hub: Hub) -> None:
    refresh(store, NOON, good())
    service = FeedService(store)
    hub.fail(202, 202, 202, 202, 500, 500, 500)
    first = announce(service, site, NOON, Pauses())
    assert (len(first.accepted), len(first.failed)) == (4, 11)
    second = announce(service, site, NOON, Pauses())
    assert set(second.accepted) == urls(*EVERYTHING) - set(first.accepted[:3])  # a feed is told again in all its formats


@pytest.mark.parametrize("answers", [True, False])
def test_hub_that_is_no_hub_is_away(answers: bool, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if answers:

            def talk() -> None:
                for _ in range(3):
                    connection, _address = listener.accept()
                    connection.recv(4096)
                    connection.sendall(b"SSH-2.0-nothing\r\n")
                    connection.close()

            threading.Thread(target=talk, daemon=True).start()
        else:
            listener.close()
        told = tell(replace(SITE, hub=f"http://127.0.0.1:{port}/"), ["https://feeds.example.org/feed.rss"], Pauses())
    assert told.failed == ("https://feeds.example.org/feed.rss",)
    assert "can't be told of 1 feeds" in caplog.text


def test_hub_is_told_of_nothing_twice_by_who_comes_after_one_that_was_killed(store: Store, site: Site, hub: Hub) -> None:
    refresh(store, NOON, *(good(str(number), topics=(f"T{number}",)) for number in range(70)))
    service = FeedService(store)

    def gone(_: float) -> None:
        raise KeyboardInterrupt

    hub.fail(*[202] * 205, 500)
    with pytest.raises(KeyboardInterrupt):
        announce(service, site, NOON, gone)
    assert len(announce(service, site, NOON).accepted) == len(urls(*EVERYTHING)) + 69 * 3 - 198  # whole feeds of the first 200 URLs


def test_announcer_tells_when_woken_and_again_by_itself_after_a_failure_and_counts(
    store: Store, site: Site, hub: Hub, service: FeedService, tmp_path: Path
) -> None:
    refresh(store, NOON, good(topics=(), category=None, type=None, provider=None))
    hub.fail(*[500] * 3)
    meter = Meter(tmp_path / "counts")
    announcer = Announcer(service, site, lambda: NOON, meter, pause=Pauses(), first_wait_seconds=0.01)
    announcer.start()
    announcer.wake()
    wait_for(lambda: set(hub.published) == urls("/"))
    wait_for(lambda: meter.total().pings == {"failed": 1, "accepted": 3})


def test_refreshes_of_a_server_without_feeds_serve_tell_the_hub(config: Config, content: Path, service: FeedService, hub: Hub) -> None:
    write_article(content, "a")
    watched = dataclasses.replace(config, hub=hub.url, base_url=SITE.base_url, refresh_seconds=1)
    is_over = threading.Event()

    def clock() -> datetime:
        if is_over.is_set():
            threading.Event().wait()  # for ever: nobody tells the thread to end before its process does
        return NOON

    try:
        watch_in_background(service, watched, clock, Meter(config.counts_folder))
        wait_for(lambda: set(hub.published) == urls(*EVERYTHING))
        write_article(content, "b", topics=["Law"])
        changed = urls("/topics/law/", *(path for path in EVERYTHING if path != "/topics/ai/"))
        wait_for(lambda: set(hub.published[len(urls(*EVERYTHING)) :]) == changed)
    finally:
        is_over.set()


def test_hub_that_can_not_be_told_is_said_once(
    config: Config, content: Path, service: FeedService, caplog: pytest.LogCaptureFixture
) -> None:
    write_article(content, "a")
    Refresher(service, dataclasses.replace(config, hub="https://hub.example.org/"), lambda: NOON, Meter(config.counts_folder)).refresh()
    assert caplog.messages.count("the hub https://hub.example.org/ can't be told of changes while base_url is not set") == 1


class Subscriber(http.server.BaseHTTPRequestHandler):
    """Confirms a subscription and keeps what it is sent."""

    received: list[tuple[bytes, dict[str, str]]]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(parse_qs(urlsplit(self.path).query)["hub.challenge"][0].encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((body, dict(self.headers)))
        self.send_response(200)
        self.end_headers()


def test_subscriber_gets_an_article_from_serve_through_the_hub(hub: Hub, content: Path, tmp_path: Path) -> None:
    write_article(content, "a")
    handler = type("Keeping", (Subscriber,), {"received": []})
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "feeds", "serve", str(content), "--port", str(port), "--base-url", base_url, "--hub", hub.url]
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as subscriber,
        running(command, port, tmp_path) as server,
    ):
        threading.Thread(target=subscriber.serve_forever, daemon=True).start()
        server.wait_until_ready()
        topic = f"{base_url}/topics/ai/feed.atom"
        feed = server.get("/topics/ai/feed.atom")
        assert feed.headers["link"] == f'<{topic}>; rel="self", <{hub.url}>; rel="hub"'
        wait_for(lambda: topic in hub.published)
        callback = f"http://127.0.0.1:{subscriber.server_port}/callback"
        asked = {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": callback, "hub.secret": "secret"}
        urllib.request.urlopen(hub.url, urlencode(asked).encode()).close()
        write_article(content, "b", title="Delivered")
        wait_for(lambda: any(b"Delivered" in body for body, _ in handler.received))
        body, headers = handler.received[-1]
        assert headers["X-Hub-Signature"] == f"sha256={hmac.new(b'secret', body, hashlib.sha256).hexdigest()}"
        assert headers["Content-Type"] == "application/atom+xml; charset=utf-8"
        subscriber.shutdown()


def test_dead_hub_delays_no_refresh(content: Path, tmp_path: Path) -> None:
    write_article(content, "a")
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never says a word
        hub_url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        command = [sys.executable, "-m", "feeds", "serve", str(content), "--port", str(port)]
        options = ["--base-url", f"http://127.0.0.1:{port}", "--hub", hub_url]
        with running([*command, *options], port, tmp_path) as server:
            server.wait_until_ready()
            connection, _ = silent.accept()
            with connection:
                write_article(content, "b", title="Not delayed")
                wait_for(lambda: "Not delayed" in server.get("/feed.rss").text)


def test_index_tells_the_hub(run: Run, content: Path, hub: Hub) -> None:
    write_article(content, "a")
    options = ("--hub", hub.url, "--base-url", SITE.base_url)
    assert run("index", str(content), *options).exit_code == 0
    assert set(hub.published) == urls(*EVERYTHING)


def test_ping_tells_what_the_hub_does_not_know(run: Run, content: Path, hub: Hub) -> None:
    write_article(content, "a")
    options = ("--hub", hub.url, "--base-url", SITE.base_url)
    run("index", str(content))
    result = run("ping", str(content), *options)
    assert (result.stdout, result.exit_code) == ("15 feeds told, 0 refused, 0 still to be told\n", 0)
    assert run("ping", str(content), *options).stdout == "0 feeds told, 0 refused, 0 still to be told\n"
    write_article(content, "a", title="Edited")
    run("index", str(content))
    hub.fail(404)
    result = run("ping", str(content), *options)
    assert (result.stdout, result.exit_code) == ("14 feeds told, 1 refused, 0 still to be told\n", 1)


@pytest.mark.parametrize("options", [(), ("--hub", "https://hub.example.org/"), ("--base-url", "https://feeds.example.org")])
def test_ping_needs_a_hub_and_an_address(run: Run, content: Path, options: tuple[str, ...]) -> None:
    result = run("ping", str(content), *options)
    assert result.stderr == "feeds: hub, base_url: have to be set: who is to be told, and of which feeds\n"
    assert result.exit_code == 1


def test_build_pings_the_feeds_whose_files_it_wrote(run: Run, content: Path, hub: Hub, tmp_path: Path) -> None:
    write_article(content, "a", publishedDateTime="2024-01-01T00:00:00Z")
    options = ("--content", str(content), "--hub", hub.url, "--base-url", "https://user.example.org/repo", "--ping")
    assert run("build", str(tmp_path / "out"), *options).exit_code == 0
    told = len(hub.published)
    assert set(hub.published) == urls(*EVERYTHING, base_url="https://user.example.org/repo")
    write_article(content, "b", topics=["Law"], category=None, type=None, provider=None)
    run("build", str(tmp_path / "out"), *options)
    assert set(hub.published[told:]) == urls("/", "/topics/law/", base_url="https://user.example.org/repo")
    hub.fail(404)
    write_article(content, "a", title="Edited")
    assert run("build", str(tmp_path / "out"), *options).exit_code == 1


def test_build_tells_a_hub_that_was_away_by_and_by(run: Run, content: Path, hub: Hub, tmp_path: Path) -> None:
    write_article(content, "a")
    options = ("--content", str(content), "--hub", hub.url, "--base-url", "https://user.example.org/repo")
    hub.fail(*[500] * 3)
    assert run("build", str(tmp_path / "out"), *options, "--ping").exit_code == 1
    assert hub.published == []
    assert run("build", str(tmp_path / "out"), *options, "--ping").exit_code == 0
    assert (set(hub.published), len(hub.published)) == (urls(*EVERYTHING, base_url="https://user.example.org/repo"), 15)
    assert run("ping", str(content), *options[2:]).stdout == "0 feeds told, 0 refused, 0 still to be told\n"


def test_build_tells_of_what_it_exports_alone(run: Run, content: Path, hub: Hub, tmp_path: Path) -> None:
    write_article(content, "a")
    options = ("--content", str(content), "--hub", hub.url, "--base-url", SITE.base_url, "--ping", "--only", "topics", "--formats", "atom")
    run("build", str(tmp_path / "out"), *options)
    write_article(content, "b")
    run("build", str(tmp_path / "out"), *options)
    assert hub.published == [f"{SITE.base_url}/topics/ai/feed.atom"] * 2


def test_build_with_an_index_made_anew_tells_of_what_it_wrote_alone(run: Run, content: Path, hub: Hub, tmp_path: Path) -> None:
    write_article(content, "a")
    options = ("--content", str(content), "--hub", hub.url, "--base-url", SITE.base_url, "--ping")
    run("build", str(tmp_path / "out"), *options)
    told = len(hub.published)
    write_article(content, "b", topics=["Law"], category=None, type=None, provider=None)
    run("build", str(tmp_path / "out"), *options, "--database", f"sqlite:///{tmp_path / 'anew.sqlite3'}")
    assert set(hub.published[told:]) == urls("/", "/topics/law/")


def test_feed_whose_file_is_new_is_told_again_until_the_hub_takes_it(store: Store, site: Site, hub: Hub) -> None:
    refresh(store, NOON, good())
    service = FeedService(store)
    announce(service, site, NOON)
    told = len(hub.published)
    written = f"{site.base_url}/topics/ai/feed.rss"
    hub.fail(*[500] * 3)
    announce(service, site, NOON, Pauses(), Exported((Kind.TOPIC,), ("rss",), frozenset([written])))
    assert announce(service, site, NOON, Pauses(), Exported((Kind.TOPIC,), ("rss",), frozenset())).accepted == (written,)
    assert announce(service, site, NOON) == Told()
    assert hub.published[told:] == [written]

"""Answers kept ready: made once, given while they are right, in bounded memory."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from feeds.config import Config
from feeds.errors import NotReadyError, StoreError
from feeds.feed import Document
from feeds.model import Kind
from feeds.service import FeedService
from feeds.store.sql import open_store
from feeds.web import create_app
from feeds.web.answers import Answer
from feeds.web.hotcache import HotCache, Subject

from .builders import DAY, write_article
from .conftest import Clock

AI = Subject("https://feeds.example.org/topics/ai/feed.rss", Kind.TOPIC, "ai")
LAW = Subject("https://feeds.example.org/topics/law/feed.rss", Kind.TOPIC, "law")
EVERYTHING = Subject("https://feeds.example.org/", Kind.ALL, "", is_wide=True)


class Site:
    """An indexed folder with an article on AI and one on law, and a cache before it."""

    def __init__(self, service: FeedService, config: Config, clock: Clock) -> None:
        self.service, self.config, self.clock = service, config, clock
        self.made: list[str] = []
        write_article(config.content_folder(), "ai", topics=["AI"])
        write_article(config.content_folder(), "law", topics=["Law"])
        self.refresh()
        self.cache = HotCache(service, clock, check_seconds=0)

    def refresh(self) -> None:
        self.service.refresh(self.config.content_folder(), self.config.fingerprint(), self.clock())

    def maker(self, subject: Subject, size: int = 10) -> Callable[[], Answer]:
        def make() -> Answer:
            self.made.append(subject.slug)
            modified_at = self.service.modified_at(subject.kind, subject.slug, self.clock())
            return Answer(Document(b"x" * size, "text/plain", modified_at), 300)

        return make

    def ask(self, subject: Subject, size: int = 10) -> Answer:
        return self.cache.answer(subject, self.maker(subject, size), (subject.key,))


@pytest.fixture
def site(service: FeedService, config: Config, clock: Clock) -> Site:
    return Site(service, config, clock)


def test_answer_is_made_once(site: Site) -> None:
    assert site.ask(AI) is site.ask(AI)
    assert site.made == ["ai"]


def test_answer_is_ready_for_every_spelling_that_led_to_it(site: Site) -> None:
    answer = site.ask(AI)
    site.cache.answer(AI, site.maker(AI), ("other spelling",))

    assert site.cache.ready((AI.key,)) is site.cache.ready(("other spelling",)) is answer
    assert site.cache.ready(("never asked",)) is None


def test_change_of_its_collection_ends_an_answer_and_no_other(site: Site) -> None:
    about_ai, about_law = site.ask(AI), site.ask(LAW)
    site.clock.moment += DAY / 24
    write_article(site.config.content_folder(), "law", topics=["Law"], title="Edited")
    site.refresh()

    assert site.cache.ready((AI.key,)) is about_ai
    assert site.cache.ready((LAW.key,)) is None
    assert site.ask(LAW) is not about_law


def test_answer_about_many_collections_ends_with_any_change(site: Site) -> None:
    site.ask(EVERYTHING)
    write_article(site.config.content_folder(), "law", topics=["Law"], title="Edited")
    site.refresh()

    assert site.cache.ready((EVERYTHING.key,)) is None


def test_new_month_ends_answers_because_archives_move(site: Site) -> None:
    site.ask(AI)
    site.clock.moment += 31 * DAY
    site.refresh()

    assert site.cache.ready((AI.key,)) is None


def test_article_that_appears_by_itself_ends_the_answer(site: Site) -> None:
    write_article(site.config.content_folder(), "soon", publishedDateTime="2024-05-17T13:00:00Z")
    site.refresh()
    site.ask(AI)
    site.clock.moment += DAY / 24

    assert site.cache.ready((AI.key,)) is None


def test_many_who_ask_at_once_wait_for_one_answer(site: Site) -> None:
    barrier, answers = threading.Barrier(8), list[Answer]()

    def ask() -> None:
        barrier.wait()
        answers.append(site.ask(AI))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(answer) for answer in answers}) == 1
    assert site.made == ["ai"]


def test_failed_answer_is_tried_anew(site: Site) -> None:
    def fail() -> Answer:
        raise StoreError("away")

    with pytest.raises(StoreError):
        site.cache.answer(AI, fail, (AI.key,))

    assert site.ask(AI).body == b"x" * 10


def edit(site: Site) -> None:
    """Change the article on law, an hour later."""
    site.clock.moment += DAY / 24
    write_article(site.config.content_folder(), "law", topics=["Law"], title=f"Edited {site.clock.moment}")
    site.refresh()


def test_answer_that_was_right_long_ago_is_given_to_nobody(site: Site) -> None:
    site.ask(LAW)
    site.cache = HotCache(site.service, site.clock, check_seconds=0, grace_seconds=0)
    site.ask(LAW)
    edit(site)

    assert site.cache.ready((LAW.key,)) is None
    assert site.cache.last((LAW.key,)) is None


def test_answer_that_was_right_two_states_ago_is_still_at_hand_when_asked_for(site: Site) -> None:
    last = site.ask(LAW)
    for _ in range(2):
        edit(site)
        site.cache.state()

    assert site.cache.ready((LAW.key,)) is None
    assert site.cache.last((LAW.key,)) is last


def test_what_is_known_lasts_until_the_next_article_is_due(site: Site) -> None:
    write_article(site.config.content_folder(), "due", publishedDateTime=f"{site.clock() + timedelta(seconds=5):%Y-%m-%dT%H:%M:%SZ}")
    site.refresh()
    cache = HotCache(site.service, site.clock, check_seconds=3600)
    cache.state()

    assert cache.moment.until <= time.monotonic() + 5


def test_answer_that_has_no_next_one_is_forgotten(site: Site) -> None:
    last = site.ask(LAW)
    edit(site)
    site.cache.ready((LAW.key,))
    site.cache.forget((LAW.key,), last)

    assert site.cache.last((LAW.key,)) is None


def test_answer_that_was_renewed_meanwhile_is_not_forgotten(site: Site) -> None:
    last = site.ask(LAW)
    edit(site)
    renewed = site.ask(LAW)
    site.cache.forget((LAW.key,), last)

    assert site.cache.ready((LAW.key,)) is renewed


def test_endless_urls_are_not_remembered(site: Site) -> None:
    spelling = (AI.key, "utm_source=" + "x" * 1000)
    site.cache.answer(AI, site.maker(AI), spelling)

    assert site.cache.ready(spelling) is None


def test_memory_is_bounded_and_what_is_asked_for_stays(service: FeedService, config: Config, clock: Clock) -> None:
    site = Site(service, config, clock)
    site.cache = HotCache(service, clock, check_seconds=0, max_bytes=50_000)
    subjects = [Subject(f"https://feeds.example.org/{number}", Kind.ALL, "") for number in range(20)]
    for subject in subjects:
        site.ask(subject, size=500)
        site.cache.ready((subjects[0].key,))

    kept = [subject for subject in subjects if site.cache.ready((subject.key,))]
    assert subjects[0] in kept
    assert subjects[-1] in kept
    assert len(kept) <= 10


def test_codings_that_are_made_later_count_as_well(service: FeedService, config: Config, clock: Clock) -> None:
    site = Site(service, config, clock)
    site.cache = HotCache(service, clock, check_seconds=0, max_bytes=150_000)
    for subject in (AI, LAW):
        site.ask(subject, size=100_000).prepare("gzip", clock(), None)
        site.cache.weigh((subject.key,))
    assert all(site.cache.ready((subject.key,)) for subject in (AI, LAW))
    for subject in (AI, LAW):
        for coding in ("identity", "br"):
            site.ask(subject, size=100_000).prepare(coding, clock(), None)
        site.cache.weigh((subject.key,))
    assert [site.cache.last((subject.key,)) is None for subject in (AI, LAW)] == [True, False]


def test_weight_of_an_answer_that_is_gone_counts_for_nothing(service: FeedService, config: Config, clock: Clock) -> None:
    site = Site(service, config, clock)
    site.cache = HotCache(service, clock, check_seconds=0, max_bytes=6000)
    answer = site.ask(AI)
    site.ask(LAW)
    answer.prepare("", clock(), None)
    site.cache.weigh((AI.key,))
    assert site.cache.ready((AI.key,)) is None
    assert site.cache.ready((LAW.key,)) is not None


def test_what_goes_counts_as_much_as_when_it_came(service: FeedService, config: Config, clock: Clock) -> None:
    site = Site(service, config, clock)
    site.cache = HotCache(service, clock, check_seconds=0, max_bytes=60_000)
    subjects = [Subject(f"https://feeds.example.org/{number}", Kind.ALL, "") for number in range(20)]
    for subject in subjects:
        site.ask(subject, size=10_000).prepare("gzip", clock(), None)  # smaller now, and not weighed

    assert sum(site.cache.ready((subject.key,)) is not None for subject in subjects) == 4


def test_answer_that_is_too_large_is_not_kept(service: FeedService, config: Config, clock: Clock) -> None:
    site = Site(service, config, clock)
    site.cache = HotCache(service, clock, check_seconds=0, max_bytes=5000)
    assert len(site.ask(AI, size=5000).body) == 5000
    assert site.cache.ready((AI.key,)) is None


def test_last_good_answers_are_given_while_the_index_is_away(site: Site, tmp_path: Path) -> None:
    answer = site.ask(AI)
    for file in tmp_path.glob("index.sqlite3*"):
        file.write_bytes(b"no database any more" * 1000)

    assert site.cache.ready((AI.key,)) is answer
    with pytest.raises(StoreError):
        site.ask(LAW)


def test_last_good_answers_are_given_while_the_index_is_made_anew_which_is_told_once(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answer = site.ask(AI)
    for file in tmp_path.glob("index.sqlite3*"):
        file.unlink()
    open_store(site.config.database_url).close()

    with caplog.at_level(logging.INFO, "feeds"):
        assert site.cache.ready((AI.key,)) is site.cache.ready((AI.key,)) is answer
        site.refresh()
        assert site.cache.ready((AI.key,)) is answer
    told = "the index is empty still: the folder was not read yet"
    assert caplog.messages == [f"the index is away, the last good answers go on being given: {told}", "the index is here again"]


def test_nothing_is_given_before_the_first_refresh(service: FeedService, clock: Clock) -> None:
    with pytest.raises(NotReadyError):
        HotCache(service, clock, check_seconds=0).state()


def test_index_is_asked_for_its_state_only_now_and_then(site: Site) -> None:
    cache = HotCache(site.service, site.clock, check_seconds=3600)
    before = cache.state()
    write_article(site.config.content_folder(), "law", topics=["Law"], title="Edited")
    site.refresh()

    assert cache.state() is before


@pytest.fixture
def app(site: Site) -> Flask:
    return create_app(site.config, site.clock, check_seconds=0)


@pytest.fixture
def asleep(app: Flask) -> FlaskClient:
    """A client of an application that was asked for some URLs, and whose framework fails on every request that wakes it since."""
    falls_asleep = threading.Event()

    @app.before_request
    def wake() -> None:
        assert not falls_asleep.is_set(), "the framework woke"

    client = app.test_client()
    for url in ("/topics/ai/feed.rss", "/topics/ai/feed.rss?limit=10&images=none", "/"):
        assert client.get(url).status_code == 200
    falls_asleep.set()
    return client


def test_new_url_wakes_the_framework(asleep: FlaskClient) -> None:
    assert asleep.get("/topics/law/feed.rss").status_code == 500


@pytest.mark.parametrize("url", ["/topics/ai/feed.rss", "/topics/ai/feed.rss?limit=10&images=none", "/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ready_answers_are_given_before_the_framework_wakes(asleep: FlaskClient, url: str, method: str) -> None:
    assert asleep.open(url, method=method).status_code == 200


def test_polls_that_find_nothing_new_are_answered_before_the_framework_wakes(asleep: FlaskClient) -> None:
    tag = asleep.get("/topics/ai/feed.rss").headers["ETag"]

    assert asleep.get("/topics/ai/feed.rss", headers={"If-None-Match": tag}).status_code == 304


def test_early_answer_and_the_frameworks_are_the_same(app: Flask) -> None:
    client = app.test_client()
    first, second = client.get("/topics/ai/feed.rss"), client.get("/topics/ai/feed.rss")

    assert (first.data, sorted(first.headers)) == (second.data, sorted(second.headers))


def test_request_through_a_foreign_proxy_gets_no_local_answer(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/feed.rss").status_code == 200

    assert client.get("/feed.rss", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 400


def test_serving_goes_on_while_the_index_is_away(app: Flask, tmp_path: Path) -> None:
    client = app.test_client()
    assert client.get("/feed.rss").status_code == 200
    for file in tmp_path.glob("index.sqlite3*"):
        file.write_bytes(b"no database any more" * 1000)

    assert client.get("/feed.rss").status_code == 200
    assert client.get("/feed.atom").status_code == 503


def test_index_can_be_read_again_after_a_lock(site: Site, tmp_path: Path) -> None:
    answer = site.ask(AI)
    other = sqlite3.connect(tmp_path / "index.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert site.cache.ready((AI.key,)) is answer
    other.close()


def test_two_workers_agree(site: Site) -> None:
    def etags() -> set[str]:
        client = create_app(site.config, site.clock, check_seconds=0).test_client()
        return {client.get(url).headers["ETag"] for url in ("/feed.rss", "/topics/ai/feed.atom", "/")}

    assert etags() == etags()


def test_cache_of_another_store_object_sees_the_change(site: Site) -> None:
    store = open_store(site.config.database_url)
    cache = HotCache(FeedService(store), site.clock, check_seconds=0)
    before = cache.state()
    write_article(site.config.content_folder(), "law", topics=["Law"], title="Edited")
    site.refresh()

    assert cache.state().revision == before.revision + 1
    store.close()

"""How many requests wake the framework at once: a few run, some wait, the others are sent away, and ready answers always go through."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from feeds.config import Config
from feeds.feed import Document
from feeds.metering import Meter
from feeds.model import Kind
from feeds.service import FeedService
from feeds.web.admission import Gate, admitted
from feeds.web.answers import Answer
from feeds.web.counting import StartResponse
from feeds.web.early import answer_early
from feeds.web.hotcache import HotCache, Subject

from .builders import DAY, write_article
from .conftest import Clock


def spell(environ: dict[str, Any]) -> tuple[str, ...]:
    return (environ["PATH_INFO"],)


class Server:
    """A cache, a gate without patience, and an application behind it that waits until it may go on."""

    def __init__(self, service: FeedService, config: Config, clock: Clock, patience_seconds: float = 0.01) -> None:
        self.service, self.config, self.clock = service, config, clock
        self.may_go_on, self.started = threading.Event(), threading.Semaphore(0)
        self.status = "200 OK"
        self.change()
        self.cache = HotCache(service, clock, check_seconds=0)
        behind = admitted(self.cache, self.application, clock, spell, patience_seconds)
        application = answer_early(self.cache, behind, clock, spell, Meter(config.counts_folder))
        self.client = Client(application)

    def change(self) -> None:
        self.clock.moment += DAY / 24
        write_article(self.config.content_folder(), "a", title=f"{self.clock.moment}")
        self.service.refresh(self.config.content_folder(), self.config.fingerprint(), self.clock())

    def application(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        self.started.release()
        self.may_go_on.wait()
        if self.status == "200 OK":
            made = Answer(Document(f"of {self.clock.moment}".encode(), "text/plain", self.clock.moment), 300)
            spelled = spell(environ)
            reply = self.cache.answer(Subject(spelled[0], Kind.ALL, ""), lambda: made, spelled).reply(environ, self.clock(), None)
            start_response(reply.status, reply.headers)
            return [reply.body]
        start_response(self.status, [])
        return [b""]

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    @contextmanager
    def held_by(self, *paths: str) -> Iterator[None]:
        """Have requests wait inside."""
        self.may_go_on.clear()
        threads = [threading.Thread(target=self.get, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        for _ in paths:
            self.started.acquire()
        try:
            yield
        finally:
            self.may_go_on.set()
            for thread in threads:
                thread.join()


@pytest.fixture
def server(service: FeedService, config: Config, clock: Clock) -> Server:
    made = Server(service, config, clock)
    made.may_go_on.set()
    assert made.get("/known").status_code == 200
    made.started.acquire()
    return made


def test_no_more_than_two_are_inside_and_the_others_are_refused_with_a_word_when_to_come_again(server: Server) -> None:
    with server.held_by("/1", "/2"):
        refused = server.get("/3")
        assert (refused.status_code, refused.headers["Retry-After"], refused.headers["Cache-Control"]) == (503, "5", "no-store")
        assert refused.text == "too much is asked for at once; try again in a moment\n"
        assert server.client.head("/3").data == b""
    assert server.get("/3").status_code == 200


def test_ready_answers_and_the_paths_of_operators_go_through_whatever_else_is_asked_for(server: Server) -> None:
    with server.held_by("/1", "/2"):
        known = server.get("/known")
        assert known.status_code == 200
        assert server.client.get("/known", headers={"If-None-Match": known.headers["ETag"]}).status_code == 304
        asked = threading.Thread(target=server.get, args=("/readyz",))
        asked.start()
        server.started.acquire()  # it is inside
    asked.join()


def test_answer_is_renewed_whatever_else_is_asked_for(server: Server) -> None:
    last = server.get("/known").text
    with server.held_by("/1", "/2"):
        server.change()
        renewal = threading.Thread(target=server.get, args=("/known",))
        renewal.start()
        server.started.acquire()  # it is inside
    renewal.join()
    assert server.get("/known").text != last


def test_last_answer_is_given_where_it_cannot_be_renewed_now(server: Server) -> None:
    assert server.get("/other").status_code == 200
    server.started.acquire()
    last = server.get("/known")
    server.change()
    with server.held_by("/other"):
        given = server.get("/known")
        assert (given.status_code, given.text, given.headers["ETag"]) == (200, last.text, last.headers["ETag"])
        assert server.client.head("/known").data == b""


def test_answer_whose_renewal_says_that_there_is_none_is_forgotten(server: Server) -> None:
    server.change()
    server.status = "404 NOT FOUND"
    assert [server.get("/known").status_code for _ in range(3)] == [404, 404, 404]


def test_last_answer_is_given_where_its_renewal_failed(server: Server) -> None:
    last = server.get("/known").text
    server.change()
    server.status = "503 SERVICE UNAVAILABLE"
    assert [server.get("/known").text for _ in range(3)] == [last] * 3
    server.status = "200 OK"
    assert server.get("/known").text != last


def test_last_answer_is_given_to_others_while_one_request_renews_it(server: Server) -> None:
    last = server.get("/known").text
    server.change()
    with server.held_by("/known"):
        assert server.get("/known").text == last
    assert server.get("/known").text != last


def test_however_many_ask_for_a_cold_answer_it_is_made_once_for_all_of_them(service: FeedService, config: Config, clock: Clock) -> None:
    server = Server(service, config, clock, patience_seconds=30)
    with ThreadPoolExecutor(30) as threads:
        with server.held_by("/cold"):
            asked = [threads.submit(server.get, "/cold") for _ in range(30)]
        answers = [each.result() for each in asked]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, f"of {clock.moment}")}
    assert not server.started.acquire(blocking=False)


def test_only_so_many_wait_and_each_gets_its_turn() -> None:
    gate, entered = Gate(1, 2, patience_seconds=30), Queue[bool]()
    assert gate.enter()

    def pass_through() -> None:
        is_in = gate.enter()
        entered.put(is_in)
        if is_in:
            gate.leave()

    threads = [threading.Thread(target=pass_through) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert entered.get() is False  # one too many; the others wait
    gate.leave()
    for thread in threads:
        thread.join()

    assert [entered.get(), entered.get()] == [True, True]


def test_who_waited_in_vain_leaves_the_place_to_others() -> None:
    gate = Gate(1, 1, patience_seconds=0)
    assert gate.enter()
    assert [gate.enter(), gate.enter()] == [False, False]
    gate.leave()
    assert gate.enter()

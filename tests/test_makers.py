"""Workers of granian that divide their work: nothing that takes its time holds up what is ready. Real workers, real sockets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection

import pytest

from .processes import Program, free_port, running, wait_for

_SERVER = """
import sys
from collections import defaultdict
from threading import Event

from granian import Granian

from feeds.makers import divide_the_work
from feeds.server import THREADS
from feeds.web.later import CAN_WAIT, Later

may_go_on = defaultdict(Event)


def application(environ, start_response):
    def say():
        start_response("200 OK", [("X-Asked", environ["REQUEST_METHOD"] + environ["PATH_INFO"] + "?" + environ["QUERY_STRING"])])
        return [b"said"]

    def wait():
        may_go_on[environ["QUERY_STRING"][:1]].wait()
        return say()

    def fail():
        start_response("200 OK", [])
        raise ValueError("secret")

    if environ["PATH_INFO"] == "/go-on":
        may_go_on[environ["QUERY_STRING"]].set()
    assert environ[CAN_WAIT]
    return {"/slow": lambda: Later(wait), "/late": lambda: Later(say), "/wrong": lambda: Later(fail)}.get(environ["PATH_INFO"], say)()


divide_the_work()
server = Granian("x", port=int(sys.argv[1]), interface="wsgi", workers=1, blocking_threads=THREADS, log_level="warning")
server.serve(target_loader=lambda: application, wrap_loader=False)
"""
_MANY = 40  # requests, more than there are threads


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    port = free_port()
    with running([sys.executable, "-c", _SERVER, str(port)], port, tmp_path_factory.mktemp("makers")) as program:
        wait_for(lambda: program.get("/").status)
        yield program


def test_ready_answers_overtake_any_number_of_others(server: Program) -> None:
    with ExitStack() as stack:
        slow = [HTTPConnection("127.0.0.1", server.port, timeout=30) for _ in range(_MANY)]
        for number, connection in enumerate(slow):
            stack.callback(connection.close)
            connection.request("GET", f"/slow?a{number}")
        assert [server.get("/").body for _ in range(_MANY)] == [b"said"] * _MANY
        assert server.get("/go-on?a").status == 200
        answers = [connection.getresponse() for connection in slow]
        assert [(answer.status, answer.headers["X-Asked"], answer.read()) for answer in answers] == [
            (200, f"GET/slow?a{number}", b"said") for number in range(_MANY)
        ]


def test_what_is_made_holds_up_nothing_else_that_is(server: Program) -> None:
    slow = HTTPConnection("127.0.0.1", server.port, timeout=30)
    slow.request("GET", "/slow?c")
    assert server.get("/late").body == b"said"
    server.get("/go-on?c")
    assert slow.getresponse().read() == b"said"
    slow.close()


def test_bug_that_nobody_caught_is_a_500_without_a_word_and_logged(server: Program) -> None:
    answer = server.get("/wrong")
    assert (answer.status, answer.body) == (500, b"")
    wait_for(lambda: "ValueError: secret" in server.output())
    assert server.get("/").status == 200


def test_who_went_away_is_missed_by_nobody(server: Program) -> None:
    before = server.output()
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/slow?b")
    connection.close()
    server.get("/go-on?b")
    assert server.get("/slow?b").body == b"said"
    assert server.output() == before

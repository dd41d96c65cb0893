"""Floods against `feeds serve` with two workers, over real sockets: whatever is asked for, polls of a ready feed are answered."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse

import pytest

from .corpus import write_corpus
from .processes import UNMEASURED, Program, free_port, running, wait_for

WORKERS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("floods")
    write_corpus(folder / "content", 400)
    port = free_port()
    command = [sys.executable, "-m", "feeds", "serve", "content", "--port", str(port), "--workers", str(WORKERS)]
    with running(command, port, folder, UNMEASURED) as program:
        program.wait_until_ready()
        yield program


def connect(server: Program) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def ask(connection: socket.socket, path: str) -> None:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())


def answer(connection: socket.socket) -> HTTPResponse:
    response = HTTPResponse(connection)
    response.begin()
    response.read()
    return response


def test_polls_overtake_a_flood_of_different_slices(server: Program) -> None:
    url = "/topics/ai/feed.rss"
    tags = {server.get(url).headers["etag"] for _ in range(10 * WORKERS)}  # each worker has it ready
    assert len(tags) == 1
    with ExitStack() as stack:
        flood = [stack.enter_context(connect(server)) for _ in range(60)]
        for number, connection in enumerate(flood):
            ask(connection, f"/search/feed.rss?limit=200&related=entries&images=both&min_quality={-number}")
        polls = [server.get(url, {"If-None-Match": tags.copy().pop()}).status for _ in range(10 * WORKERS)]
        answered, _, _ = select.select(flood, [], [], 0)
        given = [answer(connection) for connection in flood]

    assert set(polls) == {304}
    assert len(answered) < len(flood)  # the polls did not wait for them
    assert {response.status for response in given} == {200, 503}
    assert {response.headers["Retry-After"] for response in given if response.status == 503} == {"5"}


def test_silent_connections_keep_nobody_out(server: Program) -> None:
    with ExitStack() as stack:
        for number in range(150 * WORKERS):
            connection = stack.enter_context(connect(server))
            if number % 2:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert [server.get("/feed.rss").status for _ in range(5 * WORKERS)] == [200] * 5 * WORKERS


def test_who_says_nothing_is_hung_up_on(server: Program) -> None:
    with connect(server) as silent, connect(server) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert silent.recv(1) == b""
        assert slow.recv(1000) in (b"", b"HTTP/1.1 408 Request Timeout\r\n")


def test_who_takes_nothing_is_hung_up_on(server: Program) -> None:
    with socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        greedy.connect(("127.0.0.1", server.port))
        greedy.sendall(b"GET /feed.rss?limit=200&images=both HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)  # more than the kernel keeps

        def is_over() -> bool:
            try:
                greedy.send(b"\r\n")
            except ConnectionError:
                return True
            return False

        wait_for(is_over)


def test_endless_requests_are_refused(server: Program) -> None:
    for request in (b"GET /?" + b"x" * 64 * 1024 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X-Bomb: " + b"x" * 64 * 1024):
        with connect(server) as connection:
            connection.sendall(request)
            assert answer(connection).status in (414, 431)

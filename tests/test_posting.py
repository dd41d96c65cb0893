"""A form is posted over real sockets, and who does not answer in time has not answered."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import BadStatusLine

import pytest

from feeds.posting import post

FORM = {"hub.mode": "publish", "hub.url": "https://feeds.example.org/feed.rss?a=ü&b"}


@contextmanager
def answering(*parts: bytes, seconds: float = 0.0) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request with these parts, so many seconds between them; give the URL and what was asked."""
    is_over, asked = threading.Event(), list[bytes]()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):
            while not asked or asked[-1][-1:] != b"b":
                asked.append(connection.recv(65536))
            for part in itertools.cycle(parts) if seconds else parts:
                connection.sendall(part)
                if is_over.wait(seconds):
                    break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hub", asked
        is_over.set()
        thread.join()


def test_answer_is_its_status_and_why() -> None:
    with answering(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok") as (url, asked):
        assert post(url, FORM) == (202, "202 Accepted")
    head, _, body = b"".join(asked).partition(b"\r\n\r\n")
    assert body == b"hub.mode=publish&hub.url=https%3A%2F%2Ffeeds.example.org%2Ffeed.rss%3Fa%3D%C3%BC%26b"
    assert head.startswith(b"POST /hub HTTP/1.1\r\n")
    assert b"\r\nUser-Agent: feeds\r\n" in head


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (b"HTTP/1.1 404 Nowhere\r\n\r\n no such\xff feed ", 404, "404 Nowhere: no such\ufffd feed"),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, "302 Found"),
        (b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 1000, 500, f"500 No: {'x' * 200}"),
    ],
)
def test_other_answer_has_the_start_of_its_text(answer: bytes, status: int, reason: str) -> None:
    with answering(answer) as (url, _):
        assert post(url, FORM) == (status, reason)


def test_answer_that_is_no_http_is_an_error() -> None:
    with answering(b"SSH-2.0-nothing\r\n") as (url, _), pytest.raises(BadStatusLine):
        post(url, FORM)


@pytest.mark.parametrize("part", [b"H", b"HTTP/1.1 202 Accepted\r\n", b"HTTP/1.1 404 Nowhere\r\n\r\nx"])
def test_answer_that_comes_bit_by_bit_is_given_up_in_time(part: bytes) -> None:
    with answering(part, seconds=0.1) as (url, _), pytest.raises(TimeoutError, match="timed out"):
        post(url, FORM, timeout_seconds=0.3)

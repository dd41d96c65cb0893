"""What a process of `feeds serve` does for itself, as far as it needs no server; the rest is in `test_shutdown` and `test_floods`."""

from __future__ import annotations

import socket

import pytest

from feeds.worker import hang_up_on_who_takes_nothing


def test_client_that_takes_nothing_is_hung_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        hang_up_on_who_takes_nothing(300)
        client.connect(server.getsockname())
        connection, _ = server.accept()
        with connection, pytest.raises(TimeoutError):
            connection.sendall(bytes(64 * 1024 * 1024))

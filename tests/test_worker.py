"""What a process of `feeds serve` does for itself, as far as it needs no server; the rest is in `test_shutdown` and `test_floods`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from feeds.config import Config
from feeds.worker import hang_up_on_who_takes_nothing


def test_client_that_takes_nothing_is_hung_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        hang_up_on_who_takes_nothing(300)
        client.connect(server.getsockname())
        connection, _ = server.accept()
        with connection, pytest.raises(TimeoutError):
            connection.sendall(bytes(64 * 1024 * 1024))


_WORKER = """
import ctypes, os, sys
from feeds.config import Config
from feeds.worker import application
application(Config(database=sys.argv[1]), os.getppid())
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
print(dict(os.environ), getenv(b"PGPASSWORD"))
"""

_BEGINNER = """
import os, signal, sys, time
from feeds.config import Config
from feeds.worker import application
signal.signal(signal.SIGTERM, print)  # as what measures a process has one
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
application(Config(database=sys.argv[1]), os.getppid())
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""


def test_worker_that_does_not_serve_yet_ends_at_once_whoever_else_handles_the_signal(config: Config) -> None:
    result = subprocess.run([sys.executable, "-c", _BEGINNER, config.database_url], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")


def test_requests_carry_nothing_of_the_environment_but_libpq_finds_its_own(config: Config) -> None:
    command = [sys.executable, "-c", _WORKER, config.database_url]
    result = subprocess.run(command, env={**os.environ, "PGPASSWORD": "secret"}, capture_output=True, text=True, check=True)
    assert result.stdout == "{} b'secret'\n"

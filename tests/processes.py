"""Programs as real processes: how a test starts one on a free port, waits for it, asks it over HTTP and ends it.

Nothing here waits for a fixed time: what is waited for is looked for again and again until it is there or time is up.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TypeVar

# What has programs run without coverage being measured, which takes half of their time: for those whose code other tests run as well.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}
_PATIENCE_SECONDS = 30
_PAUSE_SECONDS = 0.02
_Value = TypeVar("_Value")


def wait_for(look: Callable[[], _Value]) -> _Value:
    """Return the first true value that `look` gives; it may raise OSError while nobody listens yet."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            found = look()
        except OSError:
            if time.monotonic() > deadline:
                raise
        else:
            if found:
                return found
            assert time.monotonic() < deadline, f"waited {_PATIENCE_SECONDS} seconds in vain"
        time.sleep(_PAUSE_SECONDS)


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Answer:
    """What a server answered; names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Program:
    """A running program with its own process group, whose output goes to a file."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask over a connection of its own, so that any of several workers may answer."""
        assert self.process.poll() is None, self.output()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        """Wait until the index has been read and served by somebody."""
        wait_for(lambda: self.get("/readyz").status == 200)

    def output(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal to the program alone; return its exit code when it has ended."""
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE_SECONDS)

    def press_ctrl_c(self) -> int:
        """Do what a terminal does: interrupt the whole process group; return the program's exit code when it has ended."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(_PATIENCE_SECONDS)

    def has_processes(self) -> bool:
        """Whether any process of the program is left, itself or a child."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


@contextmanager
def running(command: Sequence[str], port: int, directory: Path, environ: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Start a program in a directory, with its caches and its log there and no `FEEDS_` variables but those given; end it in any case."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FEEDS_")}
    variables = inherited | {"XDG_CACHE_HOME": str(directory / "cache")} | dict(environ or {})
    log = directory / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=directory, env=variables, stdout=output, stderr=subprocess.STDOUT, start_new_session=True) as process,
    ):
        program = Program(process, port, log)
        try:
            yield program
        finally:
            if program.has_processes():
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    wait_for(lambda: process.poll() is not None and not program.has_processes())
                finally:
                    if program.has_processes():
                        os.killpg(process.pid, signal.SIGKILL)

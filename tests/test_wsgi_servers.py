"""`wsgi.py` behind the servers that people run: several workers, one index, the same answers."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .builders import write_article
from .conftest import REPOSITORY
from .processes import Program, free_port, running, wait_for

SERVERS = {
    "gunicorn": ["--workers", "2", "--bind", "127.0.0.1:{port}", "wsgi:app"],
    "granian": ["--interface", "wsgi", "--workers", "2", "--host", "127.0.0.1", "--port", "{port}", "wsgi:app"],
}
POLLS = 30


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    """A server with two workers for a copy of the seeds."""
    shutil.copytree(REPOSITORY / "seeds", tmp_path / "content")
    port = free_port()
    command = [sys.executable, "-m", request.param, *(argument.format(port=port) for argument in SERVERS[request.param])]
    environ = {"PYTHONPATH": str(REPOSITORY), "FEEDS_CONTENT": "content", "FEEDS_REFRESH_SECONDS": "1"}
    with running(command, port, tmp_path, environ) as program:
        program.wait_until_ready()
        yield program


def test_workers_answer_the_same_follow_the_folder_and_end(server: Program, tmp_path: Path) -> None:
    before = {server.get("/topics/computer-vision/feed.rss").headers["etag"] for _ in range(POLLS)}
    assert len(before) == 1
    write_article(tmp_path / "content", "new", topics=["Computer Vision"])

    def after() -> set[str]:
        return {server.get("/topics/computer-vision/feed.rss").headers["etag"] for _ in range(POLLS)}

    wait_for(lambda: before.isdisjoint(after()))
    assert len(after()) == 1
    assert server.stop(signal.SIGTERM) == 0
    wait_for(lambda: not server.has_processes())

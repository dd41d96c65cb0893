"""`feeds serve` is told to end in the middle of its work: what was asked for is answered, nothing else is begun, nobody stays.

A lock on a table holds requests and refreshes where they are, for as long as a test wants.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import feedparser
import psycopg
import pytest

from feeds.clock import now
from feeds.model import State
from feeds.service import FeedService
from feeds.store.sql import open_store

from .builders import write_article
from .postgres import Postgres
from .processes import Program, free_port, running, wait_for


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@contextmanager
def serving(content: Path, database: str, tmp_path: Path, *more: str) -> Iterator[Program]:
    port = free_port()
    options = ["--port", str(port), "--workers", "2", "--database", database, *more]
    with running([sys.executable, "-m", "feeds", "serve", str(content), *options], port, tmp_path) as program:
        program.wait_until_ready()
        yield program


@contextmanager
def held(database: str) -> Iterator[Callable[[int], None]]:
    """Hold all who ask for articles; what this gives waits until so many are held."""
    with psycopg.connect(database) as holder, psycopg.connect(database, autocommit=True) as looker:
        holder.execute("LOCK TABLE articles IN ACCESS EXCLUSIVE MODE")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

        def wait(count: int) -> None:
            wait_for(lambda: looker.execute(waiting).fetchall() == [(count,)])

        yield wait


def refuses_connections(program: Program) -> bool:
    try:
        program.get("/healthz")
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("end", [Program.stop, Program.press_ctrl_c])
def test_requests_that_run_are_answered_whole_and_new_ones_refused(
    end: Callable[[Program], int], content: Path, database: str, tmp_path: Path
) -> None:
    for number in range(30):
        write_article(content, f"{number}")
    # Nobody refreshes: who waits for the lock is one of the requests.
    with serving(content, database, tmp_path, "--refresh-seconds", "0") as program, ThreadPoolExecutor() as threads:
        with held(database) as wait:
            asked = [threads.submit(program.get, f"/feed.{extension}") for extension in ("rss", "atom")]
            wait(2)
            ended = threads.submit(end, program)
            wait_for(lambda: refuses_connections(program))
            assert not ended.done()
        answers = [each.result() for each in asked]
        assert ended.result() == 0
        wait_for(lambda: not program.has_processes())
    assert [(answer.status, len(feedparser.parse(answer.body).entries)) for answer in answers] == [(200, 30)] * 2
    assert program.output().endswith("\nStop with Ctrl+C.\n")  # nobody was killed


def test_worker_hears_of_its_end_in_its_first_moment(content: Path, database: str, tmp_path: Path) -> None:
    write_article(content, "a")
    feeds = [sys.executable, "-m", "feeds"]
    subprocess.run([*feeds, "index", str(content), "--database", database], check=True, capture_output=True)
    port = free_port()
    command = [*feeds, "serve", "--port", str(port), "--database", database]  # without a folder, and processes that read it
    with running(command, port, tmp_path) as program:
        children = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children")
        while not (workers := children.read_text().split()):
            assert program.process.poll() is None
        os.kill(int(workers[0]), signal.SIGTERM)
        wait_for(lambda: workers[0] not in children.read_text().split())
        program.wait_until_ready()  # thanks to another one
        assert program.stop() == 0


def test_refresh_that_runs_ends_with_the_server_and_the_next_one_does_it(content: Path, database: str, tmp_path: Path) -> None:
    write_article(content, "early")
    with serving(content, database, tmp_path) as program:
        with held(database) as wait:
            write_article(content, "late")
            wait(1)
            assert program.stop() == 0
        wait_for(lambda: not program.has_processes())
        assert "Traceback" not in program.output()
    with closing(open_store(database)) as store:
        assert FeedService(store).refresh(content, None, now()).counts[State.SHOWN] == 2

"""`feeds serve` and what it is measured beside, as real processes: all under granian with the same settings, but nginx."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import msgspec

from feeds.config import Config
from feeds.server import CONNECTIONS, THREADS
from tests.processes import Answer, Program, free_port, running, wait_for

WORKERS = 2
_REPOSITORY = Path(__file__).parents[2]
_RIVALS = Path(__file__).parent / "rivals"


def feeds_command(config: Config, port: int) -> list[str]:
    """Return how `feeds serve` is started for an index that is there."""
    options = {"database": config.database_url, "base-url": config.base_url, "title": config.title, "port": port, "workers": WORKERS}
    return [str(Path(sys.executable).parent / "feeds"), "serve", *(f"--{name}={value}" for name, value in options.items())]


def rival_command(name: str, port: int) -> list[str]:
    """Return how another application is started with the same settings of the server."""
    settings = f"--interface wsgi --workers {WORKERS} --blocking-threads {THREADS} --backpressure {CONNECTIONS} --no-ws --http 1"
    application = f"tests.benchmarks.rivals.{name}:app"
    return [str(Path(sys.executable).parent / "granian"), *settings.split(), "--log-level", "warning", "--port", str(port), application]


def rival_environ(**variables: str) -> dict[str, str]:
    """Return the variables that a rival's process needs besides."""
    return {"PYTHONPATH": str(_REPOSITORY), **variables}


@contextmanager
def feeds(config: Config, folder: Path) -> Iterator[Program]:
    """Run `feeds serve` in a new folder until it is let go."""
    folder.mkdir()
    port = free_port()
    with running(feeds_command(config, port), port, folder) as program:
        program.wait_until_ready()
        yield program


@contextmanager
def bare(answer: Answer, folder: Path) -> Iterator[Program]:
    """Run a WSGI callable that gives an answer again, to the byte."""
    headers = [(name, value) for name, value in answer.headers.items() if name not in ("date", "server")]  # granian says these
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    folder.mkdir()
    (folder / "answer").write_bytes(msgspec.json.encode({"status": status, "headers": headers, "body": answer.body}))
    with _rival("bare", folder, BENCHMARK_ANSWER=str(folder / "answer")) as program:
        yield program


@contextmanager
def hello(folder: Path) -> Iterator[Program]:
    """Run Flask's hello world."""
    folder.mkdir()
    with _rival("hello", folder) as program:
        yield program


@contextmanager
def django(entries: bytes, folder: Path) -> Iterator[Program]:
    """Run Django's syndication framework with the entries of a JSON Feed."""
    folder.mkdir()
    (folder / "entries.json").write_bytes(entries)
    with _rival("syndication", folder, BENCHMARK_ENTRIES=str(folder / "entries.json")) as program:
        yield program


@contextmanager
def _rival(name: str, folder: Path, **variables: str) -> Iterator[Program]:
    port = free_port()
    with running(rival_command(name, port), port, folder, rival_environ(**variables)) as program:
        wait_for(lambda: program.get("/").status)
        yield program


@contextmanager
def nginx(documents: Mapping[str, bytes], folder: Path) -> Iterator[Program]:
    """Run nginx with files, each by its name, and their gzip forms."""
    port, root = free_port(), folder / "root"
    root.mkdir(parents=True)
    for directory in (folder.parent, folder, root):
        directory.chmod(0o755)  # its workers are another user
    for name, body in documents.items():
        (root / name).write_bytes(body)
        (root / f"{name}.gz").write_bytes(gzip.compress(body, 6))
    settings = (_RIVALS / "nginx.conf").read_text().replace("FOLDER", str(folder)).replace("PORT", str(port))
    (folder / "nginx.conf").write_text(settings)
    with running(["nginx", "-c", str(folder / "nginx.conf")], port, folder) as program:
        wait_for(lambda: program.get("/").status)
        yield program

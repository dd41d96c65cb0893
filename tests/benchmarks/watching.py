"""How soon `feeds serve` serves what was saved, and what it makes of a `git pull`.

    python -m tests.benchmarks.watching --sizes 1000 100000 --saves 40 --pull 10000

A save is a file written whole under its name; its time ends with the first answer over HTTP that has it. Nothing is found by the
look through the whole folder, which would come after a day.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from tests.builders import write_article
from tests.corpus import write_corpus
from tests.processes import Program, free_port, running

_PAUSE_SECONDS = 0.002
_PATIENCE_SECONDS = 120
_INDEXING_SECONDS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000], help="numbers of article files in the folder")
    parser.add_argument("--saves", type=int, default=40)
    parser.add_argument("--pull", type=int, default=10_000, help="number of new files in one pull")
    parser.add_argument("--keep", type=Path, help="folder for the made-up sites, to be used again")
    given = parser.parse_args()
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            content = (given.keep or Path(scratch)) / f"content-{size}"
            if not content.is_dir():
                write_corpus(content, size)
            with _serving(content, Path(scratch)) as server:
                taken = [_save(server, content, f"Saved {number}") for number in range(given.saves)]
            (content / "saved.md").unlink()
        said = f"median {median(taken):.3f} s, worst {max(taken):.3f} s"
        print(f"{given.saves} saves among {size} files: seen after {said}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        print(_pulled(Path(scratch), given.pull))


def _save(server: Program, content: Path, title: str) -> float:
    connection = HTTPConnection("127.0.0.1", server.port)

    def feed() -> bytes:
        connection.request("GET", "/topics/saving/feed.rss")
        return connection.getresponse().read()

    started = time.perf_counter()
    write_article(content, "saved", title=title, topics=["Saving"])
    wanted = f"<title>{title}</title>".encode()
    _until(lambda: wanted in feed())
    connection.close()
    return time.perf_counter() - started


def _pulled(scratch: Path, count: int) -> str:
    """Return what becomes of a pull of so many new files into a folder that is served."""
    content, author = scratch / "content", scratch / "author"
    _git(scratch, "init", "--bare", "--quiet", "--initial-branch=main", "origin.git")
    _git(scratch, "clone", "--quiet", "origin.git", "author")
    write_corpus(author, 10)
    _commit(author)
    _git(scratch, "clone", "--quiet", "origin.git", "content")
    write_corpus(author, count, seed=2)
    _commit(author)
    with _serving(content, scratch) as server:
        refreshes, files = _metric(server, "feeds_refreshes_total"), _metric(server, "feeds_articles")
        started = time.perf_counter()
        _git(content, "pull", "--quiet")
        pulled = time.perf_counter() - started
        _until(lambda: _metric(server, "feeds_articles") == files + count)
        seen = time.perf_counter() - started
        _until(lambda: _metric(server, "feeds_refreshes_total") > refreshes)  # it is told a moment later
        refreshes = _metric(server, "feeds_refreshes_total") - refreshes
    return f"git pull of {count} files: took {pulled:.1f} s, all seen after {seen:.1f} s, in {refreshes} refreshes"


def _git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "protocol.file.allow=always", *arguments], cwd=directory, check=True)


def _commit(directory: Path) -> None:
    _git(directory, "add", ".")
    _git(directory, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "Articles")
    _git(directory, "push", "--quiet", "origin", "HEAD:main")


@contextmanager
def _serving(content: Path, scratch: Path) -> Iterator[Program]:
    port = free_port()
    command = [str(Path(sys.executable).parent / "feeds"), "serve", str(content), "--port", str(port), "--refresh-seconds", "86400"]
    with running(command, port, scratch) as server:
        _until(lambda: _listens(server), _INDEXING_SECONDS)
        _until(lambda: _metric(server, "feeds_refreshes_total") > 0)  # the watch is set up, and looked through everything
        yield server


def _listens(server: Program) -> bool:
    try:
        return server.get("/readyz").status == 200
    except OSError:
        return False


def _metric(server: Program, name: str) -> int:
    """Return the sum of a metric over its labels."""
    return sum(int(float(value)) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", server.get("/metrics").text, re.MULTILINE))


def _until(look: Callable[[], bool], patience: float = _PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main()

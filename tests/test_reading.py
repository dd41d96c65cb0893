"""Files are read on all cores, and what comes of them does not depend on how many there are."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from feeds.content.folder import Candidate, scan
from feeds.content.loader import load
from feeds.model import State
from feeds.reading import ReadFile, read
from feeds.store.prepared import prepare

from .corpus import write_corpus

MANY = 450  # enough for processes to be started


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Candidate, ...]:
    folder = tmp_path_factory.mktemp("many")
    write_corpus(folder, MANY)
    return scan(folder).candidates


# Processes are only forked by one without threads, which the tests' own may not be any more.
KILLING = """
import os, signal, sys, time
from pathlib import Path
from feeds.content.folder import scan
from feeds.reading import ReadingError, read

def children():
    return {int(child) for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}

candidates = scan(Path(sys.argv[1])).candidates
said = set()
for number in range(8):  # at other moments of reading and writing
    files = read(candidates * 4 * os.cpu_count(), {})  # far more than are read ahead
    for _ in range(1 + 60 * number):
        next(files)
    os.kill(sorted(children())[number % 2], signal.SIGKILL)
    try:
        said.add(f"read {len(list(files))}")
    except ReadingError as error:
        said.add(f"{error} {children()}")
print(*said)
"""
DIGEST = """
import hashlib, sys
from pathlib import Path
import msgspec
from feeds.content.folder import scan
from feeds.reading import read
print(hashlib.sha256(msgspec.msgpack.encode(list(read(scan(Path(sys.argv[1])).candidates, {})))).hexdigest())
"""


def output(script: str, folder: Path) -> str:
    """Return what a script says of a folder, in a process of its own."""
    return subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, check=True, text=True).stdout


@pytest.fixture(scope="module")
def folder(candidates: tuple[Candidate, ...]) -> Path:
    return Path(candidates[0].file.removesuffix(candidates[0].path))


def test_many_files_come_in_their_order_as_they_would_one_by_one(candidates: tuple[Candidate, ...], folder: Path) -> None:
    outcomes = [(loaded.path, loaded.facts, prepare(loaded.outcome)) for loaded in load(candidates, {}) if loaded.outcome]
    assert len(outcomes) == MANY
    expected = msgspec.msgpack.encode([ReadFile(*found) for found in outcomes])
    assert output(DIGEST, folder) == f"{hashlib.sha256(expected).hexdigest()}\n"


def test_files_whose_bytes_are_known_are_not_parsed(candidates: tuple[Candidate, ...]) -> None:
    known = {file.path: file.facts for file in read(candidates, {})}
    assert all(file.prepared is None and file.facts == known[file.path] for file in read(candidates, known))


def test_a_broken_file_among_many_says_what_is_wrong(tmp_path: Path) -> None:
    write_corpus(tmp_path, MANY)
    (tmp_path / "broken.md").write_text("---\ntitle: [\n---\n")
    states = {file.path: file.prepared.state for file in read(scan(tmp_path).candidates, {}) if file.prepared is not None}
    assert states.pop("broken.md") is State.REFUSED
    assert State.REFUSED not in states.values()


def test_a_process_with_threads_reads_by_itself(candidates: tuple[Candidate, ...]) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        files = read(candidates, {})
        before = children()
        next(files)
        assert children() <= before
        assert len(list(files)) == MANY - 1
    finally:
        done.set()
        thread.join()


def test_a_reading_process_that_is_killed_is_an_error_and_leaves_none_behind(folder: Path) -> None:
    assert output(KILLING, folder) == "a process that reads files came to a sudden end; is there memory left? set()\n"


def test_readers_end_with_who_wants_no_more(folder: Path) -> None:
    script = KILLING.partition("said = set()")[0] + "files = read(candidates, {}); next(files); files.close(); print(children())"
    assert output(script, folder) == "set()\n"


def children() -> set[int]:
    """Return the processes that this one has started and that still run."""
    return {int(child) for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}

"""Files are read on all cores, and what comes of them does not depend on how many there are."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from feeds.content.folder import Candidate, scan
from feeds.content.loader import load
from feeds.model import State
from feeds.reading import ReadingError, read
from feeds.store.prepared import prepare

from .corpus import write_corpus

MANY = 450  # enough for processes to be started


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Candidate, ...]:
    folder = tmp_path_factory.mktemp("many")
    write_corpus(folder, MANY)
    return tuple(scan(folder))


def test_many_files_come_in_their_order_as_they_would_one_by_one(candidates: tuple[Candidate, ...]) -> None:
    found = [(file.path, file.facts, file.prepared) for file in read(candidates, {})]
    assert found == [(loaded.path, loaded.facts, prepare(loaded.outcome)) for loaded in load(candidates, {}) if loaded.outcome]
    assert len(found) == MANY


def test_files_whose_bytes_are_known_are_not_parsed(candidates: tuple[Candidate, ...]) -> None:
    known = {file.path: file.facts for file in read(candidates, {})}
    assert all(file.prepared is None and file.facts == known[file.path] for file in read(candidates, known))


def test_a_broken_file_among_many_says_what_is_wrong(tmp_path: Path) -> None:
    write_corpus(tmp_path, MANY)
    (tmp_path / "broken.md").write_text("---\ntitle: [\n---\n")
    states = {file.path: file.prepared.state for file in read(tuple(scan(tmp_path)), {}) if file.prepared is not None}
    assert states.pop("broken.md") is State.REFUSED
    assert State.REFUSED not in states.values()


def test_a_process_with_threads_reads_by_itself(candidates: tuple[Candidate, ...]) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        files = read(candidates, {})
        next(files)
        assert children() == set()
        assert len(list(files)) == MANY - 1
    finally:
        done.set()
        thread.join()


def test_a_reading_process_that_dies_is_an_error_and_leaves_none_behind(candidates: tuple[Candidate, ...]) -> None:
    files = read(candidates * 2 * (os.cpu_count() or 1), {})  # far more than are read ahead
    next(files)
    for child in children():
        os.kill(child, signal.SIGKILL)
    with pytest.raises(ReadingError, match="sudden end"):
        list(files)
    assert children() == set()


def children() -> set[int]:
    """Return the processes that this one has started and that still run."""
    return {int(child) for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}

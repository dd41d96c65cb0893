"""Files are read on all cores, and what comes of them does not depend on how many there are."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from feeds.content.folder import Candidate
from feeds.content.loader import load
from feeds.model import State
from feeds.readers import reading
from feeds.reading import Here, ReadFile, read
from feeds.store.prepared import prepare

from . import builders
from .corpus import write_corpus

MANY = 450  # enough for processes to be started


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Candidate, ...]:
    folder = tmp_path_factory.mktemp("many")
    write_corpus(folder, MANY)
    return tuple(builders.candidates(folder))


# Processes are only forked by one without threads, which the tests' own may not be any more.
KILLING = """
import os, signal, sys, time
from pathlib import Path
from feeds.readers import ReadingError, reading

def look(reader):
    found = reader.scan()
    return found.candidates(sorted(found.stamps))

def helpers(parent="self"):
    found = set()
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= {int(child), *helpers(child)}
    return found

def runs(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

said = set()
for number in range(8):  # at other moments of reading and writing
    with reading(Path(sys.argv[1])) as reader:
        files = reader.read(look(reader) * 4 * os.cpu_count(), {})  # far more than are read ahead
        for _ in range(1 + 60 * number):
            next(files)
        helping = sorted(helpers())
        os.kill(helping[number % 2], signal.SIGKILL)
        try:
            said.add(f"read {len(list(files))}")
        except ReadingError as error:
            said.add(f"{error} {helpers()}")
    while any(map(runs, helping)):
        time.sleep(0.01)
print(*said)
"""
DIGEST = """
import hashlib, sys
from pathlib import Path
import msgspec
from feeds.readers import reading

def look(reader):
    found = reader.scan()
    return found.candidates(sorted(found.stamps))

with reading(Path(sys.argv[1])) as reader:
    print(hashlib.sha256(msgspec.msgpack.encode(list(reader.read(look(reader), {})))).hexdigest())
"""


def output(script: str, folder: Path) -> str:
    """Return what a script says of a folder, in a process of its own."""
    return subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, check=True, text=True).stdout


@pytest.fixture(scope="module")
def folder(candidates: tuple[Candidate, ...]) -> Path:
    return Path(os.fsdecode(candidates[0].file).removesuffix(candidates[0].path))


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
    states = {file.path: file.prepared.state for file in read(builders.candidates(tmp_path), {}) if file.prepared is not None}
    assert states.pop("broken.md") is State.REFUSED
    assert State.REFUSED not in states.values()


def test_a_process_with_threads_reads_by_itself(folder: Path) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with reading(folder) as reader:
            assert isinstance(reader, Here)
            found = reader.scan()
            assert len(list(reader.read(found.candidates(found.stamps), {}))) == MANY
    finally:
        done.set()
        thread.join()


def test_a_reading_process_that_is_killed_is_an_error_and_leaves_none_behind(folder: Path) -> None:
    assert output(KILLING, folder) == "a process that reads files came to a sudden end; is there memory left? set()\n"


WITHIN = KILLING.partition("said = set()")[0] + "with reading(Path(sys.argv[1])) as reader:\n    "


@pytest.mark.parametrize(
    ("done", "said"),
    [
        pytest.param("pass", "", id="nobody asks what was seen"),
        pytest.param("print(len(look(reader)))", f"{MANY} ", id="nothing is read"),
        pytest.param("print(len(look(reader)), len(look(reader)))", f"{MANY} {MANY} ", id="two looks"),
        pytest.param("files = reader.read(look(reader), {}); next(files); files.close()", "", id="no more is wanted"),
        pytest.param("print(len(list(reader.read(look(reader)[:9], {}))), helpers())", "9 set() ", id="few files"),
        pytest.param("print(len(list(reader.read(look(reader), {}))), helpers())", f"{MANY} set() ", id="many files"),
    ],
)
def test_readers_end_with_who_wants_no_more(folder: Path, done: str, said: str) -> None:
    assert output(f"{WITHIN}{done}\nprint(helpers())", folder).split() == f"{said}set()".split()


def test_who_broke_off_reading_looks_and_reads_by_itself(folder: Path) -> None:
    again = "print(len(look(reader)), len(list(reader.read(look(reader), {}))))"
    assert output(f"{WITHIN}next(reader.read(look(reader), {{}}))\n    {again}", folder) == f"{MANY} {MANY}\n"


def test_who_may_have_no_more_pipes_looks_and_reads_by_itself(folder: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))\n"  # fewer than two for each of two processes
    done = "print(type(reader).__name__, len(list(reader.read(look(reader), {}))))"
    assert output(f"{limit}{WITHIN}{done}", folder) == f"Here {MANY}\n"


def test_parts_of_a_folder_are_found_whoever_reads(folder: Path, candidates: tuple[Candidate, ...]) -> None:
    part = candidates[0].path
    assert output(f"{WITHIN}print(*reader.scan(({part!r},)).paths)", folder) == f"{part}\n"


def test_a_reader_says_why_a_folder_cannot_be_read(tmp_path: Path) -> None:
    told = output(f"{WITHIN}\n    try: reader.scan()\n    except Exception as error: print(type(error).__name__, error)", tmp_path / "no")
    assert told == f"FolderError {tmp_path / 'no'}: can't be read as a folder: No such file or directory\n"


def test_what_is_known_of_many_files_reaches_those_who_read(folder: Path) -> None:
    known = "known = {file.path: file.facts for file in read(look(reader), {})}"
    parsed = "print(sum(file.prepared is not None for file in reader.read(look(reader), known)))"
    assert output(f"from feeds.reading import read\n{WITHIN}{known}\n    {parsed}", folder) == "0\n"

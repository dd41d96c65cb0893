"""`feeds build` as people and CI run it: the same tree anywhere, right again after a kill, read from a plain file server."""

from __future__ import annotations

import functools
import http.server
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import feedparser
import pytest

from feeds.export import MANIFEST

from .builders import write_article
from .corpus import write_corpus
from .test_cli import Run, run
from .test_export import files

__all__ = ["run"]
BASE_URL = "https://feeds.example.org"


COMMAND = (sys.executable, "-m", "feeds", "build")


def options(content: Path, database: Path) -> list[str]:
    return ["--content", str(content), "--base-url", BASE_URL, "--database", f"sqlite:///{database}"]


def build(content: Path, out: Path, database: Path) -> None:
    subprocess.run([*COMMAND, str(out), *options(content, database)], capture_output=True, check=True)


ON_ONE_CORE = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
MACHINES = {
    "one": (None, {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "1"}),
    "another/with a longer path": (ON_ONE_CORE, {"TZ": "America/St_Johns", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "2"}),
}


def test_two_machines_give_the_same_tree(tmp_path: Path) -> None:
    write_corpus(tmp_path / "content", 40)
    written = sorted(path for path in (tmp_path / "content").rglob("*") if path.is_file())
    for place, (start, environ) in MACHINES.items():
        content = tmp_path / place / "content"
        for file in written if start else reversed(written):  # a folder lists its files in an order of its own
            copy = content / file.relative_to(tmp_path / "content")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
        command = [*COMMAND, str(tmp_path / place / "out"), *options(content, tmp_path / place / "index.sqlite3")]
        before = [] if start is None else [sys.executable, "-c", start]
        subprocess.run([*before, *command], env=os.environ | environ, capture_output=True, check=True)
    one, another = (tmp_path / place / "out" for place in MACHINES)
    assert files(one) == files(another)
    assert (one / MANIFEST).read_bytes() == (another / MANIFEST).read_bytes()


# `python -m feeds`, but for a kill: of the program or of a process that writes for it, when such a process, or the program where it writes
# itself, is about to put its fifth file in its place.
KILLED = """
import os, runpy, signal, sys
from itertools import count
kill, out, *sys.argv[1:] = sys.argv[1:]
program, places = os.getpid(), count(1)
def look(event, arguments):
    if event == "os.rename" and os.fsdecode(arguments[1]).startswith(out) and next(places) == 5:
        os.kill(program if kill == "program" else os.getpid(), signal.SIGKILL)
sys.addaudithook(look)
runpy.run_module("feeds", run_name="__main__", alter_sys=True)
"""


def killed(who: str, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Build, and kill who does it in the middle of it."""
    command = [sys.executable, "-c", KILLED, who, str(out), "build", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_export_that_was_killed_is_finished_by_the_next(content: Path, tmp_path: Path) -> None:
    write_corpus(content, 80)
    database, out = tmp_path / "index.sqlite3", tmp_path / "out"
    build(content, tmp_path / "whole", database)
    assert killed("program", out, *options(content, database)).returncode == -signal.SIGKILL
    assert 0 < len(files(out)) < len(files(tmp_path / "whole"))
    (out / "topics").mkdir(exist_ok=True)
    (out / ".feed.rss.feeds-new").write_text("half")
    build(content, out, database)
    assert files(out) == files(tmp_path / "whole")


def test_writing_process_that_is_killed_is_one_error_and_the_next_build_is_whole(content: Path, tmp_path: Path) -> None:
    write_corpus(content, 80)
    database, out = tmp_path / "index.sqlite3", tmp_path / "out"
    build(content, tmp_path / "whole", database)
    done = killed("writer", out, *options(content, database))
    reason = "a process that writes files came to a sudden end; is there memory left? The next build goes on from here"
    assert (done.returncode, done.stderr) == (1, f"feeds: {out}: {reason}\n")
    build(content, out, database)
    assert files(out) == files(tmp_path / "whole")


def test_disk_that_refuses_a_writing_process_is_one_error(content: Path, tmp_path: Path) -> None:
    write_corpus(content, 80)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "topics").write_text("mine")
    command = [*COMMAND, str(tmp_path / "out"), *options(content, tmp_path / "index.sqlite3"), "--force"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"feeds: {tmp_path / 'out' / 'topics'}: is no folder, and a folder has to be there\n"


def test_plain_file_server_is_enough_for_readers(content: Path, tmp_path: Path) -> None:
    write_article(content, "a", topics=["Computer Vision"])
    build(content, tmp_path / "out", tmp_path / "index.sqlite3")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "out")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for extension in ("rss", "atom"):
            parsed = feedparser.parse(f"http://127.0.0.1:{server.server_port}/topics/computer-vision/feed.{extension}")
            assert (parsed.bozo, [entry.title for entry in parsed.entries]) == (False, ["Title of a"])
        server.shutdown()


def test_build_says_what_it_did(run: Run, content: Path, tmp_path: Path) -> None:
    write_article(content, "a")
    options = ("--content", str(content), "--base-url", BASE_URL, "--only", "topics", "--formats", "rss,json")
    assert run("build", "out", *options).stdout == "3 files: 3 written, 0 removed\n"
    assert run("build", "out", *options, "--compress").stdout == "3 files: 0 written, 0 removed\n"
    assert sorted(path.name for path in (tmp_path / "out" / "topics" / "ai").iterdir()) == [
        f"feed.{extension}{twin}" for extension in ("json", "rss") for twin in ("", ".br", ".gz")
    ]
    (tmp_path / "out" / "topics" / "ai" / "feed.rss").write_text("mine")
    assert "topics/ai/feed.rss: has no place any more" in run("build", "out", *options[:-1], "json").stderr


@pytest.mark.parametrize(
    ("options", "code", "error"),
    [
        ((), 1, "feeds: base_url: is not set; an export has to say where it will be, such as https://feeds.example.org\n"),
        (("--base-url", BASE_URL, "--ping"), 1, "feeds: hub: is not set; there is nobody to ping\n"),
        (("--base-url", BASE_URL, "--formats", "xml"), 2, "has to be some of rss, atom, json, with commas between"),
    ],
)
def test_wrong_order_is_refused_before_anything_is_written(
    run: Run, content: Path, tmp_path: Path, options: tuple[str, ...], code: int, error: str
) -> None:
    result = run("build", "out", "--content", str(content), *options)
    assert error in result.stderr
    assert result.exit_code == code
    assert not (tmp_path / "out").exists()


def test_build_says_that_files_know_no_keys(run: Run, content: Path) -> None:
    write_article(content, "a")
    result = run("build", "out", "--content", str(content), "--base-url", BASE_URL, FEEDS_ACCESS_KEYS="0123456789abcdef0123456789abcdef")
    assert "feeds: access_keys: are for a server; files are for everybody who can fetch them\n" in result.stderr

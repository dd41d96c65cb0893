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
from .processes import wait_for
from .test_cli import Run, run
from .test_export import files

__all__ = ["run"]
BASE_URL = "https://feeds.example.org"


def build(content: Path, out: Path, database: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "feeds", "build", str(out), "--content", str(content), "--base-url", BASE_URL]
    command += ["--database", f"sqlite:///{database}", *options]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=True)


def test_two_machines_give_the_same_tree(content: Path, tmp_path: Path) -> None:
    write_corpus(content, 40)
    for name, environ in (("a", {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8"}), ("b", {"TZ": "UTC", "LC_ALL": "C"})):
        build(content, tmp_path / name, tmp_path / f"{name}.sqlite3", PYTHONHASHSEED=str(len(environ["TZ"])), **environ)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert (tmp_path / "a" / MANIFEST).read_bytes() == (tmp_path / "b" / MANIFEST).read_bytes()


def test_export_that_was_killed_is_finished_by_the_next(content: Path, tmp_path: Path) -> None:
    write_corpus(content, 80)
    database, out = tmp_path / "index.sqlite3", tmp_path / "out"
    build(content, tmp_path / "whole", database)
    command = [sys.executable, "-m", "feeds", "build", str(out), "--content", str(content), "--base-url", BASE_URL]
    with subprocess.Popen([*command, "--database", f"sqlite:///{database}"], stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: any(out.glob("*.rss")))
        process.send_signal(signal.SIGKILL)
    assert len(files(out)) < len(files(tmp_path / "whole"))
    (out / "topics").mkdir(exist_ok=True)
    (out / ".feed.rss.feeds-new").write_text("half")
    build(content, out, database)
    assert files(out) == files(tmp_path / "whole")


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

"""What is said of a refresh: lines in the log, and a bar on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from feeds.intake import RefreshResult, Stage
from feeds.model import FileReport, Level, Problem, State
from feeds.reporting import LoggedProgress, log_news

from .builders import write_article
from .test_server import FEEDS


def stages(total: int) -> None:
    """Go through the stages of a refresh that reads so many files."""
    progress = LoggedProgress()
    progress(Stage.SCAN, 0, 0)
    for done in range(total + 1):
        progress(Stage.READ, done, total)
    progress(Stage.WRITE, 0, 0)


def test_stages_of_a_moment_are_not_logged(log: pytest.LogCaptureFixture) -> None:
    stages(999)
    assert log.messages == []


def test_stages_that_take_longer_are_logged_each(log: pytest.LogCaptureFixture) -> None:
    stages(12_000)
    assert log.messages == ["reading files: 0 of 12000", "reading files: 10000 of 12000", "writing the index"]


def test_many_refused_files_are_told_in_part(log: pytest.LogCaptureFixture) -> None:
    refused = [FileReport(f"{number}.md", State.REFUSED, (Problem("is broken", 3, level=Level.ERROR),)) for number in range(25)]
    log_news(RefreshResult(25, 0, True, {}, tuple(refused), ("mended\n.md",), ("sub: can't be read",)))
    assert log.messages[:2] == ["sub: can't be read", "refused: 0.md:3: is broken"]
    assert log.messages[-2:] == ["refused: and 5 more; feeds check lists them all", r"refused no more: mended\n.md"]
    assert len(log.messages) == 23


def test_terminal_shows_a_bar(content: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_article(content, name)
    master, slave = pty.openpty()
    command = [*FEEDS, "index", str(content), "--database", f"sqlite:///{tmp_path}/index.sqlite3"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=slave, check=True)
    os.close(slave)
    shown = b""
    with suppress(OSError):  # which is how a terminal that nobody writes to any more says that this was all
        while part := os.read(master, 65_536):
            shown += part
    os.close(master)
    assert b"reading files" in shown
    assert b"2/2" in shown
    assert done.stdout == b"2 files read, 0 gone: 2 shown, 0 hidden, 0 skipped, 0 refused\n"

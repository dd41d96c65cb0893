"""A few seconds of mixed load on `feeds serve` with two workers, while its folder changes; `tests.benchmarks.soaking` takes minutes."""

from __future__ import annotations

import sys
from pathlib import Path

from .corpus import write_corpus
from .processes import free_port, running
from .soak import Soak

SECONDS = 4


def test_no_change_is_lost_and_no_answer_wrong_while_everybody_asks(tmp_path: Path) -> None:
    write_corpus(tmp_path / "content", 60)
    port, feeds, options = free_port(), [sys.executable, "-m", "feeds"], ["content", "--database", "sqlite:///index.sqlite3"]
    with running([*feeds, "serve", *options, "--port", str(port), "--workers", "2"], port, tmp_path) as program:
        program.wait_until_ready()
        soak = Soak(port, tmp_path / "content", [*feeds, "index", *options])
        soak.run(SECONDS, pollers=2)
        assert "Traceback" not in program.output()
    assert soak.faults == []
    assert set(soak.edits) == {"changes", "renames", "refreshes beside"}
    assert set(soak.statuses) - {"404"} == {"200", "304"}

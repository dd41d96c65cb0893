"""How long an index takes, made anew and kept up to date, beside a plain loop that only parses the same files with PyYAML.

    python -m tests.benchmarks.indexing --sizes 1000 10000 100000 --rounds 5 --keep FOLDER

Everything is a whole command, from its start to its end, and all take turns within a round; the figures are medians, the ratios those of
the medians. Memory is the sum over all processes of a run of its own, each with its share of what they have in common.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.benchmarks.measuring import compile_as_pip_does, processes, pss_mb
from tests.corpus import write_corpus

_PAUSE_SECONDS = 0.05
# What an owner of such files would write: read each, cut out its front matter, load it with PyYAML's own parser in C.
_PLAIN_LOOP = """
import os, sys, yaml
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".md"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            yaml.load(text[4 : text.index("\\n---", 3)], Loader=yaml.CSafeLoader)
"""


@dataclass
class Figures:
    """The seconds of each command, one for each round, and what was measured once."""

    plain: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    no_change: list[float] = field(default_factory=list)
    one_change: list[float] = field(default_factory=list)
    peak_mb: float = 0
    index_mb: float = 0

    def line(self, size: int) -> str:
        plain, cold, no_change, one_change = map(median, (self.plain, self.cold, self.no_change, self.one_change))
        seconds = f"{plain:9.2f} {cold:9.2f} {no_change:9.2f} {one_change:9.2f}"
        return f"{size:8} {seconds} {cold / plain:9.2f} {self.peak_mb:9.0f} {self.index_mb:9.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000], help="numbers of article files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder for the made-up sites, to be used again")
    given = parser.parse_args()
    compile_as_pip_does()
    print(f"{'files':>8} {'plain s':>9} {'cold s':>9} {'same s':>9} {'1 new s':>9} {'cold/pl.':>9} {'peak MB':>9} {'index MB':>9}")
    with tempfile.TemporaryDirectory() as scratch:
        for size in given.sizes:
            content = (given.keep or Path(scratch)) / f"content-{size}"
            if not content.is_dir():
                write_corpus(content, size)
            print(_measured(content, Path(scratch) / "index.sqlite3", given.rounds).line(size), flush=True)


def _measured(content: Path, index: Path, rounds: int) -> Figures:
    figures = Figures()
    command = [str(Path(sys.executable).parent / "feeds"), "index", str(content), "--database", f"sqlite:///{index}"]
    figures.peak_mb = _peak_mb(command)  # the first run also brings the files into the system's cache
    for _ in range(rounds):
        figures.plain.append(_seconds([sys.executable, "-c", _PLAIN_LOOP, str(content)]))
        for file in index.parent.glob(f"{index.name}*"):
            file.unlink()
        figures.cold.append(_seconds(command))
        figures.no_change.append(_seconds(command))
        with _changed(next(content.rglob("*.md"))):
            figures.one_change.append(_seconds(command))
    figures.index_mb = index.stat().st_size / 1e6
    return figures


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _peak_mb(command: list[str]) -> float:
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with suppress(OSError, TypeError):  # one of them ended while it was looked at
                peak = max(peak, sum(map(pss_mb, processes(process.pid))))
            time.sleep(_PAUSE_SECONDS)
    return peak


@contextmanager
def _changed(file: Path) -> Iterator[None]:
    """Give an article another title for a while."""
    text = file.read_text("utf-8")
    file.write_text(text.replace("title: ", 'title: "Changed" #', 1), "utf-8")
    try:
        yield
    finally:
        file.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

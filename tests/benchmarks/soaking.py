"""Whether `feeds serve` says nothing wrong and loses nothing while it is asked, and its folder edited, for minutes.

    python -m tests.benchmarks.soaking --seconds 120 --pollers 6

What is looked at, and what must hold, is said in `tests.soak`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.fuzzing import growth
from tests.corpus import write_corpus
from tests.processes import free_port, running
from tests.soak import Soak

_SHOWN_FAULTS = 20


def main() -> None:
    """Soak a server with two workers; exit with 1 where anything was wrong."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--pollers", type=int, default=6)
    options.add_argument("--articles", type=int, default=2000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, port = Path(temporary), free_port()
        write_corpus(folder / "content", given.articles)
        feeds, place = [sys.executable, "-m", "feeds"], ["content", "--database", "sqlite:///index.sqlite3"]
        with running([*feeds, "serve", *place, "--port", str(port), "--workers", "2"], port, folder) as program:
            program.wait_until_ready()
            soak, sizes = Soak(port, folder / "content", [*feeds, "index", *place]), list[tuple[float, int]]()
            for part in range(4):
                soak.run(given.seconds / 4, given.pollers, first_edit=part * 100_000)
                sizes.append(growth(program))
            is_well = "Traceback" not in program.output() and "[ERROR]" not in program.output()
            exit_code = program.stop()
    print(f"{sum(soak.statuses.values())} answers in {given.seconds:.0f} s:", dict(soak.statuses.most_common()))
    print("changes:", dict(soak.edits))
    print("memory, MB:", ", ".join(f"{memory:.0f}" for memory, _ in sizes), "  open files:", ", ".join(str(files) for _, files in sizes))
    print(f"exit code {exit_code}, {len(soak.faults)} faults", *soak.faults[:_SHOWN_FAULTS], sep="\n  ")
    sys.exit(0 if is_well and exit_code == 0 and not soak.faults else 1)


if __name__ == "__main__":
    main()

"""Whether `feeds serve` bears whatever is sent to it: statuses, hangs, leaks, and how it grows.

    python -m tests.benchmarks.fuzzing --requests 24000

Half of the requests are made up by Hypothesis, half are none that a library would send (see `tests.hostile`). One server is as it
is installed, one believes whatever this machine says as a proxy.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.benchmarks.measuring import processes, pss_mb
from tests.corpus import write_corpus
from tests.hostile import Attack, Exchange, Target, attacks, broken_attacks
from tests.processes import Program, free_port, running

_CONNECTIONS = 4  # at the same time
_ARTICLES = 2000
_SERVERS = {"as installed": [], "behind a proxy": ["--trusted-proxies", "127.0.0.0/8"]}


def generated(count: int, number: int) -> list[Attack]:
    """Return requests that Hypothesis makes up."""
    found: list[Attack] = []

    @seed(number)
    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(sent=attacks())
    def collect(sent: Attack) -> None:
        found.append(sent)

    collect()
    return found


def send(target: Target, sent: Iterable[Attack]) -> list[tuple[Attack, Exchange]]:
    """Send all of them, some at the same time."""
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        return list(threads.map(lambda each: (each, target.exchange(each)), sent))


def growth(program: Program) -> tuple[float, int]:
    """Return the memory of all processes, in MB, and their open files."""
    family = processes(program.process.pid)
    return sum(map(pss_mb, family)), sum(len(list(Path(f"/proc/{process}/fd").iterdir())) for process in family)


def fuzz(name: str, options: list[str], count: int) -> bool:
    """Send so many requests to a server, print what came of them, and return whether all was well."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, port = Path(temporary), free_port()
        write_corpus(folder / "content", _ARTICLES)
        command = [sys.executable, "-m", "feeds", "serve", "content", "--port", str(port), "--workers", "2", *options]
        with running(command, port, folder) as program:
            program.wait_until_ready()
            target = Target(port, (temporary.encode(),))
            made = generated(count // 2, number=1)
            sizes, results, begun = [growth(program)], list[tuple[Attack, Exchange]](), time.monotonic()
            for part in range(4):  # memory that only fills caches does so once
                quarter = slice(part * len(made) // 4, (part + 1) * len(made) // 4)
                results += send(target, [*made[quarter], *islice(broken_attacks(seed=part), count // 8)])
                sizes.append(growth(program))
            seconds = time.monotonic() - begun
            is_well = program.get("/feed.rss").status == 200 and "Traceback" not in program.output()
    faults = [(sent, exchange) for sent, exchange in results if exchange.faults]
    print(f"{name}: {len(results)} connections in {seconds:.0f} s")
    print("  outcomes:", dict(Counter(outcome for _, exchange in results for outcome in exchange.outcomes).most_common()))
    print("  memory, MB:", ", ".join(f"{memory:.0f}" for memory, _ in sizes), "  open files:", ", ".join(str(files) for _, files in sizes))
    print(
        f"  {len(faults)} faults",
        *(f"{exchange.faults} {exchange.outcomes}: {sent.sent[:500]!r}" for sent, exchange in faults[:20]),
        sep="\n    ",
    )
    return is_well and not faults


def main() -> None:
    """Fuzz each server; exit with 1 where anything was wrong."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=24_000)
    given_options = options.parse_args()
    results = [fuzz(name, settings, given_options.requests // len(_SERVERS)) for name, settings in _SERVERS.items()]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()

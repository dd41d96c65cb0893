"""How a program is measured: by wrk where it serves, by the memory of its processes, by the time to its first answer."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import feeds

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_PATIENCE_SECONDS = 30
_PAUSE_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of wrk came to."""

    per_second: float
    p50_ms: float
    p99_ms: float


def middle(samples: Sequence[Sample]) -> Sample:
    """Return the median of each figure."""
    return Sample(*(median(getattr(sample, name) for sample in samples) for name in ("per_second", "p50_ms", "p99_ms")))


def compile_as_pip_does() -> None:
    """Leave our modules compiled, as an installation has them; in a checkout they are not where Python is told to write no bytecode."""
    compileall.compile_dir(Path(feeds.__file__).parent, quiet=1)


def require(*programs: str) -> None:
    """End with what to install where a program is missing."""
    missing = " ".join(name for name in programs if shutil.which(name) is None)
    if missing:
        raise SystemExit(f"missing: {missing}; on Debian: apt-get install {missing}")


def load(url: str, headers: Mapping[str, str], seconds: int, connections: int, script: Path | None = None) -> Sample:
    """Ask a URL as fast as it answers; every answer has to be a 2xx or 3xx."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command += [] if script is None else ["-s", str(script)]
    said = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    rate, latency = _RATE.search(said), {percent: float(value) * _UNITS[unit] for percent, value, unit in _LATENCY.findall(said)}
    if rate is None or "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{url}: not every request was answered well\n{said}")
    return Sample(float(rate[1]), latency["50"], latency["99"])


def processes(root: int) -> list[int]:
    """Return a process and all below it."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def pss_mb(process: int) -> float:
    """Return the memory of a process, with its share of what it has in common with others."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) / 1024  # type: ignore[index]


def first_answer_seconds(command: Sequence[str], port: int, path: str, folder: Path, environ: Mapping[str, str]) -> float:
    """Start a server; return how long it takes to its first answer with status 200."""
    log, variables = folder / "start.log", {**os.environ, "XDG_CACHE_HOME": str(folder), **environ}
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=output, env=variables, cwd=folder, start_new_session=True)
        try:
            while not _is_answered(port, path):
                if process.poll() is not None or time.perf_counter() - started > _PATIENCE_SECONDS:
                    raise SystemExit(f"{command}: did not start\n{log.read_text()}")
                time.sleep(_PAUSE_SECONDS)
            return time.perf_counter() - started
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # nothing of it is of use any more
            process.wait()


def _is_answered(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False

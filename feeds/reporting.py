"""What a refresh comes to, in words: its way, its sum, and what is new about broken files. Knows no terminal and no file."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from feeds.intake import RefreshResult, Stage
from feeds.model import Level, Problem, State
from feeds.text import escape_controls

_MANY = 1_000  # files; fewer take but a moment
_STEP = 10_000  # files from one line to the next
_LISTED = 20  # files that are told one by one
_log = logging.getLogger("feeds")


def summary(result: RefreshResult) -> str:
    """Return what a refresh came to, in one line."""
    return f"{result.read} files read, {result.gone} gone: {counted(result.counts)}"


def counted(counts: Mapping[State, int]) -> str:
    """Return how many files are in each state."""
    return ", ".join(f"{counts[state]} {state}" for state in State)


def problem_line(path: str, problem: Problem) -> str:
    """Return a problem as `path:line: field: reason`, safe for a terminal."""
    place = path if problem.line is None else f"{path}:{problem.line}"
    return escape_controls(": ".join(part for part in (place, problem.field, problem.reason) if part))


def log_news(result: RefreshResult) -> None:
    """Log what could not be looked at, and which files are refused since this refresh, or are so no more."""
    for trouble in result.troubles:
        _log.warning("%s", escape_controls(trouble))
    errors = ((one.path, problem) for one in result.refused for problem in one.problems if problem.level is Level.ERROR)
    for line in _first(problem_line(*error) for error in errors):
        _log.warning("refused: %s", line)
    for line in _first(map(escape_controls, result.mended)):
        _log.info("refused no more: %s", line)


def _first(lines: Iterator[str]) -> Iterator[str]:
    more = 0
    for number, line in enumerate(lines):
        if number < _LISTED:
            yield line
        else:
            more += 1
    if more:
        yield f"and {more} more; feeds check lists them all"


class LoggedProgress:
    """Logs each stage of a refresh that takes more than a moment."""

    def __init__(self) -> None:
        self._total = 0

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        self._total = max(self._total, total)
        if self._total < _MANY:
            return
        if stage is Stage.READ and done % _STEP == 0:
            _log.info("%s: %d of %d", stage, done, total)
        elif stage is Stage.WRITE:
            _log.info("%s", stage)

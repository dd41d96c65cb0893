"""Problems as `--json` prints them."""

from __future__ import annotations

from typing import Any

from feeds.model import Problem, State
from feeds.text import escape_controls


def as_json(path: str, problem: Problem, state: State | None) -> dict[str, Any]:
    """Return a problem of a file as an object of JSON."""
    return {
        "path": escape_controls(path),
        "line": problem.line,
        "field": problem.field and escape_controls(problem.field),
        "reason": escape_controls(problem.reason),
        "state": state,
        "level": problem.level,
    }

"""How what happens is told: in lines, of text or of JSON, one for each event. Knows Python's logging; knows no route and no index.

A line of JSON is short enough for a pipe to take it whole, so lines of several processes never get mixed up. No line has a
key in it, nor a control character, whatever somebody wrote into a request or a file name.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import asdict

from feeds.text import escape_controls

LINE_BYTES = 4096  # what POSIX lets a pipe take at once (PIPE_BUF), its line end included
WITHHELD = "[key]"


class LogFormat(StrEnum):
    """What a line is."""

    TEXT = "text"
    JSON = "json"


class Access(msgspec.Struct, frozen=True, gc=False):
    """A request and what it got, with nothing that says who asked."""

    client: str | None  # the network, None where it can't be known
    method: str
    path: str
    query: str
    status: int
    size: int  # bytes of the body
    seconds: float
    cache: str
    user_agent: str

    def __str__(self) -> str:
        """Return it in the order that access logs have."""
        asked = f"{self.method} {self.path}{'?' if self.query else ''}{self.query}"
        figures = f"{self.status} {self.size} {self.seconds:.4f} {self.cache}"
        return f"{self.client or '-'} {_quoted(asked)} {figures} {_quoted(self.user_agent)}"


def start_logging(log_format: LogFormat, secrets: Sequence[str]) -> None:
    """Tell on stderr what happens in this process, of other libraries warnings alone; again, to tell it in another way.

    Where the program that we are part of has its own way to log, that one stays.
    """
    root = logging.getLogger()
    if not all(isinstance(handler, _Stderr) for handler in root.handlers):
        return
    handler = _Stderr()
    handler.setFormatter(JsonLines(secrets) if log_format is LogFormat.JSON else TextLines(secrets))
    root.handlers = [handler]
    logging.getLogger("feeds").setLevel(logging.INFO)
    logging.captureWarnings(log_format is LogFormat.JSON)


def withheld(text: str, secrets: Sequence[str]) -> str:
    """Return text without any secret."""
    for secret in secrets:
        text = text.replace(secret, WITHHELD)
    return text


class _Stderr(logging.Handler):
    """Writes to what stderr is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except OSError:
            self.handleError(record)


class TextLines(logging.Formatter):
    """For people: what happened, and below it where in the program where that is a fault of ours."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._secrets = (*secrets, *map(_escaped, secrets))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or the lines."""
        lines = [escape_controls(record.getMessage())]
        if record.exc_info:
            lines += map(escape_controls, self.formatException(record.exc_info).splitlines())
        return withheld("\n".join(lines), self._secrets)


class JsonLines(logging.Formatter):
    """For programs: one object a line, in ASCII."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the longest texts cut where it would be too long."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
        }
        access = _access_of(record)
        if access is None:
            said["message"] = record.getMessage()
        else:
            said |= asdict(access)
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        for name, value in said.items():
            if isinstance(value, str):
                said[name] = "\n".join(escape_controls(withheld(line, self._secrets)) for line in value.split("\n"))
        return _fitting(said)


def _access_of(record: logging.LogRecord) -> Access | None:
    return record.args[0] if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], Access) else None


def _fitting(said: dict[str, Any]) -> str:
    line = json.dumps(said)
    while len(line) >= LINE_BYTES:
        name = max((name for name, value in said.items() if isinstance(value, str)), key=lambda name: len(said[name]))
        text, half = said[name], len(said[name]) // 2
        said[name] = f"…{text[-half:]}" if name == "exception" else f"{text[:half]}…"  # the end says what it was
        line = json.dumps(said)
    return line


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')

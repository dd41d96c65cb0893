"""The least that WSGI asks for: one answer, read from the file that BENCHMARK_ANSWER names, for every request."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec


class Recorded(msgspec.Struct):
    """What another server answered."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


_answer = msgspec.json.decode(Path(os.environ["BENCHMARK_ANSWER"]).read_bytes(), type=Recorded)
_status, _headers, _body = _answer.status, _answer.headers, [_answer.body]


def app(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response(_status, _headers)
    return _body

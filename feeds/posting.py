"""Posts a form over HTTP, and gives up in time. Knows the standard library's client, which is enough for it; knows no hub."""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

_TIMEOUT_SECONDS = 10.0
_QUOTED_BYTES = 200


def post(url: str, form: Mapping[str, str], timeout_seconds: float = _TIMEOUT_SECONDS) -> tuple[int, str]:
    """Return status and reason of the answer to a form, with the start of its text where it is none of success.

    It may take so many seconds to be reached, and as many to answer. Redirects are not followed: a redirected POST becomes a
    GET, which tells nobody anything.

    Raises:
        OSError: there is no answer in time; `urllib.error.URLError` has the cause as its `reason`.
        http.client.HTTPException: what answers speaks no HTTP.
    """
    request = urllib.request.Request(url, urlencode(form).encode(), {"User-Agent": "feeds"})  # noqa: S310 - settings take http and https only
    with _opener.open(request, timeout=timeout_seconds) as answer:
        said = "" if answer.status < 300 else answer.read(_QUOTED_BYTES).decode(errors="replace").strip()
        return answer.status, f"{answer.status} {answer.reason}" + (f": {said}" if said else "")


class _Until(io.RawIOBase):
    """What a socket receives until a moment; its own timeout starts anew with every byte, and bytes can come one by one."""

    def __init__(self, received: io.RawIOBase, connection: socket.socket) -> None:
        super().__init__()
        self._received, self._connection = received, connection
        self._deadline = time.monotonic() + (connection.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(max(self._deadline - time.monotonic(), 0.001))  # none at all would mean not to wait
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Until(self.fp.detach(), sock))


class _Http(http.client.HTTPConnection):
    response_class = _Answer


class _Https(http.client.HTTPSConnection):
    response_class = _Answer


class _InTime(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Http, request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Https, request)


# Without the handlers of errors and redirects, every answer is taken as it is.
_opener = urllib.request.OpenerDirector()
for _handler in (urllib.request.ProxyHandler(), _InTime()):
    _opener.add_handler(_handler)

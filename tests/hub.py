"""A small WebSub hub as a process of its own: it verifies subscriptions, fetches what is published and delivers it.

`python -m tests.hub PORT` serves it. Its memory can be read at `/published` and `/failures` for tests.
Spec: https://www.w3.org/TR/websub/ sections 5 to 7.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode


class Hub(ThreadingHTTPServer):
    """The hub's memory: who subscribed to what, what was published, and how often it is to fail still."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.subscriptions: dict[str, list[tuple[str, str]]] = {}
        self.published: list[str] = []
        self.statuses: list[int] = []


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(200, json.dumps(self.server.published).encode())

    def do_POST(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
        if self.path == "/fail":
            self.server.statuses = json.loads(asked["statuses"])
            self._answer(204)
        elif asked.get("hub.mode") == "subscribe":
            self._subscribe(asked)
        elif asked.get("hub.mode") == "publish":
            self._publish(asked["hub.url"])
        else:
            self._answer(400, b"hub.mode?")

    def _subscribe(self, asked: dict[str, str]) -> None:
        challenge = secrets.token_hex(8)
        query = urlencode({"hub.mode": "subscribe", "hub.topic": asked["hub.topic"], "hub.challenge": challenge, "hub.lease_seconds": 60})
        with urllib.request.urlopen(f"{asked['hub.callback']}?{query}") as answer:
            if answer.read().decode() != challenge:
                self._answer(409, b"not verified")
                return
        self.server.subscriptions.setdefault(asked["hub.topic"], []).append((asked["hub.callback"], asked.get("hub.secret", "")))
        self._answer(202)

    def _publish(self, url: str) -> None:
        if self.server.statuses:
            status = self.server.statuses.pop(0)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"not\x1b now")
            return
        self.server.published.append(url)
        for callback, secret in self.server.subscriptions.get(url, []):
            with urllib.request.urlopen(url) as feed:
                body, headers = feed.read(), feed.headers
            signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            said = {"Content-Type": headers["Content-Type"], "Link": headers["Link"], "X-Hub-Signature": f"sha256={signature}"}
            urllib.request.urlopen(urllib.request.Request(callback, body, said)).close()
        self._answer(202)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Hub(int(sys.argv[1])).serve_forever()

"""Whether this worker has something to serve, and for operators how it and its index do. Knows Flask; knows no feed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from flask import Flask, Response, abort, request

from feeds.config import Config
from feeds.errors import StoreError
from feeds.metering import Meter
from feeds.model import Level
from feeds.reporting import problem_line
from feeds.service import FeedService
from feeds.text import escape_controls
from feeds.web.hotcache import HotCache
from feeds.web.requests import is_operator
from feeds.web.responses import plain

_LISTED = 100  # lines of a kind; `feeds check` lists them all


def register_health(
    app: Flask, service: FeedService, cache: HotCache, config: Config, clock: Callable[[], datetime], *, meter: Meter
) -> None:
    """Give the application its routes for those who run it."""

    @app.get("/healthz")
    def healthz() -> Response:
        return plain("ok\n", 200)

    @app.get("/readyz")
    def readyz() -> Response:
        return readiness(service, cache, config, clock())

    @app.get("/metrics")
    def metrics() -> Response:
        if not is_operator(request.environ, config):
            abort(403)
        from feeds.web.metrics import MEDIA_TYPE, exposition  # noqa: PLC0415 - no server has to wait for it before its first answer

        response = Response(exposition(meter, service, clock()), content_type=MEDIA_TYPE)
        response.headers["Cache-Control"] = "no-store"
        return response


def readiness(service: FeedService, cache: HotCache, config: Config, now: datetime) -> Response:
    """Return what `/readyz` says, as text or JSON by `Accept`.

    While the index is away, a worker that has seen it is ready still: where all were taken out of service for it, nobody would
    get the answers from before, which most polls ask for.

    Raises:
        NotReadyError: nothing was ever indexed.
        StoreError: the index is away, and this worker never saw it.
    """
    facts = dict(_facts(service, cache, config, now))
    if request.accept_mimetypes.best_match(["text/plain", "application/json"]) == "application/json":
        response = Response(json.dumps({"status": "ready"} | facts, indent=2) + "\n", content_type="application/json")
    else:
        response = plain("\n".join(("ready", *_lines(facts), "")), 200)
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = "no-store"
    return response


def _facts(service: FeedService, cache: HotCache, config: Config, now: datetime) -> Iterator[tuple[str, Any]]:
    """Yield that the index is away, and to operators everything; None is for what is not the case."""
    state = cache.state()
    if not is_operator(request.environ, config):
        if cache.trouble is not None:
            yield "index", "away"
        return
    yield "revision", state.revision
    if state.refreshed_at is not None:  # pragma: no branch - or it would not be ready
        yield "refreshed_at", f"{state.refreshed_at:%Y-%m-%dT%H:%M:%SZ}"
        yield "age_seconds", int((now - state.refreshed_at).total_seconds())
    try:
        health = service.health(now)
    except StoreError as error:
        yield "index", "away"
        yield "index_failure", str(error)
        return
    yield "index", "here"
    for each, count in health.counts.items():
        yield each.value, count
    yield "refresh_failure", health.failure
    yield "troubles", [escape_controls(trouble) for trouble in health.troubles[:_LISTED]]
    errors = [problem_line(one.path, problem) for one in health.refused for problem in one.problems if problem.level is Level.ERROR]
    yield "refused_files", errors[:_LISTED]


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the facts as text, each item of a list in a line of its own."""
    for name, fact in facts.items():
        for item in fact if isinstance(fact, list) else (fact,):
            yield f"{name}: {'-' if item is None else item}"

"""Responses that are no feeds and no pages: redirects, errors, short texts; and the headers that all have.

Knows Flask; knows no route. What goes wrong on purpose is turned into a status in one table.
"""

from __future__ import annotations

import logging
from urllib.parse import quote, urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from feeds import paths
from feeds.errors import FeedsError, NotFoundError, NotReadyError, RequestError, StoreError
from feeds.feed import Site
from feeds.model import Kind
from feeds.pages import MEDIA_TYPE, Suggestion, render_error
from feeds.web.requests import ForwardingError, UntrustedHostError

_log = logging.getLogger("feeds")
_ERROR_MAX_AGE_SECONDS = 30
_MOVED_MAX_AGE_SECONDS = 3600
RETRY_AFTER_SECONDS = 5
_STATUS: dict[type[FeedsError], int] = {
    UntrustedHostError: 400,
    ForwardingError: 400,
    RequestError: 400,
    NotFoundError: 404,
    NotReadyError: 503,
}
# Anybody's program may read the feeds, wherever it runs; nobody gets to guess what they are.
OPEN_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Last-Modified, Link"),
)
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' https: http:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
NOT_FOR_ROBOTS = (("X-Robots-Tag", "noindex"),)
PAGE_HEADERS = (
    *OPEN_HEADERS,
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)


def plain(text: str, status: int) -> Response:
    """Return a short text."""
    return Response(text, status, content_type="text/plain; charset=utf-8")


def moved(path: str, spelling: str, site: Site) -> Response:
    """Redirect for good, relative to the request: so never to another host, and right behind any proxy.

    A spelling with a slash may have come as `/` or as `%2F`, and WSGI does not tell; so how deep the request is isn't known.
    """
    depth_is_known = request.environ["PATH_INFO"] and "/" not in spelling
    location = paths.relative(path, quote(request.path)) if depth_is_known else urlsplit(site.base_url).path + path
    response = plain(f"moved to {location}\n", 301)
    response.headers["Location"] = location
    response.headers["Cache-Control"] = f"public, max-age={_MOVED_MAX_AGE_SECONDS}"
    return response


def elsewhere(path: str) -> Response:
    """Send a form that was filled in to the address of what it asks for, this time only."""
    response = plain("", 303)
    response.headers["Location"] = paths.relative(path, quote(request.path))
    response.headers["Cache-Control"] = "no-store"
    return response


def register_errors(app: Flask, title: str, language: str) -> None:
    """Give the application its error handlers, and every response the headers that all have."""

    @app.errorhandler(FeedsError)
    def failed(error: FeedsError) -> Response:
        if isinstance(error, StoreError):
            _log.error("%s", error)  # it names files and hosts, which are not for the public
            return _error(503, "the index can't be read right now", None, title, language)
        return _error(_STATUS[type(error)], str(error), error, title, language)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 500
        response = _error(status, error.name, None, title, language)
        if status == 405:
            response.headers["Allow"] = "GET, HEAD, OPTIONS"
        return response

    @app.after_request
    def open_to_all(response: Response) -> Response:
        response.headers.update(OPEN_HEADERS)
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
            response.headers["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
        return response


def _error(status: int, message: str, error: FeedsError | None, title: str, language: str) -> Response:
    if request.accept_mimetypes.best_match(["text/plain", "text/html"]) == "text/html":
        near = _near(error) if isinstance(error, NotFoundError) else []
        message = f"there is no {error.what}" if isinstance(error, NotFoundError) else message
        html = render_error(status, message, near, quote(request.path), title=title, language=language)
        response = Response(html, status, content_type=MEDIA_TYPE)
        response.headers.update(PAGE_HEADERS)
    else:
        response = plain(f"{message}\n", status)
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = f"public, max-age={_ERROR_MAX_AGE_SECONDS}"
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        response.headers["Cache-Control"] = "no-store"
    return response


def _near(error: NotFoundError) -> list[Suggestion]:
    kind = Kind((request.view_args or {}).get("kind", Kind.ALL))
    has_page = kind is not Kind.ALL and error.what.startswith(f"{kind.singular} ")
    return [Suggestion(name, slug, paths.page_path(kind, slug) if has_page else None) for name, slug in error.suggestions]

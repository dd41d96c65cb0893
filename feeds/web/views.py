"""Routes: from a URL to a use case and from its result to a response. Knows Flask and HTTP; decides nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from flask import Flask, Response, render_template, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from feeds import paths
from feeds.config import Config
from feeds.errors import FeedsError, NotFoundError, NotReadyError, RequestError, StoreError
from feeds.model import DEFAULT_OPTIONS, Document, FeedAddress, FeedOptions, Kind, Site
from feeds.render import FORMATS
from feeds.service import FeedService, Moved
from feeds.web.requests import UntrustedHostError, site_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_log = logging.getLogger("feeds")
_STALE_SECONDS = 86_400  # how long caches may serve an old answer while they fetch a new one, or while we are away
_ERROR_MAX_AGE_SECONDS = 30
_MOVED_MAX_AGE_SECONDS = 3600
_RETRY_AFTER_SECONDS = 5
_STATUS: dict[type[FeedsError], int] = {
    UntrustedHostError: 400,
    RequestError: 400,
    NotFoundError: 404,
    NotReadyError: 503,
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: http:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ANY_KIND = ",".join(kind for kind in Kind if kind)


class _Answer(Response):
    """A response whose 304 keeps `Last-Modified`: some readers go by nothing else, and RFC 9110 section 15.4.5 allows it."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = super().get_wsgi_headers(environ)
        if self.last_modified is not None:
            headers["Last-Modified"] = self.headers["Last-Modified"]
        return headers


def register(app: Flask, service: FeedService, config: Config, clock: Callable[[], datetime]) -> None:
    """Give the application its routes and error handlers."""

    def feed(address: FeedAddress, extension: str) -> Response:
        site, now = site_of(request, config), clock()
        try:
            document = service.document(address, extension, site, now)
        except Moved as moved:
            return _moved(paths.feed_path(moved.address, extension), address.slug, site)
        response = _answer(document, site, now)
        response.headers["Link"] = _link_header(address, extension, site)
        return response

    def page(kind: Kind, slug: str) -> Response:
        site, now = site_of(request, config), clock()
        try:
            shown = service.page(kind, slug, site, now)
        except Moved as moved:
            return _moved(paths.page_path(kind, moved.address.slug), slug, site)
        path = paths.page_path(kind, slug)
        if not request.environ["PATH_INFO"].endswith("/"):
            return _moved(path, slug, site)
        html = render_template(
            "page.html",
            page=shown,
            site=site,
            path=path,
            formats=FORMATS,
            feed_path=lambda collection, extension: _relative_feed(collection.kind, collection.slug, extension, path),
            page_path=lambda collection: paths.relative(paths.page_path(collection.kind, collection.slug), path),
            relative=lambda target: paths.relative(target, path),
        )
        document = Document(html.encode(), "text/html; charset=utf-8", shown.modified_at, shown.next_turn_at)
        response = _answer(document, site, now)
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        return response

    @app.get("/", strict_slashes=False)  # without a slash where the application is mounted; Flask would redirect to any host
    def site_page() -> Response:
        return page(Kind.ALL, "")

    @app.get("/<string:part>.<string:extension>")
    def site_feed(part: str, extension: str) -> Response:
        return feed(FeedAddress(part=part, options=_options()), extension)

    @app.get(f"/<any({_ANY_KIND}):kind>/<path:rest>")
    def collection(kind: str, rest: str) -> Response:
        slug, _, name = rest.rpartition("/")
        part, dot, extension = name.rpartition(".")
        if slug and dot and (part == paths.SUBSCRIPTION or paths.period_of(part)):
            return feed(FeedAddress(Kind(kind), slug, part, _options()), extension)
        return page(Kind(kind), rest.removesuffix("/"))

    @app.get(paths.OPML_PATH)
    def subscriptions() -> Response:
        site, now = site_of(request, config), clock()
        extension = request.args.get("format", "rss")
        if extension not in FORMATS:
            raise RequestError("format", f"has to be one of {', '.join(FORMATS)}")
        return _answer(service.subscriptions(extension, site, now), site, now)

    @app.get("/healthz")
    def healthz() -> Response:
        return _plain("ok\n", 200)

    @app.get("/readyz")
    def readyz() -> Response:
        if service.state(clock()).refreshed_at is None:
            raise NotReadyError
        return _plain("ready\n", 200)

    @app.errorhandler(FeedsError)
    def failed(error: FeedsError) -> Response:
        if isinstance(error, StoreError):
            _log.error("%s", error)  # it names files and hosts, which are not for the public
            return _error(503, "the index can't be read right now", None)
        return _error(_STATUS[type(error)], str(error), error)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 500
        response = _error(status, error.name, None)
        if status == 405:
            response.headers["Allow"] = "GET, HEAD, OPTIONS"
        return response

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Link"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
            response.headers["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
        return response


def _options() -> FeedOptions:
    return paths.options(request.args.to_dict(flat=False))


def _answer(document: Document, site: Site, now: datetime) -> Response:
    """Return a document with its validators, or 304 where the client has it (RFC 9110 section 13)."""
    response = _Answer(document.body, content_type=document.media_type)
    response.set_etag(document.etag)
    if document.modified_at is not None:
        response.last_modified = document.modified_at
    max_age = site.max_age_seconds
    if document.next_turn_at is not None:
        max_age = min(max_age, int((document.next_turn_at - now).total_seconds()))
    response.headers["Cache-Control"] = (
        f"public, max-age={max_age}, stale-while-revalidate={_STALE_SECONDS}, stale-if-error={_STALE_SECONDS}"
    )
    response.make_conditional(request)
    if document.modified_at is not None:
        # Compared as recorded, sent as RFC 9110 section 8.8.2.1 wants it: never after the moment of the answer.
        response.last_modified = min(document.modified_at, now)
    return response


def _link_header(address: FeedAddress, extension: str, site: Site) -> str:
    has_hub = site.hub and address.part == paths.SUBSCRIPTION and address.options == DEFAULT_OPTIONS
    hub = f', <{site.hub}>; rel="hub"' if has_hub else ""
    return f'<{site.base_url}{paths.feed_path(address, extension)}>; rel="self"{hub}'


def _relative_feed(kind: Kind, slug: str, extension: str, path: str) -> str:
    return paths.relative(paths.feed_path(FeedAddress(kind, slug), extension), path)


def _moved(path: str, spelling: str, site: Site) -> Response:
    """Redirect for good, relative to the request: so never to another host, and right behind any proxy.

    A spelling with a slash may have come as `/` or as `%2F`, and WSGI does not tell; so how deep the request is isn't known.
    """
    depth_is_known = request.environ["PATH_INFO"] and "/" not in spelling
    location = paths.relative(path, quote(request.path)) if depth_is_known else urlsplit(site.base_url).path + path
    response = _plain(f"moved to {location}\n", 301)
    response.headers["Location"] = location
    response.headers["Cache-Control"] = f"public, max-age={_MOVED_MAX_AGE_SECONDS}"
    return response


def _error(status: int, message: str, error: FeedsError | None) -> Response:
    if request.accept_mimetypes.best_match(["text/plain", "text/html"]) == "text/html":
        near = _near(error) if isinstance(error, NotFoundError) else []
        message = f"there is no {error.what}" if isinstance(error, NotFoundError) else message
        home = paths.relative("/", quote(request.path))
        html = render_template("error.html", status=status, message=message, suggestions=near, home=home)
        response = Response(html, status, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
    else:
        response = _plain(f"{message}\n", status)
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = f"public, max-age={_ERROR_MAX_AGE_SECONDS}"
    if status == 503:
        response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
        response.headers["Cache-Control"] = "no-store"
    return response


def _near(error: NotFoundError) -> list[tuple[str, str, str | None]]:
    """Return the suggestions as (name, slug, where its page is)."""
    kind = Kind((request.view_args or {}).get("kind", Kind.ALL))
    has_page = kind is not Kind.ALL and error.what.startswith(f"{kind.singular} ")
    return [
        (name, slug, paths.relative(paths.page_path(kind, slug), quote(request.path)) if has_page else None)
        for name, slug in error.suggestions
    ]


def _plain(text: str, status: int) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")

"""Routes: from a URL to a use case and from its result to an answer. Knows Flask; decides nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, request
from msgspec.structs import replace
from werkzeug.datastructures import Headers
from werkzeug.routing import BaseConverter

from feeds import parameters, paths
from feeds.assembly import Moved
from feeds.config import Config
from feeds.errors import RequestError
from feeds.feed import DEFAULT_OPTIONS, Document, FeedAddress, FeedOptions, PageAddress, RelatedOption, Site
from feeds.model import Kind
from feeds.pages import MEDIA_TYPE, render_page
from feeds.pages.static import STATIC_FILES
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.web.answers import Answer
from feeds.web.hotcache import HotCache, Subject
from feeds.web.requests import site_of, speller
from feeds.web.responses import NOT_FOR_ROBOTS, OPEN_HEADERS, PAGE_HEADERS, moved
from feeds.web.robots import register_robots
from feeds.web.search import register_search

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_FOR_GOOD_SECONDS = 31_536_000  # a year
_ANY_KIND = ",".join(kind for kind in Kind if kind)


class _Month(BaseConverter):
    """A month in a path."""

    regex = "[0-9]{4}-[0-9]{2}"


class _Response(Response):
    """A response whose 304 keeps `Last-Modified`: some readers go by nothing else, and RFC 9110 section 15.4.5 allows it."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = super().get_wsgi_headers(environ)
        if self.last_modified is not None:
            headers["Last-Modified"] = self.headers["Last-Modified"]
        return headers


def register(app: Flask, service: FeedService, cache: HotCache, config: Config, clock: Callable[[], datetime]) -> None:
    """Give the application its routes."""
    app.url_map.converters["month"] = _Month
    spell = speller(config)

    def given(subject: Subject, make: Callable[[], Answer]) -> Response:
        spelling = spell(request.environ)
        answer = cache.answer(subject, make, spelling)
        response = _Response(*_in_flask_order(answer, clock(), cache.state().next_turn_at))
        cache.weigh(spelling)
        return response

    def feed(address: FeedAddress, extension: str) -> Response:
        site = site_of(request, config)
        url = site.base_url + paths.feed_path(address, extension)

        def make() -> Answer:
            document = service.document(address, extension, site, clock())
            headers = (*OPEN_HEADERS, ("Link", _link_header(url, address, site)), *(() if address.slice is None else NOT_FOR_ROBOTS))
            return Answer(document, site.max_age_seconds, headers)

        try:
            is_wide = address.slice is not None or address.options.related is RelatedOption.ENTRIES
            return given(Subject(url, address.kind, address.slug, is_wide), make)
        except Moved as error:
            return moved(paths.feed_path(error.address, extension), address.slug, site)

    def page(address: PageAddress) -> Response:
        site, path = site_of(request, config), paths.path_of(address)

        def make() -> Answer:
            # A page shows other collections, too: nothing records when one changed, and it goes by its bytes alone.
            document = Document(render_page(service.page(address, site, clock()), site), MEDIA_TYPE, None)
            return Answer(document, site.max_age_seconds, PAGE_HEADERS)

        try:
            if request.environ["PATH_INFO"].endswith("/"):
                return given(Subject(site.base_url + path, address.kind, address.slug, is_wide=True), make)
            make()  # where there is such a page, it has moved
        except Moved as error:
            path = paths.path_of(replace(address, slug=error.address.slug))
        return moved(path, address.slug, site)

    @app.get("/", strict_slashes=False)  # without a slash where the application is mounted; Flask would redirect to any host
    def site_page() -> Response:
        return page(PageAddress())

    @app.get("/<month:month>/", strict_slashes=False)
    @app.get("/<month:month>/<string:number>/", strict_slashes=False)
    def site_month(month: str, number: str = "") -> Response:
        return page(paths.page_of(Kind.ALL, f"{month}/{number}" if number else month))

    @app.get("/<string:part>.<string:extension>")
    def site_feed(part: str, extension: str) -> Response:
        return feed(FeedAddress(part=part, options=_options(config)), extension)

    @app.get(f"/<any({_ANY_KIND}):kind>/<path:rest>")
    @app.get(f"/<any({_ANY_KIND}):kind>/", strict_slashes=False)
    def collection(kind: str, rest: str = "") -> Response:
        slug, _, name = rest.rpartition("/")
        part, dot, extension = name.rpartition(".")
        if slug and dot and (part == paths.SUBSCRIPTION or paths.period_of(part)):
            return feed(FeedAddress(Kind(kind), slug, part, _options(config)), extension)
        return page(paths.page_of(Kind(kind), rest.removesuffix("/")))

    if config.search:
        register_search(app, service, given, config, clock)

        @app.get("/search/feed.<string:extension>")
        def search_feed(extension: str) -> Response:
            asked = request.args.to_dict(flat=False)
            part = service.known_slice(parameters.slice_of(asked), clock())
            return feed(FeedAddress(options=parameters.options(asked, config.page_size), slice=part), extension)

    @app.get(paths.OPML_PATH)
    def subscriptions() -> Response:
        site = site_of(request, config)
        extension = request.args.get("format", "rss")
        if extension not in FORMATS:
            raise RequestError("format", f"has to be one of {', '.join(FORMATS)}")

        def make() -> Answer:
            return Answer(service.subscriptions(extension, site, clock()), site.max_age_seconds, OPEN_HEADERS)

        return given(Subject(f"{site.base_url}{paths.OPML_PATH}?format={extension}", Kind.ALL, "", is_wide=True), make)

    register_robots(app, service, given, config, clock)

    @app.get("/static/<string:file_name>")
    def static_file(file_name: str) -> Response:
        found = STATIC_FILES.get(paths.static_name(file_name)) or abort(404)
        document = Document(found.body, found.media_type, None)
        # Another version may be asked for by a page out of a cache, or from a server that was upgraded already.
        max_age_seconds = _FOR_GOOD_SECONDS if request.path == found.url_path else config.max_age_seconds
        return _Response(*_in_flask_order(Answer(document, max_age_seconds, OPEN_HEADERS), clock(), None))


def _in_flask_order(answer: Answer, now: datetime, next_turn_at: datetime | None) -> tuple[bytes, str, list[tuple[str, str]]]:
    status, headers, body = answer.reply(request.environ, now, next_turn_at)
    return body, status, headers


def _options(config: Config) -> FeedOptions:
    return parameters.options(request.args.to_dict(flat=False), config.page_size)


def _link_header(url: str, address: FeedAddress, site: Site) -> str:
    has_hub = site.hub and address.slice is None and address.part == paths.SUBSCRIPTION and address.options == DEFAULT_OPTIONS
    hub = f', <{site.hub}>; rel="hub"' if has_hub else ""
    return f'<{url}>; rel="self"{hub}'

"""The route of the page of any slice. Knows Flask and what browsers make of a form; decides nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from flask import Flask, Response, request

from feeds import parameters, paths
from feeds.config import Config
from feeds.feed import Document
from feeds.model import Kind
from feeds.pages import MEDIA_TYPE, render_search
from feeds.service import FeedService
from feeds.web.answers import Answer
from feeds.web.hotcache import Subject
from feeds.web.requests import site_of
from feeds.web.responses import NOT_FOR_ROBOTS, PAGE_HEADERS, elsewhere


def register_search(
    app: Flask,
    service: FeedService,
    given: Callable[[Subject, Callable[[], Answer]], Response],
    config: Config,
    clock: Callable[[], datetime],
) -> None:
    """Give the application the page of any slice; `given` returns the answer for a subject."""

    @app.get(paths.SEARCH_PATH, strict_slashes=False)
    def search_page() -> Response:
        site = site_of(request, config)
        # A browser sends the fields of a form that nobody filled, too.
        asked = {name: filled for name, values in request.args.lists() if (filled := [value for value in values if value.strip()])}
        options, part = parameters.options(asked, config.page_size), service.known_slice(parameters.slice_of(asked), clock())
        path = paths.search_path(options, part)
        if sorted(request.args.items(multi=True)) != sorted(parse_qsl(urlsplit(path).query)) or not request.path.endswith("/"):
            return elsewhere(path)

        def make() -> Answer:
            document = Document(render_search(service.search_page(part, options, site, clock()), site), MEDIA_TYPE, None)
            return Answer(document, site.max_age_seconds, (*PAGE_HEADERS, *NOT_FOR_ROBOTS))

        return given(Subject(site.base_url + path, Kind.ALL, "", is_wide=True), make)

"""The routes of what search engines read. Knows Flask; decides nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask, Response, request

from feeds import paths
from feeds.config import Config
from feeds.errors import NotFoundError
from feeds.feed import Document
from feeds.model import Kind
from feeds.pages import sitemap
from feeds.service import FeedService
from feeds.web.answers import Answer
from feeds.web.hotcache import Subject
from feeds.web.requests import site_of
from feeds.web.responses import OPEN_HEADERS


def register_robots(
    app: Flask,
    service: FeedService,
    given: Callable[[Subject, Callable[[], Answer]], Response],
    config: Config,
    clock: Callable[[], datetime],
) -> None:
    """Give the application robots.txt and the sitemap; `given` returns the answer for a subject."""

    @app.get(paths.ROBOTS_PATH)
    def robots() -> Response:
        site = site_of(request, config)

        def make() -> Answer:
            return Answer(Document(sitemap.render_robots(site), sitemap.ROBOTS_MEDIA_TYPE, None), site.max_age_seconds, OPEN_HEADERS)

        return given(Subject(site.base_url + paths.ROBOTS_PATH, Kind.ALL, "", is_wide=True), make)

    @app.get(paths.sitemap_path())
    @app.get("/sitemap-<int:number>.xml")
    def site_map(number: int = 0) -> Response:
        site = site_of(request, config)

        def make() -> Answer:
            body = sitemap.render_sitemap(service.page_addresses(clock()), number, site)
            if body is None:
                raise NotFoundError(f"part {number} of the sitemap")
            return Answer(Document(body, sitemap.MEDIA_TYPE, None), site.max_age_seconds, OPEN_HEADERS)

        return given(Subject(site.base_url + paths.sitemap_path(number), Kind.ALL, "", is_wide=True), make)

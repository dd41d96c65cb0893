"""Feeds over HTTP. The one place that knows Flask; it knows no index and no format.

`create_app` is all there is to import.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask

from feeds.clock import now
from feeds.config import Config
from feeds.metering import Meter
from feeds.render.kept import KeptEntries
from feeds.service import FeedService
from feeds.store.sql import connect_store
from feeds.web.access import guarded
from feeds.web.accesslog import logged
from feeds.web.admission import admitted
from feeds.web.counting import counted
from feeds.web.early import answer_early
from feeds.web.hotcache import HotCache
from feeds.web.readiness import register_health
from feeds.web.requests import speller
from feeds.web.responses import register_errors
from feeds.web.views import register

_CHECK_SECONDS = 0.25
_KEPT_BYTES = 4 * 1024 * 1024  # entries that other feeds have as well, in each worker


def create_app(config: Config, clock: Callable[[], datetime] = now, check_seconds: float = _CHECK_SECONDS) -> Flask:
    """Return the WSGI application of a site.

    What it knows of the index is at most `check_seconds` old, and half a second more where the server can wait (see `later`).
    Where the content is set, a thread looks through the folder every `refresh_seconds`, at once for the first time.

    Raises:
        ConfigError: the settings name no index and no folder, or a folder that is none.
        StoreError: the index can't be opened. One whose server is away, or that is damaged, is looked for with each question.
    """
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # it redirects to the host that the request names
    service = FeedService(connect_store(config.database_url), KeptEntries(_KEPT_BYTES))
    cache = HotCache(service, clock, check_seconds)
    meter = Meter(config.counts_folder)
    register(app, service, cache, config, clock)
    register_health(app, service, cache, config, clock, meter=meter)
    register_errors(app, config.title, config.language)
    spell = speller(config)
    ready = answer_early(cache, counted(meter, admitted(cache, app.wsgi_app, clock, spell)), clock, spell, meter)
    served = guarded(config.access_keys, ready, meter) if config.access_keys else ready
    app.wsgi_app = logged(served, config) if config.access_log else served  # type: ignore[assignment, method-assign] # as Flask's docs have it
    if config.content is not None and config.refresh_seconds:
        from feeds.watching import watch_in_background  # noqa: PLC0415 - not needed where another process keeps the index

        watch_in_background(service, config, clock, meter)
    return app

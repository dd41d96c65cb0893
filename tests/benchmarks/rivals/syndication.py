"""Django's syndication framework with its cache, conditional requests and gzip.

It has the entries in memory, from the JSON Feed that BENCHMARK_ENTRIES names, so it is spared the question to a database.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    CACHE_MIDDLEWARE_SECONDS=3600,
    MIDDLEWARE=[
        "django.middleware.cache.UpdateCacheMiddleware",
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        "django.middleware.cache.FetchFromCacheMiddleware",
    ],
    SECRET_KEY="benchmark",  # noqa: S106 - signs nothing
)

# After the settings, as Django wants it.
from django.contrib.syndication.views import Feed  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.feedgenerator import Rss201rev2Feed  # noqa: E402
from django.views.decorators.cache import never_cache  # noqa: E402

_entries = json.loads(Path(os.environ["BENCHMARK_ENTRIES"]).read_bytes())["items"]


class _RssWithContent(Rss201rev2Feed):
    def rss_attributes(self) -> dict[str, str]:
        return super().rss_attributes() | {"xmlns:content": "http://purl.org/rss/1.0/modules/content/"}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content:encoded", item["content"])


class _Entries(Feed):
    feed_type, title, link, description = _RssWithContent, "Example News", "/", "Articles"

    def items(self) -> list[dict[str, Any]]:
        return list(_entries)

    def item_title(self, item: dict[str, Any]) -> str:
        return str(item["title"])

    def item_link(self, item: dict[str, Any]) -> str:
        return str(item["url"])

    def item_description(self, item: dict[str, Any]) -> str:
        return str(item.get("summary", ""))

    def item_pubdate(self, item: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(item["date_published"])

    def item_guid(self, item: dict[str, Any]) -> str:
        return str(item["id"])

    def item_categories(self, item: dict[str, Any]) -> list[str]:
        return list(item.get("tags", ()))

    def item_extra_kwargs(self, item: dict[str, Any]) -> dict[str, Any]:
        return {"content": item.get("content_html", "")}


urlpatterns = [path("feed.rss", _Entries()), path("search/feed.rss", never_cache(_Entries()))]
app = get_wsgi_application()

"""Values for tests, valid by default: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from flask.testing import FlaskClient
from msgspec.structs import replace

from feeds.config import Config
from feeds.content.folder import Candidate, scan
from feeds.feed import Feed, Site
from feeds.identity import article_id
from feeds.model import (
    EVERYTHING,
    Article,
    ArticleQuery,
    FileFacts,
    Image,
    Kind,
    Label,
    ListedArticle,
    Outcome,
    Problem,
    Provider,
    Related,
    State,
    TopicFacts,
)
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.store.prepared import prepare
from feeds.store.sql import open_store
from feeds.web import create_app

NOON = datetime(2024, 5, 17, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SITE = Site(
    base_url="https://feeds.example.org",
    site_url="https://www.example.org",
    site_id="https://feeds.example.org",
    title="Example News",
    description="News about examples",
    language="en",
    max_age_seconds=300,
)


def candidates(folder: Path, parts: tuple[str, ...] = EVERYTHING) -> list[Candidate]:
    """Return every candidate of a folder, or of parts of it, by path."""
    found = scan(folder, parts)
    return found.candidates(sorted(found.stamps))


def article(name: str = "a", **changes: Any) -> Article:
    """Return an article whose URL ends in `name`, published at NOON."""
    url = changes.pop("url", f"https://news.example.com/{name}")
    published_at = changes.pop("published_at", NOON)
    facts = {
        "id": article_id(url),
        "title": f"Title of {name}",
        "url": url,
        "published_at": published_at,
        "updated_at": published_at,
        "excerpt": f"Excerpt of {name}",
        "topics": ("AI",),
        "provider": Provider("Example Times", "example.com"),
        "type": "article",
        "category": "news",
    }
    return Article(**(facts | changes))


def related(name: str = "r", **changes: Any) -> Related:
    """Return a story whose URL ends in `name`."""
    url = changes.pop("url", f"https://elsewhere.example.net/{name}")
    facts = {"id": article_id(url), "title": f"Story {name}", "url": url, "provider": Provider("Elsewhere", "example.net")}
    return Related(**(facts | changes))


def image(name: str = "i", **changes: Any) -> Image:
    """Return a picture whose URL ends in `name`.jpg."""
    return Image(**({"url": f"https://img.example.com/{name}.jpg", "width": 800, "height": 400} | changes))


def listed(article: Article, *topics: str, **changes: Any) -> ListedArticle:
    """Return an article as the index lists it, with its topics' slugs as given or made of their names."""
    slugs = topics or tuple(name.lower().replace(" ", "-") for name in article.topics)
    labels = tuple(Label(slug, name) for slug, name in zip(slugs, article.topics, strict=True))
    return replace(ListedArticle(article, article.published_at, labels), **changes)


def feed(*articles: Article, **changes: Any) -> Feed:
    """Return a feed of articles."""
    facts = {
        "id": "urn:uuid:00000000-0000-5000-8000-000000000000",
        "title": "AI – Example News",
        "description": "Articles about AI",
        "page_url": f"{SITE.base_url}/topics/ai/",
        "self_url": f"{SITE.base_url}/topics/ai/feed.rss",
        "updated_at": max((one.updated_at for one in articles), default=NOON),
        "site": SITE,
        "articles": tuple(map(listed, articles)),
    }
    return Feed(**(facts | changes))


def outcome(path: str, article: Article | None = None, **changes: Any) -> Outcome:
    """Return what a good file came to, or with `state` and `takedown` another one."""
    facts: dict[str, Any] = {"path": path, "article": article, "state": State.SHOWN if article else State.SKIPPED}
    return Outcome(**(facts | {"id": article.id if article else None} | changes))


def good(name: str = "a", path: str | None = None, **changes: Any) -> Outcome:
    """Return what a good file came to: the article of that name, in the file `path` or `NAME.md`."""
    return outcome(path or f"{name}.md", article(name, **changes))


def refresh(
    store: Store,
    now: datetime,
    *outcomes: Outcome,
    gone: Iterable[str] = (),
    topics: Iterable[tuple[str, TopicFacts | None, tuple[Problem, ...]]] | None = None,
    fingerprint: str = "settings",
) -> bool:
    """Refresh an index with what files came to and which are gone; return whether a feed can differ."""
    with store.refreshing(now) as refreshing:
        refreshing.put((FileFacts(1, 1, one.path.encode()), prepare(one)) for one in outcomes)
        refreshing.forget(gone)
        if topics is not None:
            refreshing.put_topics(topics)
        return refreshing.finish(fingerprint)


def titles(store: Store, now: datetime, kind: Kind = Kind.ALL, slug: str = "") -> list[str]:
    """Return the titles of what an index shows of a collection at a moment, in order."""
    with store.reading(now) as view:
        return [one.article.title for one in view.articles(ArticleQuery(kind, slug, limit=None))]


def front_matter(name: str = "a", **changes: Any) -> dict[str, Any]:
    """Return the front matter of an article file whose URL ends in `name`; a change to None leaves a key out."""
    facts = {
        "title": f"Title of {name}",
        "excerpt": f"Excerpt of {name}",
        "publishedDateTime": "2024-05-17T12:00:00Z",
        "webUrl": f"https://news.example.com/{name}",
        "type": "article",
        "category": "news",
        "provider": {"name": "Example Times", "domain": "example.com"},
        "topics": ["AI"],
    } | changes
    return {key: value for key, value in facts.items() if value is not None}


def source(body: str = "", name: str = "a", **changes: Any) -> str:
    """Return the text of an article file."""
    return f"---\n{yaml.safe_dump(front_matter(name, **changes), allow_unicode=True, sort_keys=False)}---\n{body}"


def write_article(folder: Path, name: str = "a", body: str = "", **changes: Any) -> Path:
    """Write an article file `NAME.md` into a folder, making it where needed, and return its path."""
    path = folder / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source(body, name, **changes), "utf-8")
    return path


def client_of(config: Config, clock: Callable[[], datetime]) -> FlaskClient:
    """Return a client of the application with these settings, after a refresh of its folder."""
    store = open_store(config.database_url)
    FeedService(store).refresh(config.content_folder(), config.fingerprint(), clock())
    store.close()
    return create_app(config, clock, check_seconds=0).test_client()


def write_topic(folder: Path, slug: str, **facts: Any) -> None:
    """Write a file of the site's topic data into a content folder."""
    path = folder / "_data" / "topics" / f"{slug}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"_id": slug} | facts, allow_unicode=True, sort_keys=False), "utf-8")

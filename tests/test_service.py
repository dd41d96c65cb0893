"""The use cases: from a folder to an index, and from an index to documents, lists and pages."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from feeds.content.folder import FolderError
from feeds.errors import NotFoundError, NotReadyError
from feeds.identity import article_id, feed_id
from feeds.model import FeedAddress, FeedOptions, FileReport, Kind, Level, Problem, RelatedOption, State
from feeds.render import FORMATS
from feeds.service import FeedService, Moved
from feeds.store.base import RefreshResult, Store

from .builders import DAY, NOON, SITE, good, refresh, titles, write_article

HOUR = timedelta(hours=1)
FINGERPRINT = "settings"
AI = FeedAddress(Kind.TOPIC, "ai")


def counts(**states: int) -> dict[State, int]:
    return {state: states.get(state.value, 0) for state in State}


def write_topic(content: Path, name: str, **facts: Any) -> None:
    folder = content / "_data" / "topics"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(facts, allow_unicode=True), "utf-8")


def read(service: FeedService, address: FeedAddress = AI, now: datetime = NOON, **site: Any) -> Any:
    """Return a feed in JSON, as an object."""
    return json.loads(service.document(address, "json", replace(SITE, **site), now).body)


def test_refresh_reads_the_folder(service: FeedService, store: Store, content: Path) -> None:
    write_article(content, "a")
    write_article(content, "deep/er/b", publishedDateTime="2024-05-16T00:00:00Z")
    (content / "README.md").write_text("Hello", "utf-8")

    assert service.refresh(content, FINGERPRINT, NOON) == RefreshResult(3, 0, True, counts(shown=2, skipped=1))
    assert titles(store, NOON) == ["Title of a", "Title of deep/er/b"]


def test_refresh_of_an_unchanged_folder_reads_nothing(service: FeedService, content: Path) -> None:
    write_article(content)
    service.refresh(content, FINGERPRINT, NOON)

    assert service.refresh(content, FINGERPRINT, NOON + HOUR) == RefreshResult(0, 0, False, counts(shown=1))


def test_file_that_was_only_touched_changes_nothing(service: FeedService, store: Store, content: Path) -> None:
    file = write_article(content)
    service.refresh(content, FINGERPRINT, NOON)
    os.utime(file, (1, 1))

    assert service.refresh(content, FINGERPRINT, NOON + HOUR) == RefreshResult(0, 0, False, counts(shown=1))
    with store.refreshing(NOON) as refreshing:
        assert refreshing.known_files()["a.md"].modified_ns == 1_000_000_000
        refreshing.abandon()


def test_refresh_reads_what_changed_and_forgets_what_is_gone(service: FeedService, store: Store, content: Path) -> None:
    gone, changed = write_article(content, "gone"), write_article(content, "changed")
    write_article(content, "same")
    service.refresh(content, FINGERPRINT, NOON)
    gone.unlink()
    changed.write_text(changed.read_text("utf-8").replace("Title", "New title"), "utf-8")

    assert service.refresh(content, FINGERPRINT, NOON + HOUR) == RefreshResult(1, 1, True, counts(shown=2))
    assert sorted(titles(store, NOON)) == ["New title of changed", "Title of same"]


def test_other_settings_are_a_change(service: FeedService, content: Path) -> None:
    service.refresh(content, FINGERPRINT, NOON)

    assert service.refresh(content, "others", NOON + HOUR).changed


def test_folder_that_cannot_be_read_leaves_the_index_as_it_was(service: FeedService, store: Store, content: Path) -> None:
    write_article(content)
    service.refresh(content, FINGERPRINT, NOON)

    with pytest.raises(FolderError):
        service.refresh(content / "nowhere", FINGERPRINT, NOON + HOUR)
    assert titles(store, NOON) == ["Title of a"]
    assert service.state(NOON).refreshed_at == NOON


def test_check_says_what_a_refresh_would_and_leaves_the_index_as_it_was(service: FeedService, store: Store, content: Path) -> None:
    file = write_article(content, "a")
    service.refresh(content, FINGERPRINT, NOON)
    file.write_text("---\ntitle: [\n---\n", "utf-8")
    write_article(content, "b", draft=True)
    write_article(content, "c", quality="much")
    write_topic(content, "ai", _id="ai")
    before = service.state(NOON)

    result = service.check(content, NOON + HOUR)
    assert result.counts == counts(shown=1, hidden=1, refused=1)
    said = {report.path: (report.state, report.problems[0].level, report.problems[0].field) for report in result.reports}
    assert said == {
        "a.md": (State.REFUSED, Level.ERROR, None),
        "b.md": (State.HIDDEN, Level.WARNING, "draft"),
        "c.md": (State.SHOWN, Level.WARNING, "quality"),
    }
    assert result.reports[0].problems[0].reason.endswith("; the last good version stays served")
    assert result.topic_problems == (("_data/topics/ai.yaml", Problem("is missing or empty", None, "name", Level.ERROR)),)
    assert result.findings is None
    assert service.state(NOON) == before
    assert titles(store, NOON) == ["Title of a"]
    assert service.refresh(content, FINGERPRINT, NOON + HOUR).counts == result.counts


def test_check_of_an_index_that_is_up_to_date_repeats_what_is_known(service: FeedService, content: Path) -> None:
    write_article(content, "a", draft=True)
    service.refresh(content, FINGERPRINT, NOON)

    assert [report.path for report in service.check(content, NOON).reports] == ["a.md"]


def test_check_warns_when_a_file_has_a_new_identity(service: FeedService, content: Path) -> None:
    write_article(content, "a")
    service.refresh(content, FINGERPRINT, NOON)
    write_article(content, "a", webUrl="https://news.example.com/b")

    before, now = article_id("https://news.example.com/a"), article_id("https://news.example.com/b")
    reason = f"is a new identity, {now}; it was {before}: readers show it again"
    assert service.check(content, NOON).reports == (FileReport("a.md", State.SHOWN, (Problem(reason, field="id"),)),)


def test_check_with_a_site_looks_at_the_feeds_too(service: FeedService, content: Path) -> None:
    write_article(content)

    assert service.check(content, NOON, SITE).findings == ()


def test_collections_of_a_kind_are_listed_by_name(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good(topics=("Robots", "AI")))

    assert [topic.name for topic in service.collections(Kind.TOPIC, NOON)] == ["AI", "Robots"]


@pytest.mark.parametrize("extension", FORMATS)
def test_document_is_the_feed_in_its_format(service: FeedService, store: Store, extension: str) -> None:
    refresh(store, NOON, good(), good("b", published_at=NOON + DAY))

    document = service.document(AI, extension, SITE, NOON)
    assert document.media_type == FORMATS[extension].media_type
    assert (document.modified_at, document.next_turn_at) == (NOON, NOON + DAY)
    assert b"Title of a" in document.body
    assert b"Title of b" not in document.body
    assert service.document(AI, extension, SITE, NOON + HOUR).body == document.body


def test_feed_says_what_it_is(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good(updated_at=NOON + HOUR), good("b"))

    found = read(service)
    assert {key: found[key] for key in ("title", "description", "home_page_url", "feed_url", "_feed")} == {
        "title": "AI – Example News",
        "description": "Articles about AI from Example News",
        "home_page_url": "https://feeds.example.org/topics/ai/",
        "feed_url": "https://feeds.example.org/topics/ai/feed.json",
        "_feed": {"id": feed_id(SITE.site_id, "/topics/ai/feed"), "updated": "2024-05-17T13:00:00Z"},
    }
    assert [item["title"] for item in found["items"]] == [f"Title of {one.path[0]}" for one in sorted([good(), good("b")], key=lambda one: one.id or "")]


def test_empty_feed_is_of_a_fixed_day(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, NOON, gone=["a.md"])

    found = read(service)
    assert found["items"] == []
    assert found["_feed"]["updated"] == "2000-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("kind", "slug", "title", "description"),
    [
        (Kind.ALL, "", "Example News", "News about examples"),
        (Kind.TOPIC, "ai", "AI – Example News", "Articles about AI from Example News"),
        (Kind.CATEGORY, "news", "news – Example News", "Articles in the category news from Example News"),
        (Kind.TYPE, "article", "article – Example News", "Articles of the type article from Example News"),
        (Kind.PROVIDER, "example.com", "Example Times – Example News", "Articles by Example Times from Example News"),
    ],
)
def test_every_feed_has_its_title_and_description(service: FeedService, store: Store, kind: Kind, slug: str, title: str, description: str) -> None:
    refresh(store, NOON, good())

    found = read(service, FeedAddress(kind, slug))
    assert (found["title"], found["description"]) == (title, description)
    page = service.page(kind, slug, SITE, NOON)
    assert (page.title, page.description) == (title, description)


def test_site_data_describes_its_topic(service: FeedService, content: Path) -> None:
    write_article(content, topics=["Vision"])
    images = [{"url": "/small.png", "width": 10, "height": 10}, {"url": "/large.png", "width": 90, "height": 90}]
    write_topic(content, "vision", _id="vision", name="Vision", description="Eyes", parent="artificial intelligence", images=images)
    write_topic(content, "ai", _id="ai", name="Artificial Intelligence")
    service.refresh(content, FINGERPRINT, NOON)

    found = read(service, FeedAddress(Kind.TOPIC, "vision"))
    assert found["description"] == "Eyes"
    assert found["icon"] == "https://www.example.org/large.png"
    assert found["_feed"]["parent"] == {"url": "https://feeds.example.org/topics/ai/", "title": "Artificial Intelligence"}


@pytest.mark.parametrize("parent", ["vision", "Vision", "nothing"])
def test_topic_whose_parent_is_itself_or_unknown_has_none(service: FeedService, content: Path, parent: str) -> None:
    write_topic(content, "vision", _id="vision", name="Vision", parent=parent)
    service.refresh(content, FINGERPRINT, NOON)

    assert "parent" not in read(service, FeedAddress(Kind.TOPIC, "vision"))["_feed"]


def test_provider_is_pictured_as_its_newest_article_has_it(service: FeedService, content: Path) -> None:
    for name, day in (("new", 17), ("old", 16)):
        provider = {"name": "Times", "domain": "example.com", "images": [{"url": f"https://example.com/{name}.png"}]}
        write_article(content, name, provider=provider, publishedDateTime=f"2024-05-{day}T00:00:00Z")
    service.refresh(content, FINGERPRINT, NOON)

    assert read(service, FeedAddress(Kind.PROVIDER, "example.com"))["icon"] == "https://example.com/new.png"
    assert "icon" not in read(service, FeedAddress(Kind.CATEGORY, "news"))


@pytest.mark.parametrize(
    ("address", "self_url", "path_of_id"),
    [
        (FeedAddress(), "/feed.json", "/feed"),
        (AI, "/topics/ai/feed.json", "/topics/ai/feed"),
        (replace(AI, part="2024-04"), "/topics/ai/2024-04.json", "/topics/ai/feed"),
        (replace(AI, part="2024-04-30"), "/topics/ai/2024-04-30.json", "/topics/ai/feed"),
        (replace(AI, part="2024-05-page-1"), "/topics/ai/2024-05-page-1.json", "/topics/ai/feed"),
        (replace(AI, options=FeedOptions(limit=20)), "/topics/ai/feed.json?limit=20", "/topics/ai/feed?limit=20"),
        (
            replace(AI, part="2024-04", options=FeedOptions(20, related=RelatedOption.NONE)),
            "/topics/ai/2024-04.json?limit=20&related=none",
            "/topics/ai/feed?limit=20&related=none",
        ),
    ],
)
def test_feed_has_its_canonical_url_and_the_id_of_all_its_documents(
    service: FeedService, store: Store, address: FeedAddress, self_url: str, path_of_id: str
) -> None:
    refresh(store, NOON, good("old", published_at=datetime.fromisoformat("2024-04-30T00:00:00Z")), *(good(str(number)) for number in range(51)))

    found = read(service, address, base_url="https://other.example.org/news")
    assert found["feed_url"] == f"https://other.example.org/news{self_url}"
    assert found["_feed"]["id"] == feed_id(SITE.site_id, path_of_id)


def test_documents_of_a_feed_link_to_each_other(service: FeedService, store: Store) -> None:
    months = [good(f"m{month}", published_at=datetime.fromisoformat(f"2024-0{month}-10T00:00:00Z")) for month in (2, 3, 4)]
    refresh(store, NOON, *months, *(good(str(number)) for number in range(51)))

    ai = "https://feeds.example.org/topics/ai"
    subscription, page, archive = (read(service, replace(AI, part=part)) for part in ("feed", "2024-05-page-1", "2024-03"))
    assert subscription["next_url"] == f"{ai}/2024-05-page-1.json"
    assert subscription["_feed"]["prev_archive"] == page["next_url"] == f"{ai}/2024-04.json"
    assert archive["next_url"] == archive["_feed"]["prev_archive"] == f"{ai}/2024-02.json"
    assert archive["_feed"]["next_archive"] == f"{ai}/2024-04.json"
    assert archive["_feed"]["current"] == f"{ai}/feed.json"
    assert archive["_feed"]["archive"] is True
    assert "archive" not in subscription["_feed"]


def test_hub_is_named_by_subscription_documents_with_default_parameters_alone(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good("old", published_at=NOON - 30 * DAY), *(good(str(number)) for number in range(51)))

    addresses = [AI, replace(AI, options=FeedOptions(limit=20)), replace(AI, part="2024-04"), replace(AI, part="2024-05-page-1")]
    assert ["hubs" in read(service, address, hub="https://hub.example.org/") for address in addresses] == [True, False, False, False]


@pytest.mark.parametrize("limit", [10, 20, 50, 100])
def test_feed_has_as_many_articles_as_asked_for(service: FeedService, store: Store, limit: int) -> None:
    refresh(store, NOON, *(good(f"{number}", published_at=NOON - number * HOUR) for number in range(120)))

    found = read(service, replace(AI, options=FeedOptions(limit=limit)))
    assert [item["title"] for item in found["items"]] == [f"Title of {number}" for number in range(limit)]


@pytest.mark.parametrize(
    ("spelling", "slug"),
    [("AI", "ai"), ("Computer Vision", "computer-vision"), ("COMPUTER-VISION", "computer-vision"), ("ai-and-robots", "robots")],
)
@pytest.mark.parametrize("part", ["feed", "2024-04"])
def test_other_spelling_of_a_topic_has_moved_with_all_its_parameters(
    service: FeedService, store: Store, spelling: str, slug: str, part: str
) -> None:
    refresh(store, NOON, good(topics=("AI", "Computer Vision")), good("b", topics=("AI and Robots",)), topics=[])
    service_of_data = [("_data/topics/robots.yaml", topic_facts("robots", "AI and Robots"), ())]
    refresh(store, NOON, topics=service_of_data)

    with pytest.raises(Moved) as moved:
        service.document(FeedAddress(Kind.TOPIC, spelling, part, FeedOptions(limit=20)), "rss", SITE, NOON)
    assert moved.value.address == FeedAddress(Kind.TOPIC, slug, part, FeedOptions(limit=20))

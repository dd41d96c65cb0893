"""Feeds as the service makes them: what they say of themselves, how they link, and related stories as entries."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from feeds.feed import FeedAddress, FeedOptions, PageAddress, RelatedOption
from feeds.identity import article_id, feed_id
from feeds.model import Kind, Outcome, State, Takedown
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.store.base import Store

from .builders import DAY, NOON, SITE, article, good, image, outcome, refresh, related, write_article, write_topic

HOUR = timedelta(hours=1)
FINGERPRINT = "settings"
AI = FeedAddress(Kind.TOPIC, "ai")
ENTRIES = replace(AI, options=FeedOptions(related=RelatedOption.ENTRIES))


def read(service: FeedService, address: FeedAddress = AI, now: datetime = NOON, **site: Any) -> Any:
    """Return a feed in JSON, as an object."""
    return json.loads(service.document(address, "json", replace(SITE, **site), now).body)


@pytest.mark.parametrize("extension", FORMATS)
def test_document_is_the_feed_in_its_format(service: FeedService, store: Store, extension: str) -> None:
    refresh(store, NOON, good(), good("b", published_at=NOON + DAY))

    document = service.document(AI, extension, SITE, NOON)
    assert document.media_type == FORMATS[extension].media_type
    assert document.modified_at == NOON
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
    assert [item["title"] for item in found["items"]] == [
        f"Title of {one.path[0]}" for one in sorted([good(), good("b")], key=lambda one: one.id or "")
    ]


def test_empty_feed_is_of_a_fixed_day(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, NOON, gone=["a.md"])

    found = read(service)
    assert found["items"] == []
    assert found["_feed"]["updated"] == "2000-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("place", "title", "description"),
    [
        ((Kind.ALL, ""), "Example News", "News about examples"),
        ((Kind.TOPIC, "ai"), "AI – Example News", "Articles about AI from Example News"),
        ((Kind.CATEGORY, "news"), "news – Example News", "Articles in the category news from Example News"),
        ((Kind.TYPE, "article"), "article – Example News", "Articles of the type article from Example News"),
        ((Kind.PROVIDER, "example.com"), "Example Times – Example News", "Articles by Example Times from Example News"),
    ],
)
def test_every_feed_has_its_title_and_description(
    service: FeedService, store: Store, place: tuple[Kind, str], title: str, description: str
) -> None:
    refresh(store, NOON, good())

    found = read(service, FeedAddress(*place))
    assert (found["title"], found["description"]) == (title, description)
    page = service.page(PageAddress(*place), SITE, NOON)
    assert (page.title, page.around.description) == (title, description)


def test_site_data_describes_its_topic(service: FeedService, content: Path) -> None:
    write_article(content, topics=["Vision"])
    images = [{"url": "/small.png", "width": 10, "height": 10}, {"url": "/large.png", "width": 90, "height": 90}]
    write_topic(content, "vision", name="Vision", description="Eyes", parent="artificial intelligence", images=images)
    write_topic(content, "ai", name="Artificial Intelligence")
    service.refresh(content, FINGERPRINT, NOON)

    found = read(service, FeedAddress(Kind.TOPIC, "vision"))
    assert found["description"] == "Eyes"
    assert found["icon"] == "https://www.example.org/large.png"
    assert found["_feed"]["parent"] == {"url": "https://feeds.example.org/topics/ai/", "title": "Artificial Intelligence"}


@pytest.mark.parametrize("parent", ["vision", "Vision", "nothing"])
def test_topic_whose_parent_is_itself_or_unknown_has_none(service: FeedService, content: Path, parent: str) -> None:
    write_topic(content, "vision", name="Vision", parent=parent)
    service.refresh(content, FINGERPRINT, NOON)

    assert "parent" not in read(service, FeedAddress(Kind.TOPIC, "vision"))["_feed"]


def test_feed_does_not_change_by_itself_when_a_topic_with_the_name_of_its_parent_appears(service: FeedService, content: Path) -> None:
    write_topic(content, "vision", name="Vision", parent="Robots")
    write_article(content, topics=["Robots"], publishedDateTime=f"{NOON + HOUR:%Y-%m-%dT%H:%M:%SZ}")
    service.refresh(content, FINGERPRINT, NOON)

    before, after = (service.document(FeedAddress(Kind.TOPIC, "vision"), "json", SITE, now) for now in (NOON, NOON + HOUR))
    assert after == before


def test_provider_is_pictured_as_its_newest_article_has_it(service: FeedService, content: Path) -> None:
    for name, day in (("new", 17), ("old", 16)):
        provider = {"name": "Times", "domain": "example.com", "images": [{"url": f"https://example.com/{name}.png"}]}
        write_article(content, name, provider=provider, publishedDateTime=f"2024-05-{day}T00:00:00Z")
    service.refresh(content, FINGERPRINT, NOON)

    assert read(service, FeedAddress(Kind.PROVIDER, "example.com"))["icon"] == "https://example.com/new.png"
    assert "icon" not in read(service, FeedAddress(Kind.CATEGORY, "news"))


def test_picture_of_the_site_is_that_of_feeds_without_their_own(service: FeedService, content: Path) -> None:
    write_topic(content, "vision", name="Vision", images=[{"url": "/vision.png"}])
    write_article(content)
    service.refresh(content, FINGERPRINT, NOON)
    pictures = [read(service, address, picture="https://x.org/p.png")["icon"] for address in (AI, FeedAddress(Kind.TOPIC, "vision"))]

    assert pictures == ["https://x.org/p.png", "https://www.example.org/vision.png"]


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
    refresh(
        store, NOON, good("old", published_at=datetime.fromisoformat("2024-04-30T00:00:00Z")), *(good(str(number)) for number in range(51))
    )

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


def entries(service: FeedService, now: datetime = NOON) -> list[str]:
    """Return the titles of a topic's feed with related stories as entries."""
    return [item["title"] for item in read(service, ENTRIES, now)["items"]]


def test_related_stories_are_entries_behind_the_article_that_points_to_them(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good("a", related=(related("r"), related("s"))), good("b", published_at=NOON - HOUR, related=(related("t"),)))

    assert entries(service) == ["Title of a", "Story r", "Story s", "Title of b", "Story t"]


def test_story_of_somebody_else_is_an_entry_of_its_own(service: FeedService, store: Store) -> None:
    story = related(
        "r", excerpt="Short", published_at=NOON - DAY, original_url="https://first.example.net/r", images=(image("r"),), quality=50
    )
    refresh(store, NOON, good("a", topics=("AI",), related=(story,)))

    assert read(service, ENTRIES)["items"][1] == {
        "id": article_id("https://elsewhere.example.net/r"),
        "url": "https://elsewhere.example.net/r",
        "external_url": "https://first.example.net/r",
        "title": "Story r",
        "content_html": read(service, ENTRIES)["items"][1]["content_html"],
        "summary": "Short",
        "image": "https://img.example.com/r.jpg",
        "date_published": "2024-05-16T12:00:00Z",
        "date_modified": "2024-05-16T12:00:00Z",
        "authors": [{"name": "Elsewhere", "url": "https://example.net/"}],
        "attachments": [{"url": "https://img.example.com/r.jpg", "mime_type": "image/jpeg"}],
        "_via": {"urls": ["https://first.example.net/r", "https://news.example.com/a"]},
    }


def test_story_that_is_an_article_of_the_site_is_an_entry_in_its_own_form(service: FeedService, store: Store) -> None:
    own = related("b", url="https://news.example.com/b", title="As told by a")
    refresh(store, NOON, good("a", related=(own,)), good("b", topics=("Robots",), updated_at=NOON + HOUR))

    told, itself = read(service, ENTRIES)["items"][1], read(service, FeedAddress(Kind.TOPIC, "robots"))["items"][0]
    assert told == itself
    assert told["tags"] == ["Robots"]


def test_story_that_is_in_the_feed_anyway_is_no_second_entry(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good("a", related=(related("b", url="https://news.example.com/b"),)), good("b", published_at=NOON - HOUR))

    assert entries(service) == ["Title of a", "Title of b"]


def test_story_of_two_articles_is_one_entry_behind_the_first(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good("a", related=(related("r"),)), good("b", published_at=NOON - HOUR, related=(related("r"), related("s"))))

    assert entries(service) == ["Title of a", "Story r", "Title of b", "Story s"]


@pytest.mark.parametrize(
    "hidden",
    [
        outcome("b.md", state=State.HIDDEN, takedown=Takedown.FILE, id=article("b").id),
        outcome("b.md", state=State.HIDDEN, takedown=Takedown.IDENTITY, id=article("b").id),
        good("b", published_at=NOON + DAY),
    ],
    ids=["draft", "removed", "scheduled"],
)
def test_hidden_article_is_no_entry(service: FeedService, store: Store, hidden: Outcome) -> None:
    refresh(store, NOON, good("a", related=(related("b", url="https://news.example.com/b"),)), hidden)

    assert entries(service) == ["Title of a"]


def test_story_points_to_every_shown_article_that_points_to_it(service: FeedService, store: Store) -> None:
    """Whatever their topics, the earliest first."""
    story = (related("r"),)
    pointing = [
        good("a", related=story),
        good("elsewhere", related=story, topics=("Robots",), published_at=NOON - DAY),
        good("scheduled", related=story, published_at=NOON + DAY),
    ]
    refresh(store, NOON, *pointing)

    assert read(service, ENTRIES)["items"][1]["_via"] == {"urls": ["https://news.example.com/elsewhere", "https://news.example.com/a"]}


def test_story_without_a_date_has_that_of_its_earliest_parent(service: FeedService, store: Store) -> None:
    story = (related("r"),)
    refresh(store, NOON, good("a", related=story), good("b", related=story, topics=("Robots",), published_at=NOON - DAY))

    assert read(service, ENTRIES)["items"][1]["date_published"] == "2024-05-16T12:00:00Z"


def test_limit_is_of_articles_and_stories_come_on_top(service: FeedService, store: Store) -> None:
    refresh(store, NOON, *(good(f"{number}", published_at=NOON - number * HOUR, related=(related(f"{number}"),)) for number in range(20)))

    found = read(service, replace(AI, options=FeedOptions(10, related=RelatedOption.ENTRIES)))
    assert len(found["items"]) == 20


def test_feed_with_entries_of_stories_is_as_late_as_the_latest_of_them(service: FeedService, store: Store) -> None:
    own = related("b", url="https://news.example.com/b")
    refresh(store, NOON, good("a", related=(own,)), good("b", topics=("Robots",), updated_at=NOON + HOUR))

    assert read(service, AI)["_feed"]["updated"] == "2024-05-17T12:00:00Z"
    assert read(service, ENTRIES)["_feed"]["updated"] == "2024-05-17T13:00:00Z"


@pytest.mark.parametrize(("option", "told"), [(RelatedOption.LINKS, True), (RelatedOption.NONE, False)])
def test_stories_are_links_or_nothing_where_they_are_no_entries(
    service: FeedService, store: Store, option: RelatedOption, told: bool
) -> None:
    refresh(store, NOON, good("a", related=(related("r"),)))

    (item,) = read(service, replace(AI, options=FeedOptions(related=option)))["items"]
    assert ("_related" in item) == told
    assert ("Story r" in item["content_html"]) == told

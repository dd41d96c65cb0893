"""The use cases around the feeds: refresh and check, lists of subscriptions, pages, and what can't be found."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from feeds.assembly import Moved
from feeds.content.folder import FolderError
from feeds.errors import NotFoundError, NotReadyError
from feeds.feed import Document, FeedAddress, FeedOptions, PageAddress
from feeds.identity import article_id
from feeds.intake import RefreshResult
from feeds.model import Collection, FileReport, Kind, Level, Problem, State, TopicFacts
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.store.base import Store

from .builders import DAY, NOON, SITE, good, refresh, titles, write_article, write_topic

HOUR = timedelta(hours=1)
FINGERPRINT = "settings"
AI = FeedAddress(Kind.TOPIC, "ai")


def counts(**states: int) -> dict[State, int]:
    return {state: states.get(state.value, 0) for state in State}


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
        assert [stamp for _, *stamp in refreshing.known_files()] == [[file.stat().st_size, 1_000_000_000]]
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
    write_topic(content, "ai")
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
    assert [(path, problem.field) for path, problem in result.topic_problems] == [("_data/topics/ai.yaml", "name")]
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


@pytest.mark.parametrize(
    ("spelling", "slug"),
    [("AI", "ai"), ("Computer Vision", "computer-vision"), ("COMPUTER-VISION", "computer-vision"), ("ai-and-robots", "robots")],
)
@pytest.mark.parametrize("part", ["feed", "2024-04"])
def test_other_spelling_of_a_topic_has_moved_with_all_its_parameters(
    service: FeedService, store: Store, spelling: str, slug: str, part: str
) -> None:
    refresh(store, NOON, good(topics=("AI", "Computer Vision")), good("b", topics=("AI and Robots",)), topics=[])
    refresh(store, NOON, topics=[("_data/topics/robots.yaml", TopicFacts("robots", "AI and Robots"), ())])

    with pytest.raises(Moved) as moved:
        service.document(FeedAddress(Kind.TOPIC, spelling, part, FeedOptions(limit=20)), "rss", SITE, NOON)
    assert moved.value.address == FeedAddress(Kind.TOPIC, slug, part, FeedOptions(limit=20))


def test_spelling_that_leads_nowhere_is_an_error_that_suggests_near_names(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good(topics=("Robotics", "Computer Vision", "AI")))

    with pytest.raises(NotFoundError) as error:
        service.document(FeedAddress(Kind.TOPIC, "robotic"), "rss", SITE, NOON)
    assert error.value.suggestions == (("Robotics", "robotics"),)
    assert str(error.value) == "there is no topic 'robotic'; near: robotics"


@pytest.mark.parametrize(
    ("spelling", "suggestions"),
    [
        ("Computer Vison", ["computer-vision", "computer-version"]),
        ("c-plus-plu", ["c-plus-plus"]),
        ("c+", ["c-plus-plus"]),
        ("xyz", []),
        ("x" * 10_000, []),
    ],
)
def test_suggestions_are_near_by_name_or_slug_best_first_and_each_once(
    service: FeedService, store: Store, spelling: str, suggestions: list[str]
) -> None:
    refresh(store, NOON, good(topics=("Computer Vision", "Computer Version", "C++", "Robotics")))

    with pytest.raises(NotFoundError) as error:
        service.page(PageAddress(Kind.TOPIC, spelling), SITE, NOON)
    assert [slug for _, slug in error.value.suggestions] == suggestions


def test_suggestions_are_few(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good(topics=tuple(f"Topic {number}" for number in range(20))))

    with pytest.raises(NotFoundError) as error:
        service.page(PageAddress(Kind.TOPIC, "topic"), SITE, NOON)
    assert len(error.value.suggestions) == 5


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind])
def test_collection_that_does_not_exist_is_named_by_its_kind(service: FeedService, store: Store, kind: Kind) -> None:
    refresh(store, NOON)

    with pytest.raises(NotFoundError, match=f"^there is no {kind.singular} 'x'$"):
        service.document(FeedAddress(kind, "x"), "rss", SITE, NOON)


@pytest.mark.parametrize("part", ["2024-05", "2023-01", "2024-05-page-2", "nothing"])
def test_part_that_a_feed_does_not_have_is_an_error(service: FeedService, store: Store, part: str) -> None:
    refresh(store, NOON, good())

    with pytest.raises(NotFoundError, match=f"^there is no part '{part}' of this feed$"):
        service.document(replace(AI, part=part), "rss", SITE, NOON)


def test_part_whose_month_is_over_has_moved_to_its_archive(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good(published_at=NOON - 30 * DAY))

    with pytest.raises(Moved) as moved:
        service.document(replace(AI, part="2024-04-page-1"), "rss", SITE, NOON)
    assert moved.value.address == replace(AI, part="2024-04")


def test_format_that_does_not_exist_is_an_error_that_names_the_others(service: FeedService, store: Store) -> None:
    refresh(store, NOON)

    asked = [lambda: service.document(FeedAddress(), "xml", SITE, NOON), lambda: service.subscriptions("xml", SITE, NOON)]
    for ask in asked:
        with pytest.raises(NotFoundError, match=r"^there is no format 'xml'; near: rss, atom, json$"):
            ask()


def test_index_that_was_never_filled_is_not_ready(service: FeedService) -> None:
    asked = [
        lambda: service.document(FeedAddress(), "rss", SITE, NOON),
        lambda: service.subscriptions("rss", SITE, NOON),
        lambda: service.page(PageAddress(), SITE, NOON),
    ]
    for ask in asked:
        with pytest.raises(NotReadyError):
            ask()


def test_page_shows_the_newest_articles(service: FeedService, store: Store) -> None:
    refresh(store, NOON, *(good(str(number), published_at=NOON - number * HOUR) for number in range(60)), good("x", topics=("Robots",)))

    page = service.page(PageAddress(Kind.TOPIC, "ai"), SITE, NOON)
    assert page.around.collection == Collection(Kind.TOPIC, "ai", "AI", 60, NOON)
    assert [one.article.title for one in page.articles] == [f"Title of {number}" for number in range(24)]


def test_page_under_another_spelling_has_moved(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good())

    with pytest.raises(Moved) as moved:
        service.page(PageAddress(Kind.TOPIC, "Ai"), SITE, NOON)
    assert moved.value.address == AI


def outlines(document: Document) -> list[Any]:
    """Return the outlines of an OPML document as (text, children), a folder as its own feed, which comes first in it."""

    def below(element: etree._Element) -> list[Any]:
        return [one(child) for child in element]

    def one(outline: etree._Element) -> tuple[str | None, list[Any]]:
        if len(outline) == 0:
            return outline.get("text"), []
        assert dict(outline.attrib) == {"text": outline[0].get("text")}
        return outline.get("text"), below(outline)[1:]

    body = etree.fromstring(document.body).find("body")
    assert body is not None
    return below(body)


def test_subscriptions_are_the_topics_of_the_data_and_those_with_articles(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good("a", topics=("Robots",)), good("b", topics=("Gone",)), topics=[("b.yaml", TopicFacts("chips", "Chips"), ())])
    refresh(store, NOON, gone=["b.md"])

    document = service.subscriptions("rss", SITE, NOON)
    assert outlines(document) == [("Chips", []), ("Robots", [])]
    assert document.media_type == "text/x-opml; charset=utf-8"


@pytest.mark.parametrize("extension", FORMATS)
def test_subscriptions_link_to_one_format_and_to_the_pages(service: FeedService, store: Store, extension: str) -> None:
    refresh(store, NOON, good(), topics=[("ai.yaml", TopicFacts("ai", "AI", description="About minds"), ())])

    outline = etree.fromstring(service.subscriptions(extension, SITE, NOON).body).find("body/outline")
    assert outline is not None
    assert dict(outline.attrib) == {
        "text": "AI",
        "title": "AI",
        "type": "rss",
        "xmlUrl": f"https://feeds.example.org/topics/ai/feed.{extension}",
        "htmlUrl": "https://feeds.example.org/topics/ai/",
        "description": "About minds",
    }


def test_subscriptions_are_dated_by_the_last_change_of_all(service: FeedService, store: Store) -> None:
    refresh(store, NOON, good(), good("b", published_at=NOON + DAY))
    refresh(store, NOON + HOUR)

    document = service.subscriptions("rss", SITE, NOON + HOUR)
    assert document.modified_at == NOON
    assert b"<dateModified>Fri, 17 May 2024 12:00:00 GMT</dateModified>" in document.body


@pytest.mark.parametrize(
    ("parents", "nested"),
    [
        ({}, [("A", []), ("B", []), ("C", [])]),
        ({"b": "A"}, [("A", [("B", [])]), ("C", [])]),
        ({"b": "a", "c": "b"}, [("A", [("B", [("C", [])])])]),
        ({"a": " a "}, [("A", []), ("B", []), ("C", [])]),
        ({"a": "unknown"}, [("A", []), ("B", []), ("C", [])]),
        ({"a": "B", "b": "A"}, [("A", []), ("B", []), ("C", [])]),
        ({"a": "B", "b": "A", "c": "A"}, [("A", []), ("B", []), ("C", [])]),
        ({"a": "C", "b": "C"}, [("C", [("A", []), ("B", [])])]),
    ],
    ids=["none", "by name", "chain by slug", "itself", "unknown", "circle", "below a circle", "two below one"],
)
def test_subscriptions_are_nested_by_parent(service: FeedService, store: Store, parents: dict[str, str], nested: list[Any]) -> None:
    facts = [(f"{slug}.yaml", TopicFacts(slug, slug.upper(), parent=parents.get(slug)), ()) for slug in "abc"]
    refresh(store, NOON, topics=facts)

    assert outlines(service.subscriptions("rss", SITE, NOON)) == nested

"""The rules that values keep by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from feeds.feed import EMPTY_FEED_UPDATED_AT, LIMITS, PAGE_SIZE, Document, FeedLinks
from feeds.model import Kind

from .builders import NOON, article, feed


@pytest.mark.parametrize(
    "moment",
    [NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=2))), NOON.replace(microsecond=1)],
    ids=["naive", "other zone", "fraction of a second"],
)
@pytest.mark.parametrize("field", ["published_at", "updated_at"])
def test_article_refuses_moments_that_are_not_in_utc_and_whole_seconds(field: str, moment: datetime) -> None:
    with pytest.raises(ValueError, match="is not in UTC and whole seconds"):
        article(**{"updated_at": NOON, field: moment})


def test_article_takes_utc_under_any_name() -> None:
    assert article(published_at=NOON.astimezone(timezone(timedelta(0)))).published_at == NOON


def test_article_is_never_updated_before_it_is_published() -> None:
    with pytest.raises(ValueError, match="is updated before it is published"):
        article(updated_at=NOON - timedelta(seconds=1))


def test_values_are_frozen() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        article().title = "Another"  # type: ignore[misc] # the very thing that must not work


def test_every_kind_has_a_word_for_one_of_it() -> None:
    assert {kind.singular for kind in Kind} == {"feed", "topic", "category", "type", "provider"}


@pytest.mark.parametrize(("links", "is_archive"), [(FeedLinks(), False), (FeedLinks(current="https://example.org/feed.rss"), True)])
def test_archive_is_what_names_a_current_document(links: FeedLinks, is_archive: bool) -> None:
    assert feed(links=links).is_archive == is_archive


def test_etag_names_the_bytes_alone() -> None:
    document = Document(b"body", "text/plain", NOON)

    assert document.etag == "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"
    assert Document(b"body", "text/html", None).etag == document.etag
    assert Document(b"Body", "text/plain", NOON).etag != document.etag


def test_default_limit_is_one_that_can_be_asked_for() -> None:
    assert PAGE_SIZE in LIMITS


def test_date_of_an_empty_feed_is_fixed() -> None:
    assert datetime(2000, 1, 1, tzinfo=UTC) == EMPTY_FEED_UPDATED_AT

"""In which order articles are listed, since when, and how the order is cut."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from feeds.identity import identity_key
from feeds.model import ArticleQuery, Cursor, FileFacts, Kind, Outcome, State, Takedown
from feeds.store.base import Store
from feeds.store.prepared import prepare
from feeds.store.rows import seconds

from .builders import DAY, NOON, article, good, outcome, refresh, titles

pytestmark = pytest.mark.every_database

HOUR = timedelta(hours=1)
WEEK = 7 * DAY


def listed_at(store: Store, now: datetime, name: str = "a") -> datetime | None:
    with store.reading(now) as view:
        found = view.shown([article(name).id])
    return found[article(name).id].listed_at if found else None


def draft(path: str = "a.md") -> Outcome:
    return outcome(path, state=State.HIDDEN, takedown=Takedown.FILE, id=article().id)


def found(store: Store, query: ArticleQuery, now: datetime = NOON + WEEK) -> list[str]:
    with store.reading(now) as view:
        return [one.article.title.removeprefix("Title of ") for one in view.articles(query)]


@pytest.fixture
def week(store: Store) -> Store:
    """Articles `0` to `6`, listed a day after each other, of which the odd ones are about robots."""
    refresh(store, NOON + WEEK, *(good(str(day), published_at=NOON + day * DAY, topics=("Robots",) if day % 2 else ()) for day in range(7)))
    return store


def test_first_indexing_lists_every_article_at_its_publication(store: Store) -> None:
    refresh(store, NOON + WEEK, good("a"), good("b", published_at=NOON + DAY))

    assert [listed_at(store, NOON + WEEK, name) for name in "ab"] == [NOON, NOON + DAY]


def test_index_that_remembers_lists_known_articles_as_before_and_others_now(store: Store) -> None:
    known = {identity_key(article("a").id): seconds(NOON + DAY), identity_key(article("gone").id): seconds(NOON)}
    with store.refreshing(NOON + WEEK) as refreshing:
        refreshing.remember(known)
        refreshing.put((FileFacts(1, 1, b""), prepare(good(name))) for name in "ab")
        refreshing.finish("settings")

    assert [listed_at(store, NOON + WEEK, name) for name in "ab"] == [NOON + DAY, NOON + WEEK]
    with store.reading(NOON + WEEK) as view:
        assert view.listings() == {identity_key(article("a").id): seconds(NOON + DAY), identity_key(article("b").id): seconds(NOON + WEEK)}


def test_listings_are_of_shown_articles_alone(store: Store) -> None:
    refresh(store, NOON, good("a"), good("b"), good("ahead", published_at=NOON + DAY))
    refresh(store, NOON, outcome("b.md", state=State.HIDDEN, takedown=Takedown.FILE, id=article("b").id))

    with store.reading(NOON) as view:
        assert view.listings() == {identity_key(article("a").id): seconds(NOON)}


def test_index_that_was_refreshed_before_remembers_nothing_else(store: Store) -> None:
    refresh(store, NOON, good())
    with store.refreshing(NOON + WEEK) as refreshing:
        refreshing.remember({identity_key(article().id): seconds(NOON + DAY)})
        refreshing.finish("settings")

    assert listed_at(store, NOON + WEEK) == NOON


def test_late_arrival_is_listed_when_it_arrives(store: Store) -> None:
    refresh(store, NOON)
    refresh(store, NOON + WEEK, good())

    assert listed_at(store, NOON + WEEK) == NOON + WEEK


def test_scheduled_article_is_listed_at_its_publication(store: Store) -> None:
    refresh(store, NOON)
    refresh(store, NOON + HOUR, good(published_at=NOON + DAY))

    assert listed_at(store, NOON + DAY) == NOON + DAY


def test_scheduled_article_stays_listed_at_its_publication_when_the_index_is_refreshed_later(store: Store) -> None:
    refresh(store, NOON, good(published_at=NOON + DAY))
    refresh(store, NOON + WEEK, good(published_at=NOON + DAY, title="Edited"))

    assert listed_at(store, NOON + WEEK) == NOON + DAY


@pytest.mark.parametrize("now", [NOON + HOUR, NOON + WEEK], ids=["before its time", "after its time"])
def test_rescheduled_article_is_listed_by_the_last_date_it_had_before_its_time(store: Store, now: datetime) -> None:
    refresh(store, NOON, good(published_at=NOON + WEEK + DAY))
    refresh(store, now, good(published_at=NOON + 2 * DAY))

    assert listed_at(store, NOON + 2 * WEEK) == max(now, NOON + 2 * DAY)


@pytest.mark.parametrize(
    "edited",
    [
        good(title="Edited"),
        good(published_at=NOON - WEEK),
        good(published_at=NOON + 2 * DAY),
        good(updated_at=NOON + 2 * DAY),
        good(topics=("Robots",)),
        good(path="moved/to/b.md"),
    ],
    ids=["title", "earlier publication", "later publication", "update", "topics", "duplicate"],
)
def test_listing_time_stays_through_edits(store: Store, edited: Outcome) -> None:
    refresh(store, NOON)
    refresh(store, NOON + DAY, good())
    refresh(store, NOON + WEEK, edited)

    assert listed_at(store, NOON + WEEK) == NOON + DAY


@pytest.mark.parametrize("times", [1, 2])
def test_listing_time_stays_through_deletion_and_return(store: Store, times: int) -> None:
    refresh(store, NOON)
    refresh(store, NOON + DAY, good())
    for _ in range(times):
        refresh(store, NOON + 2 * DAY, gone=["a.md"])
        refresh(store, NOON + WEEK, good())

    assert listed_at(store, NOON + WEEK) == NOON + DAY


def test_listing_time_stays_through_a_takedown(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, NOON + DAY, draft())
    refresh(store, NOON + WEEK, good())

    assert listed_at(store, NOON + WEEK) == NOON


def test_listing_time_stays_when_the_file_is_renamed(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, NOON + WEEK, good(path="2024/a.md"), gone=["a.md"])

    assert listed_at(store, NOON + WEEK) == NOON
    assert titles(store, NOON + WEEK) == ["Title of a"]


def test_listing_time_is_kept_when_another_file_of_the_identity_takes_over(store: Store) -> None:
    refresh(store, NOON, good(path="a.md"), good(path="b.md", published_at=NOON + DAY))
    refresh(store, NOON + WEEK, good(path="b.md", published_at=NOON + DAY, title="Edited"))

    assert listed_at(store, NOON + WEEK) == NOON


def test_article_that_is_put_off_is_listed_when_it_appears_again(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, NOON + HOUR, good(published_at=NOON + DAY))

    assert listed_at(store, NOON + HOUR) is None
    assert listed_at(store, NOON + DAY) == NOON + DAY


@pytest.mark.parametrize("withdrawn", [(draft(),), ()], ids=["draft", "deleted"])
def test_article_withdrawn_before_its_time_is_listed_when_it_is_first_shown(store: Store, withdrawn: tuple[Outcome, ...]) -> None:
    """Listed at the date it once had, it would turn up in the archive of a past month."""
    refresh(store, NOON, good(published_at=NOON + DAY))
    refresh(store, NOON + HOUR, *withdrawn, gone=() if withdrawn else ["a.md"])
    refresh(store, NOON + WEEK, good(published_at=NOON + DAY))

    assert listed_at(store, NOON + WEEK) == NOON + WEEK


def test_article_that_was_never_shown_because_its_identity_was_removed_is_listed_when_it_is(store: Store) -> None:
    refresh(store, NOON, good(published_at=NOON + DAY))
    refresh(store, NOON + HOUR, outcome("r.md", state=State.HIDDEN, takedown=Takedown.IDENTITY, id=article().id))
    refresh(store, NOON + WEEK, gone=["r.md"])

    assert listed_at(store, NOON + WEEK) == NOON + WEEK


def test_articles_are_listed_latest_first_and_ties_go_by_id(store: Store) -> None:
    ties = [good(name) for name in "abcdef"]
    refresh(store, NOON + WEEK, *ties, good("late", published_at=NOON + DAY))

    ids = sorted(one.id for one in ties if one.id is not None)
    with store.reading(NOON + WEEK) as view:
        assert [one.article.id for one in view.articles(ArticleQuery())] == [article("late").id, *ids]


def test_order_is_of_listing_and_not_of_publication(store: Store) -> None:
    refresh(store, NOON, good("first", published_at=NOON))
    refresh(store, NOON + DAY, good("late", published_at=NOON - WEEK))

    assert titles(store, NOON + DAY) == ["Title of late", "Title of first"]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_pages_by_cursor_neither_skip_nor_repeat(store: Store, size: int) -> None:
    refresh(store, NOON + WEEK, *(good(f"{day}{tie}", published_at=NOON + day * DAY) for day in range(3) for tie in "abc"))

    walked: list[str] = []
    after = None
    with store.reading(NOON + WEEK) as view:
        everything = [one.article.id for one in view.articles(ArticleQuery(limit=None))]
        while page := view.articles(ArticleQuery(limit=size, after=after)):
            assert len(page) <= size
            walked += [one.article.id for one in page]
            after = Cursor(page[-1].listed_at, page[-1].article.id)
    assert walked == everything
    assert len(walked) == 9


def test_cursor_need_not_be_at_an_article_that_is_still_there(week: Store) -> None:
    assert found(week, ArticleQuery(after=Cursor(NOON + 3 * DAY + HOUR, "urn:gone"))) == ["3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ArticleQuery(), "6543210"),
        (ArticleQuery(limit=2), "65"),
        (ArticleQuery(limit=0), ""),
        (ArticleQuery(limit=None), "6543210"),
        (ArticleQuery(limit=2, offset=3), "32"),
        (ArticleQuery(limit=None, offset=5), "10"),
        (ArticleQuery(offset=99), ""),
        (ArticleQuery(since=NOON + 4 * DAY), "654"),
        (ArticleQuery(before=NOON + 2 * DAY), "10"),
        (ArticleQuery(since=NOON + 2 * DAY, before=NOON + 5 * DAY), "432"),
        (ArticleQuery(Kind.TOPIC, "robots"), "531"),
        (ArticleQuery(Kind.TOPIC, "robots", limit=1, offset=1), "3"),
        (ArticleQuery(Kind.TOPIC, "robots", before=NOON + 3 * DAY), "1"),
        (ArticleQuery(Kind.CATEGORY, "news", limit=1), "6"),
        (ArticleQuery(Kind.TYPE, "article", limit=1), "6"),
        (ArticleQuery(Kind.PROVIDER, "example.com", limit=1), "6"),
        (ArticleQuery(Kind.CATEGORY, "robots"), ""),
        (ArticleQuery(Kind.TOPIC, "nothing"), ""),
    ],
)
def test_query_selects_and_cuts(week: Store, query: ArticleQuery, expected: str) -> None:
    assert found(week, query) == list(expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ArticleQuery(), 7),
        (ArticleQuery(limit=2, offset=3, after=Cursor(NOON, "")), 7),
        (ArticleQuery(Kind.TOPIC, "robots"), 3),
        (ArticleQuery(since=NOON + 2 * DAY, before=NOON + 5 * DAY), 3),
        (ArticleQuery(Kind.TOPIC, "nothing"), 0),
    ],
)
def test_count_is_of_all_that_match_whatever_the_page(week: Store, query: ArticleQuery, expected: int) -> None:
    with week.reading(NOON + WEEK) as view:
        assert view.count(query) == expected


def test_articles_that_are_not_shown_are_not_counted(store: Store) -> None:
    refresh(store, NOON, good("a"), good("a", "b.md"), good("c", published_at=NOON + DAY))

    with store.reading(NOON) as view:
        assert view.count(ArticleQuery()) == 1


@pytest.mark.parametrize(
    ("place", "moment", "before", "after"),
    [
        ((Kind.ALL, ""), NOON + 3 * DAY, NOON + 2 * DAY, NOON + 3 * DAY),
        ((Kind.ALL, ""), NOON + 3 * DAY + HOUR, NOON + 3 * DAY, NOON + 4 * DAY),
        ((Kind.ALL, ""), NOON, None, NOON),
        ((Kind.ALL, ""), NOON + 6 * DAY + HOUR, NOON + 6 * DAY, None),
        ((Kind.TOPIC, "robots"), NOON + 3 * DAY, NOON + DAY, NOON + 3 * DAY),
        ((Kind.TOPIC, "nothing"), NOON + 3 * DAY, None, None),
    ],
)
def test_neighbours_of_a_moment_are_the_listings_before_and_from_it(
    week: Store, place: tuple[Kind, str], moment: datetime, before: datetime | None, after: datetime | None
) -> None:
    with week.reading(NOON + WEEK) as view:
        assert view.listed_before(*place, moment) == before
        assert view.listed_from(*place, moment) == after


def test_neighbours_of_a_moment_are_shown(store: Store) -> None:
    refresh(store, NOON, good("a"), good("b", published_at=NOON + DAY))

    with store.reading(NOON) as view:
        assert view.listed_from(Kind.ALL, "", NOON + HOUR) is None
        assert view.listed_before(Kind.ALL, "", NOON + WEEK) == NOON

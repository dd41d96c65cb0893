"""The history of a feed (RFC 5005): every entry can be reached, archives keep what they hold, pages don't move."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds import history, paths
from feeds.feed import PAGE_SIZE, FeedAddress, FeedOptions, ImageOption, RelatedOption
from feeds.history import Chapter
from feeds.model import ArticleQuery, Kind, Outcome, State, Takedown
from feeds.store.base import Store
from feeds.store.sql import IN_MEMORY, open_store

from .builders import DAY, article, good, outcome, refresh

HOUR = timedelta(hours=1)
APRIL, MAY, JUNE = (datetime(2024, month, 1, tzinfo=UTC) for month in (4, 5, 6))
NOW = datetime(2024, 5, 31, 12, tzinfo=UTC)
TOPIC = FeedAddress(Kind.TOPIC, "ai")


def listed(month: datetime, count: int, prefix: str = "", step: timedelta = HOUR, **changes: object) -> list[Outcome]:
    """Return articles published one after the other from the start of a month."""
    return [good(f"{prefix}{month:%m}-{number:03}", published_at=month + number * step, **changes) for number in range(count)]


def chapter(
    store: Store, part: str = "feed", now: datetime = NOW, address: FeedAddress = TOPIC, page_size: int = PAGE_SIZE
) -> Chapter | None:
    with store.reading(now) as view:
        refreshed_at = view.state().refreshed_at
        assert refreshed_at is not None
        return history.chapter(view, FeedAddress(address.kind, address.slug, part, address.options), refreshed_at, page_size)


def replacement(store: Store, part: str, now: datetime = NOW) -> str | None:
    with store.reading(now) as view:
        refreshed_at = view.state().refreshed_at
        assert refreshed_at is not None
        return history.replacement(view, FeedAddress(Kind.TOPIC, "ai", part), refreshed_at, PAGE_SIZE)


def names(store: Store, found: Chapter | None, now: datetime = NOW) -> list[str]:
    """Return which articles stand in a document."""
    assert found is not None
    with store.reading(now) as view:
        return [one.article.title.removeprefix("Title of ") for one in view.articles(found.query)]


def expected(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the names of articles, the latest first."""
    return [one.path.removesuffix(".md") for one in outcomes][::-1]


def walk(store: Store, now: datetime = NOW, address: FeedAddress = TOPIC) -> dict[str, Chapter]:
    """Return every document that a reader comes by, from the subscription document back."""
    found: dict[str, Chapter] = {}
    part: str | None = "feed"
    while part is not None:
        assert part not in found
        at_hand = chapter(store, part, now, address)
        assert at_hand is not None
        found[part] = at_hand
        part = at_hand.next or at_hand.previous_archive
    return found


def test_feed_without_articles_has_no_history(store: Store) -> None:
    refresh(store, NOW)

    found = chapter(store, address=FeedAddress())
    assert found == Chapter(ArticleQuery())
    assert names(store, found) == []


def test_short_feed_is_one_document(store: Store) -> None:
    refresh(store, NOW, *listed(MAY, 50))

    assert walk(store).keys() == {"feed"}


def test_subscription_document_holds_the_newest_fifty_whatever_their_month(store: Store) -> None:
    refresh(store, NOW, *listed(APRIL, 60), *listed(MAY, 20))

    assert names(store, chapter(store)) == expected(listed(APRIL, 60)[30:] + listed(MAY, 20))


@pytest.mark.parametrize("running", [0, 1, 49, 50, 51, 100, 101, 149, 151])
def test_every_article_is_reached_by_walking_back(store: Store, running: int) -> None:
    articles = [*listed(APRIL, 501), *listed(datetime(2024, 2, 1, tzinfo=UTC), 3), *listed(MAY, running)]
    refresh(store, NOW, *articles)

    reached = {name for found in walk(store).values() for name in names(store, found)}
    assert reached == set(expected(articles))


def test_history_is_of_the_articles_of_the_collection(store: Store) -> None:
    refresh(store, NOW, *listed(APRIL, 501, topics=("Robots",)), *listed(APRIL, 2, "ai-"), *listed(MAY, 51, topics=("Robots",)))

    assert list(walk(store)) == ["feed", "2024-04"]
    assert names(store, chapter(store, "2024-04")) == ["ai-04-001", "ai-04-000"]
    assert list(walk(store, address=FeedAddress(Kind.TOPIC, "robots")))[:3] == ["feed", "2024-05-page-1", "2024-04-21"]


def test_parts_are_those_that_a_reader_comes_by(store: Store) -> None:
    refresh(store, NOW, *listed(APRIL, 60), *listed(MAY, 120))

    with store.reading(NOW) as view:
        assert (
            list(history.parts(view, TOPIC, NOW, PAGE_SIZE)) == list(walk(store)) == ["feed", "2024-05-page-2", "2024-05-page-1", "2024-04"]
        )


def test_pages_hold_fifty_of_the_running_month_counted_from_its_oldest(store: Store) -> None:
    running = listed(MAY, 120)
    refresh(store, NOW, *listed(APRIL, 5), *running)

    assert names(store, chapter(store, "2024-05-page-1")) == expected(running[:50])
    assert names(store, chapter(store, "2024-05-page-2")) == expected(running[50:100])
    assert names(store, chapter(store, "2024-05-page-3")) == expected(running[100:])


@pytest.mark.parametrize("page_size", [10, 200])
def test_pages_are_as_large_as_the_site_has_them(store: Store, page_size: int) -> None:
    running = listed(MAY, 25)
    refresh(store, NOW, *listed(APRIL, 60), *running)

    first = chapter(store, page_size=page_size)
    assert names(store, first) == [*expected(running), *expected(listed(APRIL, 60))][:page_size]
    assert first is not None
    assert (first.next, first.previous_archive) == ("2024-05-page-2" if page_size == 10 else None, "2024-04")
    assert names(store, chapter(store, "2024-05-page-1", page_size=page_size)) == expected(running[:page_size])
    assert len(names(store, chapter(store, "2024-04", page_size=page_size))) == 60


def test_full_pages_never_change_when_articles_are_added(store: Store) -> None:
    running = listed(MAY, 120)
    refresh(store, NOW, *listed(APRIL, 5), *running[:101])

    def full_pages(now: datetime) -> list[tuple[list[str], str | None, str | None]]:
        pages = [chapter(store, f"2024-05-page-{number}", now) for number in (1, 2)]
        return [(names(store, page, now), page.next, page.previous_archive) for page in pages if page is not None]

    before = full_pages(NOW)
    assert len(before) == 2
    refresh(store, NOW, *running[101:], good("late", published_at=APRIL))
    refresh(store, NOW + HOUR, good("later", published_at=MAY))
    assert full_pages(NOW + HOUR) == before


def test_pages_link_to_older_ones_and_then_to_the_archives(store: Store) -> None:
    refresh(store, NOW, *listed(APRIL, 5), *listed(MAY, 120))

    links = {part: (found.next, found.previous_archive) for part, found in walk(store).items()}
    assert links == {
        "feed": ("2024-05-page-2", "2024-04"),
        "2024-05-page-2": ("2024-05-page-1", "2024-04"),
        "2024-05-page-1": (None, "2024-04"),
        "2024-04": (None, None),
    }


@pytest.mark.parametrize("part", ["2024-05-page-4", "2024-04-page-1", "2024-06-page-1"])
def test_page_that_the_running_month_does_not_have_is_none(store: Store, part: str) -> None:
    refresh(store, NOW, *listed(APRIL, 5), *listed(MAY, 120))

    assert chapter(store, part) is None


def test_page_of_a_month_without_articles_is_none(store: Store) -> None:
    refresh(store, NOW, *listed(APRIL, 5))

    assert chapter(store, "2024-05-page-1") is None


def test_archive_holds_a_month_and_links_to_its_neighbours(store: Store) -> None:
    march, january = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    refresh(store, NOW, *listed(january, 2), *listed(march, 3), *listed(APRIL, 1), *listed(MAY, 1))

    found = chapter(store, "2024-03")
    assert names(store, found) == expected(listed(march, 3))
    assert found is not None
    assert found == Chapter(found.query, is_archive=True, previous_archive="2024-01", next_archive="2024-04")


def test_newest_archive_has_no_next_one(store: Store) -> None:
    refresh(store, NOW, *listed(APRIL, 1), *listed(MAY, 1))

    found = chapter(store, "2024-04")
    assert found is not None
    assert found.next_archive is None


@pytest.mark.parametrize("part", ["2024-05", "2024-06", "2024-03", "2024-05-30", "2024-04-05", "0001-01", "nothing", ""])
def test_period_that_is_not_over_or_has_no_article_has_no_archive(store: Store, part: str) -> None:
    refresh(store, NOW, *listed(APRIL, 5), *listed(MAY, 5))

    assert chapter(store, part) is None


def test_month_of_five_hundred_is_one_archive(store: Store) -> None:
    refresh(store, NOW, *listed(APRIL, 500))

    assert list(walk(store)) == ["feed", "2024-04"]
    assert len(names(store, chapter(store, "2024-04"))) == 500


def test_month_of_more_is_archived_by_days(store: Store) -> None:
    april = listed(APRIL, 501)
    refresh(store, NOW, *april)

    days = [part for part in walk(store) if part != "feed"]
    assert days == [f"2024-04-{day:02}" for day in range(21, 0, -1)]
    assert names(store, chapter(store, "2024-04-20")) == expected(april[19 * 24 : 20 * 24])
    assert chapter(store, "2024-04") is None


def test_days_stay_when_their_month_shrinks(store: Store) -> None:
    april = listed(APRIL, 501)
    refresh(store, NOW, *april)
    refresh(store, NOW, gone=[april[0].path])

    assert names(store, chapter(store, "2024-04-20")) == expected(april[19 * 24 : 20 * 24])
    assert len(names(store, chapter(store, "2024-04"))) == 500


def test_links_between_archives_are_inverse(store: Store) -> None:
    february = datetime(2024, 2, 1, tzinfo=UTC)
    refresh(store, NOW, *listed(february, 7, step=DAY), *listed(APRIL, 501), *listed(MAY, 3))

    archives = {part: found for part, found in walk(store).items() if found.is_archive}
    assert len(archives) == 22
    for part, found in archives.items():
        if found.previous_archive is not None:
            assert archives[found.previous_archive].next_archive == part
        if found.next_archive is not None:
            assert archives[found.next_archive].previous_archive == part


@pytest.mark.parametrize(
    ("part", "taken_by"),
    [
        ("2024-04", "2024-04-21"),
        ("2024-04-25", "2024-04-21"),
        ("2024-04-21", None),
        ("2024-03-page-2", "2024-03"),
        ("2024-03-31", "2024-03"),
        ("2024-03", None),
        ("2024-02", None),
        ("2024-02-page-1", None),
        ("2024-05-page-9", None),
        ("2024-05", None),
        ("2024-07", None),
        ("nothing", None),
    ],
)
def test_part_that_is_no_more_is_replaced_by(store: Store, part: str, taken_by: str | None) -> None:
    refresh(store, NOW, *listed(datetime(2024, 3, 1, tzinfo=UTC), 3), *listed(APRIL, 501), *listed(MAY, 3))

    assert replacement(store, part) == taken_by


@pytest.mark.parametrize(
    "options",
    [FeedOptions(limit=20), FeedOptions(limit=100), FeedOptions(images=ImageOption.NONE), FeedOptions(related=RelatedOption.ENTRIES)],
)
@pytest.mark.parametrize("part", ["feed", "2024-05-page-1", "2024-04"])
def test_documents_with_parameters_have_their_entries_and_no_links(store: Store, part: str, options: FeedOptions) -> None:
    refresh(store, NOW, *listed(APRIL, 150), *listed(MAY, 120))

    found = chapter(store, part, address=FeedAddress(Kind.TOPIC, "ai", options=options))
    without = chapter(store, part)
    assert found is not None
    assert without is not None
    assert found == Chapter(found.query)
    assert names(store, found)[:20] == names(store, without)[:20]
    assert len(names(store, found)) == {20: 20, 100: 50 if "page" in part else 100, None: len(names(store, without))}[options.limit]


def test_running_month_is_the_one_of_the_last_refresh_and_not_of_the_clock(store: Store) -> None:
    refresh(store, NOW, *listed(MAY, 60))
    asked_at = JUNE + DAY

    assert list(walk(store, asked_at)) == ["feed", "2024-05-page-1"]
    refresh(store, asked_at)
    assert list(walk(store, asked_at)) == ["feed", "2024-05"]


def test_scheduled_article_that_appears_in_a_new_month_is_of_the_running_one_until_the_next_refresh(store: Store) -> None:
    refresh(store, NOW, *listed(MAY, 50), good("scheduled", published_at=JUNE))
    assert list(walk(store, JUNE)) == ["feed", "2024-05-page-1"]

    refresh(store, JUNE)
    assert names(store, chapter(store, "2024-05", JUNE), JUNE) == expected(listed(MAY, 50))


happenings = st.lists(
    st.tuples(
        st.integers(0, 25),  # days since the one before
        st.sampled_from("abc"),
        st.integers(-40, 40),  # days from now to the publication
        st.sampled_from(["put", "put", "put", "draft", "removed", "gone"]),
    ),
    min_size=2,
    max_size=7,
)


def happening(name: str, published_at: datetime, what: str) -> tuple[list[Outcome], list[str]]:
    if what == "gone":
        return [], [f"{name}.md"]
    if what == "put":
        return [good(name, published_at=published_at)], []
    takedown = Takedown.FILE if what == "draft" else Takedown.IDENTITY
    return [outcome(f"{name}.md", state=State.HIDDEN, takedown=takedown, id=article(name).id)], []


def listed_in_months(store: Store, now: datetime) -> set[tuple[datetime, str]]:
    with store.reading(now) as view:
        return {(paths.month(one.listed_at).start, one.article.id) for one in view.articles(ArticleQuery(limit=None))}


@settings(max_examples=40)
@given(happenings)
def test_archive_never_holds_what_was_not_in_the_feed_while_its_month_ran(story: list[tuple[int, str, int, str]]) -> None:
    """So no reader that kept up has to look into an archive again."""
    store, now = open_store(IN_MEMORY), APRIL
    refresh(store, now)
    seen: set[tuple[datetime, str]] = set()
    for days, name, offset, what in story:
        now += days * DAY
        seen |= listed_in_months(store, now)
        put, gone = happening(name, now + offset * DAY, what)
        refresh(store, now, *put, gone=gone)
        listed = listed_in_months(store, now)
        assert {(month, identity) for month, identity in listed if month < paths.month(now).start} <= seen
        seen |= listed
    store.close()

"""When a collection last changed: what moves the time, what does not, and that it only grows.

Some readers go by nothing else, so a change that does not move it would never be seen, and a move without a change makes
every reader fetch the feed for nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from feeds.model import FileFacts, Kind, Outcome, Problem, Provider, State, Takedown, TopicFacts
from feeds.store.base import Store
from feeds.store.sql import open_store

from .builders import DAY, NOON, article, good, outcome, refresh, related

pytestmark = pytest.mark.every_database

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
LATER = NOON + DAY
STORY = related("b", url="https://news.example.com/b")
REMOVED = outcome("b.md", state=State.HIDDEN, takedown=Takedown.IDENTITY, id=article("b").id)


def modified_at(store: Store, now: datetime = LATER, topic: str | None = "ai") -> datetime | None:
    """Return when a topic, or where that is None everything, last changed."""
    with store.reading(now) as view:
        return view.modified_at(Kind.ALL, "") if topic is None else view.modified_at(Kind.TOPIC, topic)


@pytest.fixture
def filled(store: Store) -> Store:
    """Article `a` of AI, which points to article `b` of Robots."""
    refresh(store, NOON, good("a", related=(STORY,)), good("b", topics=("Robots",)), topics=[])
    return store


def test_first_refresh_changes_everything_at_its_moment(filled: Store) -> None:
    assert [modified_at(filled, topic=topic) for topic in ("ai", "robots", None)] == [NOON] * 3


def test_collection_that_does_not_exist_never_changed(filled: Store) -> None:
    assert modified_at(filled, topic="nothing") is None


@pytest.mark.parametrize(
    "changed",
    [
        good("a", title="Edited", related=(STORY,)),
        good("a", updated_at=LATER, related=(STORY,)),
        good("a", topics=("Robots",), related=(STORY,)),
        good("a", related=(STORY,), published_at=LATER + DAY),
        good("new"),
        outcome("a.md", state=State.HIDDEN, takedown=Takedown.FILE, id=article().id),
        outcome("a.md", state=State.REFUSED, takedown=Takedown.FILE),
        outcome("a.md", problems=(Problem("has no title"),)),
        outcome("r.md", state=State.HIDDEN, takedown=Takedown.IDENTITY, id=article().id),
        good("a", "winner.md", related=(STORY,), title="Other version"),
    ],
    ids=["title", "update", "topic", "put off", "new", "draft", "taken down", "no article", "removed elsewhere", "duplicate"],
)
def test_change_of_an_article_moves_its_topic_and_the_whole(filled: Store, changed: Outcome) -> None:
    refresh(filled, LATER, changed)

    assert modified_at(filled) == LATER
    assert modified_at(filled, topic=None) == LATER


def test_deletion_moves_the_topic_and_the_whole(filled: Store) -> None:
    refresh(filled, LATER, gone=["a.md"])

    assert modified_at(filled) == LATER
    assert modified_at(filled, topic=None) == LATER


def test_move_to_another_topic_moves_both(filled: Store) -> None:
    refresh(filled, LATER, good("b", topics=("AI",)))

    assert modified_at(filled) == LATER
    assert modified_at(filled, topic="robots") == LATER


@pytest.mark.parametrize("kind", [Kind.CATEGORY, Kind.TYPE, Kind.PROVIDER])
def test_collections_of_every_kind_move(store: Store, kind: Kind) -> None:
    slug = {Kind.CATEGORY: "news", Kind.TYPE: "article", Kind.PROVIDER: "example.com"}[kind]
    refresh(store, NOON, good("a"), good("b", category="x", type="y", provider=Provider("Z", "z.example")))
    refresh(store, LATER, good("a", title="Edited"))
    refresh(store, LATER + DAY, good("b", category="x", type="y", provider=Provider("Z", "z.example"), title="Edited"))

    with store.reading(LATER + DAY) as view:
        assert view.modified_at(kind, slug) == LATER


def test_scheduled_article_moves_its_collections_when_it_appears(filled: Store) -> None:
    refresh(filled, NOON + HOUR, good("c", published_at=LATER))

    assert modified_at(filled, LATER - SECOND) == NOON
    assert modified_at(filled, LATER) == LATER
    assert modified_at(filled, LATER + DAY, topic=None) == LATER
    assert modified_at(filled, LATER + DAY, topic="robots") == NOON


def test_appearance_is_remembered_when_the_index_is_refreshed_after_it(filled: Store) -> None:
    refresh(filled, NOON + HOUR, good("c", published_at=LATER))
    refresh(filled, LATER + DAY)

    assert modified_at(filled, LATER + 2 * DAY) == LATER


def test_version_that_takes_over_by_itself_moves_the_topics_of_both(filled: Store) -> None:
    refresh(filled, NOON + HOUR, good("b", "later.md", topics=("Chips",), published_at=LATER))

    assert [modified_at(filled, LATER, topic) for topic in ("robots", "chips")] == [LATER, LATER]


@pytest.mark.parametrize(
    "changed",
    [
        REMOVED,
        good("b", topics=("Robots",), published_at=LATER + DAY),
        good("b", topics=("Robots",), title="Edited"),
        outcome("draft.md", state=State.REFUSED, takedown=Takedown.IDENTITY, id=article("b").id),
    ],
    ids=["removed", "put off", "edited", "removed by a broken file"],
)
def test_change_of_a_story_moves_the_topics_of_those_that_point_to_it(filled: Store, changed: Outcome) -> None:
    refresh(filled, LATER, changed)

    assert modified_at(filled) == LATER


def test_story_that_comes_back_moves_the_topics_of_those_that_point_to_it(filled: Store) -> None:
    refresh(filled, NOON + HOUR, REMOVED)
    refresh(filled, LATER, gone=["b.md"])

    assert modified_at(filled) == LATER


def test_story_of_somebody_else_that_becomes_a_scheduled_article_moves_those_that_point_to_it(store: Store) -> None:
    """It is hidden until its time, and appears again then."""
    refresh(store, NOON, good("a", related=(STORY,)))
    refresh(store, NOON + HOUR, good("b", topics=("Robots",), published_at=LATER))

    assert modified_at(store, NOON + HOUR) == NOON + HOUR
    assert modified_at(store, LATER) == LATER


@pytest.mark.parametrize("first_topics", [[], [("ai.yaml", TopicFacts("ai", "AI"), ())]], ids=["new", "edited"])
def test_topic_data_moves_everything(store: Store, first_topics: list[tuple[str, TopicFacts, tuple[Problem, ...]]]) -> None:
    """A topic's name stands in the entries of other feeds too."""
    refresh(store, NOON, good("a"), good("b", topics=("Robots",)), topics=first_topics)
    refresh(store, LATER, topics=[("ai.yaml", TopicFacts("ai", "AI", description="Minds"), ())])

    assert [modified_at(store, topic=topic) for topic in ("ai", "robots", None)] == [LATER] * 3


def test_new_display_name_moves_everything(filled: Store) -> None:
    refresh(filled, NOON + HOUR, good("c", topics=("ai",)))
    refresh(filled, LATER, gone=["a.md"])

    assert modified_at(filled, topic="robots") == LATER


def test_other_settings_move_everything(filled: Store) -> None:
    assert refresh(filled, LATER, fingerprint="other")

    assert [modified_at(filled, topic=topic) for topic in ("ai", "robots", None)] == [LATER] * 3


def test_same_settings_move_nothing(filled: Store) -> None:
    refresh(filled, LATER, fingerprint="other")
    refresh(filled, LATER + DAY, fingerprint="other")

    assert modified_at(filled, LATER + DAY) == LATER


def test_touched_file_moves_nothing(filled: Store) -> None:
    with filled.refreshing(LATER) as refreshing:
        refreshing.touch("a.md", FileFacts(2, 2, b"a.md"))
        assert not refreshing.finish("settings")

    assert modified_at(filled) == NOON


@pytest.mark.parametrize(
    "unseen",
    [
        good("a", related=(STORY,)),
        good("c", topics=("Chips",)),
        outcome("a.md", state=State.REFUSED, problems=(Problem("is broken"),)),
        outcome("d.md", state=State.HIDDEN, takedown=Takedown.FILE, id=article("d").id),
        good("scheduled", published_at=LATER + DAY),
        good("a", "0-loser.md", title="Loser"),
        good("a", "scheduled-version.md", published_at=LATER + DAY),
        outcome("readme.md", problems=(Problem("has no front matter"),)),
    ],
    ids=["same", "other topic", "broken", "draft", "scheduled", "loser", "scheduled version", "readme"],
)
def test_what_nobody_sees_in_a_topic_does_not_move_it(store: Store, unseen: Outcome) -> None:
    refresh(store, NOON, good("a", related=(STORY,)), topics=[])
    refresh(store, NOON + HOUR, unseen)

    assert modified_at(store, NOON + HOUR) == NOON


def test_appearance_of_a_story_moves_only_those_that_are_shown_then(store: Store) -> None:
    pointing = [good("a", related=(STORY,)), good("c", topics=("Chips",), related=(STORY,), published_at=LATER + DAY)]
    refresh(store, NOON, good("d", topics=("Chips",)), good("b", topics=("Robots",), published_at=LATER), *pointing)

    assert [modified_at(store, LATER, topic) for topic in ("ai", "chips")] == [LATER, NOON]


@pytest.mark.parametrize("end", [(), ("scheduled.md",)], ids=["edited", "withdrawn"])
def test_edits_before_its_time_of_a_scheduled_article_move_nothing(filled: Store, end: tuple[str, ...]) -> None:
    refresh(filled, NOON + HOUR, good("scheduled", published_at=LATER))
    refresh(filled, NOON + 2 * HOUR, good("scheduled", title="Edited", topics=("AI", "Chips"), published_at=LATER))
    refresh(filled, NOON + 3 * HOUR, gone=end)

    assert modified_at(filled, LATER - SECOND) == NOON
    assert modified_at(filled, LATER - SECOND, topic=None) == NOON


def test_scheduled_article_that_points_to_a_story_is_not_moved_before_its_time(store: Store) -> None:
    refresh(store, NOON, good("a", related=(STORY,), published_at=LATER), good("b", topics=("Robots",)), good("c"))
    refresh(store, NOON + HOUR, good("b", topics=("Robots",), title="Edited"))

    assert modified_at(store, NOON + HOUR) == NOON


def test_restart_moves_nothing(database: str) -> None:
    first = open_store(database)
    refresh(first, NOON, good())
    first.close()

    second = open_store(database)
    refresh(second, LATER)
    assert modified_at(second) == NOON
    second.close()


def test_changes_within_one_second_all_move_it(filled: Store) -> None:
    seen = []
    for number in range(5):
        refresh(filled, LATER, good("a", title=f"Version {number}"))
        seen.append(modified_at(filled))

    assert seen == [LATER + number * SECOND for number in range(5)]


def test_settings_and_edits_within_one_second_all_move_it(filled: Store) -> None:
    seen = []
    for number in range(3):
        refresh(filled, LATER, fingerprint=str(number))
        seen.append(modified_at(filled))
        refresh(filled, LATER, good("a", title=f"Version {number}"), fingerprint=str(number))
        seen.append(modified_at(filled))

    assert seen == [LATER + number * SECOND for number in range(6)]


def test_appearance_right_after_many_changes_moves_it(filled: Store) -> None:
    for number in range(5):
        refresh(filled, LATER, good("a", title=f"Version {number}"), good("c", published_at=LATER + 2 * SECOND))
    before = modified_at(filled, LATER + SECOND)
    after = modified_at(filled, LATER + 2 * SECOND)

    refresh(filled, LATER + 2 * SECOND)
    assert before == LATER + 4 * SECOND
    assert after == modified_at(filled, LATER + 2 * SECOND) == LATER + 5 * SECOND


def test_change_after_an_appearance_ahead_of_the_clock_moves_it(filled: Store) -> None:
    refresh(filled, LATER, good("c", published_at=LATER + SECOND))
    refresh(filled, LATER + SECOND, good("c", published_at=LATER + SECOND, title="Edited"))

    assert modified_at(filled, LATER + SECOND) == LATER + 2 * SECOND

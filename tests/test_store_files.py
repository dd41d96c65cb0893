"""What a store makes of files: which it knows, in which state each ends, and what it says about them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from feeds.model import ArticleQuery, FileFacts, FileReport, IndexState, Kind, Level, Outcome, Problem, State, Takedown
from feeds.store.base import Store
from feeds.store.prepared import prepare

from .builders import DAY, NOON, article, good, outcome, refresh, titles

pytestmark = pytest.mark.every_database

LATER = NOON + DAY
BROKEN = Problem("is broken", 3, "title", Level.ERROR)
DOUBTFUL = Problem("is odd", 4, "quality")
DRAFT = Problem("is true", 2, "draft")
KEPT = FileReport("a.md", State.REFUSED, (Problem("is broken; the last good version stays served", 3, "title", Level.ERROR),))
TAKEN_DOWN = FileReport(
    "a.md", State.REFUSED, (Problem("is broken; the article is hidden, because it is taken down or may be", 3, "title", Level.ERROR),)
)


def refused(path: str = "a.md", **changes: object) -> Outcome:
    return outcome(path, **{"state": State.REFUSED, "problems": (BROKEN,)} | changes)


def hidden(path: str = "a.md", takedown: Takedown = Takedown.FILE, **changes: object) -> Outcome:
    return outcome(path, **{"state": State.HIDDEN, "takedown": takedown, "id": article().id, "problems": (DRAFT,)} | changes)


def reports(store: Store, now: datetime = LATER) -> list[FileReport]:
    with store.reading(now) as view:
        return list(view.reports())


def counts(store: Store, now: datetime = LATER) -> dict[State, int]:
    with store.reading(now) as view:
        return {state: count for state, count in view.counts().items() if count}


def known_files(store: Store) -> dict[str, FileFacts]:
    with store.refreshing(LATER) as refreshing:
        known = dict(refreshing.facts(path for path, *_ in refreshing.known_files()))
        refreshing.abandon()
    return known


def test_index_that_was_never_refreshed_holds_nothing(store: Store) -> None:
    with store.reading(NOON) as view:
        assert view.state() == IndexState(0, None, None, None)
        assert view.counts() == dict.fromkeys(State, 0)
        assert view.articles(ArticleQuery()) == ()
        assert view.collections(Kind.TOPIC) == ()
        assert view.modified_at(Kind.ALL, "") is None


def test_file_is_known_by_its_facts(store: Store) -> None:
    facts = FileFacts(10, 11, b"digest")
    with store.refreshing(NOON) as refreshing:
        refreshing.put([(facts, prepare(good()))])
        refreshing.finish("settings")

    assert known_files(store) == {"a.md": facts}


def test_file_whose_digest_starts_in_another_way_has_a_size_that_no_file_has(store: Store) -> None:
    refresh(store, NOON, good("a"), outcome("b.md"))
    with store.refreshing(LATER) as refreshing:
        refreshing.abandon()
        assert refreshing.known_files() == {("a.md", 1, 1), ("b.md", 1, 1)}
        assert refreshing.known_files(digest_start=b"a.m") == {("a.md", 1, 1), ("b.md", -1, 1)}
        assert refreshing.known_files(["b.md"], b"c") == {("b.md", -1, 1)}


def test_touched_file_has_new_facts_and_says_the_same(store: Store) -> None:
    refresh(store, NOON, good())
    with store.refreshing(LATER) as refreshing:
        refreshing.touch("a.md", FileFacts(10, 11, b"a.md"))
        refreshing.finish("settings")

    assert known_files(store) == {"a.md": FileFacts(10, 11, b"a.md")}
    assert titles(store, LATER) == ["Title of a"]


def test_put_file_replaces_what_was_known_of_it(store: Store) -> None:
    refresh(store, NOON, good(title="Before"))
    refresh(store, LATER, good(title="After"))

    assert titles(store, LATER) == ["After"]
    assert counts(store) == {State.SHOWN: 1}


def test_forgotten_file_is_shown_and_counted_no_more(store: Store) -> None:
    refresh(store, NOON, good("a"), good("b"))
    refresh(store, LATER, gone=["a.md"])

    assert titles(store, LATER) == ["Title of b"]
    assert counts(store) == {State.SHOWN: 1}
    assert known_files(store).keys() == {"b.md"}


def test_forgetting_an_unknown_file_is_no_error(store: Store) -> None:
    refresh(store, NOON, good("a"))
    refresh(store, LATER, gone=["b.md"])

    assert titles(store, LATER) == ["Title of a"]


def test_thousands_of_files_are_put_and_forgotten_at_once(store: Store) -> None:
    names = [f"{number:04}" for number in range(1203)]
    refresh(store, NOON, *map(good, names))
    assert counts(store) == {State.SHOWN: 1203}

    refresh(store, LATER, *(good(name, title="New") for name in names[:601]), gone=[f"{name}.md" for name in names[601:]])
    assert titles(store, LATER) == ["New"] * 601


def test_every_file_counts_in_exactly_one_state(store: Store) -> None:
    files = [
        good("shown"),
        good("shown", "duplicate.md"),
        good("scheduled", published_at=LATER + DAY),
        good("removed"),
        hidden("remover.md", Takedown.IDENTITY, id=article("removed").id),
        hidden("draft.md"),
        outcome("skipped.md", problems=(Problem("has no title"),)),
        refused("refused.md"),
    ]
    refresh(store, NOON, *files)

    with store.reading(LATER) as view:
        assert view.counts() == {State.SHOWN: 1, State.HIDDEN: 4, State.SKIPPED: 2, State.REFUSED: 1}


def test_report_says_what_becomes_of_every_file_that_is_not_simply_shown(store: Store) -> None:
    skipped = Problem("has no title")
    files = [
        good("shown"),
        outcome("doubtful.md", article("doubtful"), problems=(DOUBTFUL,)),
        good("shown", "duplicate.md"),
        good("scheduled", published_at=LATER + DAY),
        good("removed"),
        hidden("remover.md", Takedown.IDENTITY, id=article("removed").id),
        hidden("draft.md"),
        outcome("skipped.md", problems=(skipped,)),
        refused("refused.md"),
    ]
    refresh(store, NOON, *files)

    assert reports(store) == [
        FileReport("doubtful.md", State.SHOWN, (DOUBTFUL,)),
        FileReport("draft.md", State.HIDDEN, (DRAFT,)),
        FileReport("duplicate.md", State.SKIPPED, (Problem("duplicate of shown.md"),)),
        FileReport("refused.md", State.REFUSED, (BROKEN,)),
        FileReport("removed.md", State.HIDDEN, (Problem("is removed by remover.md"),)),
        FileReport("remover.md", State.HIDDEN, (DRAFT,)),
        FileReport("scheduled.md", State.HIDDEN, (Problem("is still ahead", field="publishedDateTime"),)),
        FileReport("skipped.md", State.SKIPPED, (skipped,)),
    ]


def test_warnings_of_a_file_that_is_not_shown_follow_the_reason(store: Store) -> None:
    refresh(store, NOON, outcome("a.md", article(published_at=LATER + DAY), problems=(DOUBTFUL,)))

    assert reports(store) == [FileReport("a.md", State.HIDDEN, (Problem("is still ahead", field="publishedDateTime"), DOUBTFUL))]


def test_refused_file_that_was_never_good_shows_nothing(store: Store) -> None:
    refresh(store, NOON, refused())

    assert titles(store, LATER) == []
    assert reports(store) == [FileReport("a.md", State.REFUSED, (BROKEN,))]


def test_refused_files_are_told_by_their_paths(store: Store) -> None:
    refresh(store, NOON, *(refused(path) for path in ("b.md", "a.md", "é.md", "Z.md", "a/b.md")))
    with store.reading(NOON) as view:
        assert [report.path for report in view.refused()] == ["Z.md", "a.md", "a/b.md", "b.md", "é.md"]


def test_last_good_version_of_a_refused_file_stays_and_the_report_says_so(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, refused())

    assert titles(store, LATER) == ["Title of a"]
    assert counts(store) == {State.REFUSED: 1}
    assert reports(store) == [KEPT]


def test_warnings_beside_the_error_of_a_refused_file_stay_as_they_are(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, refused(problems=(DOUBTFUL, BROKEN)))

    assert reports(store) == [FileReport("a.md", State.REFUSED, (DOUBTFUL, *KEPT.problems))]


def test_last_good_version_stays_while_a_file_is_refused_again_and_again(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, refused())
    refresh(store, LATER + DAY, refused(id=article("b").id))

    assert titles(store, LATER) == ["Title of a"]


def test_mended_file_shows_its_new_version(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, refused())
    refresh(store, LATER, good(title="Mended"))

    assert titles(store, LATER) == ["Mended"]
    assert reports(store) == []


def test_deleted_file_takes_its_last_good_version_with_it(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, refused())
    refresh(store, LATER, gone=["a.md"])

    assert titles(store, LATER) == []
    assert counts(store) == {}


@pytest.mark.parametrize("takedown", [Takedown.FILE, Takedown.IDENTITY])
def test_refused_file_that_is_or_may_be_taken_down_is_hidden_at_once(store: Store, takedown: Takedown) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, refused(takedown=takedown))

    assert titles(store, LATER) == []
    assert counts(store) == {State.REFUSED: 1}
    assert reports(store) == [TAKEN_DOWN]


def test_file_that_was_taken_down_while_refused_does_not_come_back_by_another_error(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, refused(takedown=Takedown.FILE))
    refresh(store, LATER, refused())

    assert titles(store, LATER) == []
    assert reports(store) == [TAKEN_DOWN]


def test_hidden_file_shows_nothing_and_comes_back_when_it_is_good_again(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, hidden())
    assert titles(store, LATER) == []
    assert counts(store) == {State.HIDDEN: 1}

    refresh(store, LATER, good())
    assert titles(store, LATER) == ["Title of a"]


def test_article_whose_file_is_an_article_no_more_is_not_shown(store: Store) -> None:
    refresh(store, NOON, good())
    refresh(store, LATER, outcome("a.md", problems=(Problem("has no title"),)))

    assert titles(store, LATER) == []
    assert counts(store) == {State.SKIPPED: 1}


def test_new_identity_of_a_known_file_is_a_warning(store: Store) -> None:
    refresh(store, NOON, good("a"))
    refresh(store, LATER, good("b", "a.md"))

    reason = f"is a new identity, {article('b').id}; it was {article('a').id}: readers show it again"
    assert reports(store) == [FileReport("a.md", State.SHOWN, (Problem(reason, field="id"),))]


def test_new_identity_is_said_even_where_the_file_was_refused_in_between(store: Store) -> None:
    refresh(store, NOON, good("a"))
    refresh(store, NOON, refused())
    refresh(store, LATER, good("b", "a.md"))

    assert [problem.field for report in reports(store) for problem in report.problems] == ["id"]


def test_warning_of_a_new_identity_ends_with_the_next_version_of_the_file(store: Store) -> None:
    refresh(store, NOON, good("a"))
    refresh(store, NOON, good("b", "a.md"))
    refresh(store, LATER, good("b", "a.md", title="Next"))

    assert reports(store) == []


def test_state_of_the_index_moves_with_every_change_and_with_nothing_else(store: Store) -> None:
    assert refresh(store, NOON, good())
    with store.reading(NOON) as view:
        assert view.state() == IndexState(1, None, None, NOON)

    assert not refresh(store, NOON + timedelta(hours=1))
    with store.reading(LATER) as view:
        assert view.state() == IndexState(1, None, None, NOON + timedelta(hours=1))

    assert refresh(store, LATER, gone=["a.md"])
    with store.reading(LATER) as view:
        assert view.state() == IndexState(2, None, None, LATER)


def test_first_refresh_of_a_new_month_is_a_change(store: Store) -> None:
    """The running month's entries become an archive."""
    refresh(store, datetime.fromisoformat("2024-05-31T23:59:59Z"), good())

    assert refresh(store, datetime.fromisoformat("2024-06-01T00:00:00Z"))


def test_preview_shows_what_will_be_before_anybody_else_sees_it(store: Store) -> None:
    with store.refreshing(NOON) as refreshing:
        refreshing.put([(FileFacts(1, 1, b""), prepare(good()))])
        refreshing.finish("settings")
        assert [one.article.title for one in refreshing.preview().articles(ArticleQuery())] == ["Title of a"]
        refreshing.abandon()

    assert titles(store, NOON) == []


def test_topic_data_reports_its_problems_by_path(store: Store) -> None:
    problems = [("_data/topics/b.yaml", None, (BROKEN, DOUBTFUL)), ("_data/topics/a.yaml", None, (DOUBTFUL,))]
    refresh(store, NOON, topics=problems)

    with store.reading(NOON) as view:
        assert view.topic_problems() == (
            ("_data/topics/a.yaml", DOUBTFUL),
            ("_data/topics/b.yaml", BROKEN),
            ("_data/topics/b.yaml", DOUBTFUL),
        )

"""Who is shown of the files of one identity, when, and what becomes of stories that point to it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from feeds.identity import article_id
from feeds.model import ArticleQuery, FileReport, Label, Outcome, Problem, State, Takedown
from feeds.store.base import Store

from .builders import DAY, NOON, article, good, outcome, refresh, related, titles

pytestmark = pytest.mark.every_database

HOUR = timedelta(hours=1)
TOMORROW = NOON + DAY
POINTED_AT = "https://news.example.com/b"
STORY = related("b", url=POINTED_AT, title="Story b")


def taken_down(path: str, takedown: Takedown, name: str = "a") -> Outcome:
    return outcome(path, state=State.HIDDEN, takedown=takedown, id=article(name).id, problems=(Problem("is taken down"),))


def reasons(store: Store, now: datetime = TOMORROW) -> dict[str, tuple[State, str]]:
    with store.reading(now) as view:
        return {report.path: (report.state, report.problems[0].reason) for report in view.reports()}


def stories(store: Store, now: datetime) -> list[str]:
    """Return the titles of the stories that the article `a` points to."""
    with store.reading(now) as view:
        return [story.title for story in view.shown([article("a").id])[article("a").id].article.related]


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (good(path="a.md", title="Winner", published_at=NOON + HOUR), good(path="b.md", updated_at=TOMORROW)),
        (good(path="a.md", title="Winner", updated_at=NOON + HOUR), good(path="b.md")),
        (good(path="b.md", title="Winner"), good(path="a.md")),
        (good(path="a/b.md", title="Winner"), good(path="a.md")),
        (good(path="ä.md", title="Winner"), good(path="z.md")),
    ],
    ids=["published later", "updated later", "greater path", "slash after dot", "path by code point"],
)
def test_of_two_files_of_one_identity_one_is_shown(store: Store, winner: Outcome, loser: Outcome) -> None:
    refresh(store, TOMORROW, loser, winner)

    assert titles(store, TOMORROW) == ["Winner"]
    assert reasons(store) == {loser.path: (State.SKIPPED, f"duplicate of {winner.path}")}


def test_loser_is_shown_when_the_winner_is_gone(store: Store) -> None:
    refresh(store, NOON, good(path="a.md", title="Loser"), good(path="b.md", title="Winner"))
    refresh(store, TOMORROW, gone=["b.md"])

    assert titles(store, TOMORROW) == ["Loser"]
    assert reasons(store) == {}


def test_edit_can_make_a_loser_the_winner(store: Store) -> None:
    refresh(store, NOON, good(path="a.md", title="First"), good(path="b.md", title="Second"))
    refresh(store, TOMORROW, good(path="a.md", title="First, mended", updated_at=NOON + HOUR))

    assert titles(store, TOMORROW) == ["First, mended"]


def test_refused_file_goes_on_winning_with_its_last_good_version(store: Store) -> None:
    refresh(store, NOON, good(path="a.md", title="Loser"), good(path="b.md", title="Winner"))
    refresh(store, TOMORROW, outcome("b.md", state=State.REFUSED, id=article().id))

    assert titles(store, TOMORROW) == ["Winner"]
    assert reasons(store)["a.md"] == (State.SKIPPED, "duplicate of b.md")


@pytest.mark.parametrize("takedown", [Takedown.FILE, Takedown.IDENTITY])
def test_taken_down_file_is_not_shown(store: Store, takedown: Takedown) -> None:
    refresh(store, NOON, taken_down("a.md", takedown))

    assert titles(store, TOMORROW) == []


def test_draft_hides_only_its_file(store: Store) -> None:
    refresh(store, NOON, good(path="a.md", title="Other"), good(path="b.md", title="Draft"))
    refresh(store, TOMORROW, taken_down("b.md", Takedown.FILE))

    assert titles(store, TOMORROW) == ["Other"]


def test_removal_hides_every_file_of_the_identity(store: Store) -> None:
    refresh(store, NOON, good(path="a.md"), good(path="b.md"), good("b", "c.md"))
    refresh(store, TOMORROW, taken_down("b.md", Takedown.IDENTITY))

    assert titles(store, TOMORROW) == ["Title of b"]
    assert reasons(store)["a.md"] == (State.HIDDEN, "is removed by b.md")


def test_file_put_after_the_removal_of_its_identity_is_hidden(store: Store) -> None:
    refresh(store, NOON, taken_down("a.md", Takedown.IDENTITY))
    refresh(store, TOMORROW, good(path="z.md"))

    assert titles(store, TOMORROW) == []
    assert reasons(store)["z.md"] == (State.HIDDEN, "is removed by a.md")


@pytest.mark.parametrize(
    "revoked",
    [
        taken_down("b.md", Takedown.FILE),
        taken_down("b.md", Takedown.IDENTITY, "other"),
        outcome("b.md", problems=(Problem("has no title"),)),
    ],
    ids=["draft now", "removes another now", "no article now"],
)
def test_identity_comes_back_when_its_removal_is_taken_back(store: Store, revoked: Outcome) -> None:
    refresh(store, NOON, good(path="a.md"), taken_down("b.md", Takedown.IDENTITY))
    refresh(store, TOMORROW, revoked)

    assert titles(store, TOMORROW) == ["Title of a"]
    assert "a.md" not in reasons(store)


def test_of_two_removals_the_first_path_is_named_whichever_was_there_first(store: Store) -> None:
    refresh(store, NOON, good(path="z.md"), taken_down("b.md", Takedown.IDENTITY))
    refresh(store, NOON, taken_down("a.md", Takedown.IDENTITY))
    refresh(store, TOMORROW, taken_down("c.md", Takedown.IDENTITY))

    assert reasons(store)["z.md"] == (State.HIDDEN, "is removed by a.md")


def test_identity_comes_back_when_the_file_that_removed_it_is_gone(store: Store) -> None:
    refresh(store, NOON, good(path="a.md"), taken_down("b.md", Takedown.IDENTITY))
    refresh(store, TOMORROW, gone=["b.md"])

    assert titles(store, TOMORROW) == ["Title of a"]


@pytest.mark.parametrize("identity", [None, article().id])
def test_removal_stands_while_its_file_is_refused(store: Store, identity: str | None) -> None:
    refresh(store, NOON, good(path="a.md"), taken_down("b.md", Takedown.IDENTITY))
    refresh(store, TOMORROW, outcome("b.md", state=State.REFUSED, id=identity, problems=(Problem("can't be read"),)))

    assert titles(store, TOMORROW) == []


@pytest.mark.parametrize("state", [State.HIDDEN, State.REFUSED])
def test_file_that_says_removed_but_no_url_removes_what_it_was(store: Store, state: State) -> None:
    refresh(store, NOON, good(path="a.md"), good(path="b.md"))
    refresh(store, TOMORROW, outcome("b.md", state=state, takedown=Takedown.IDENTITY))

    assert titles(store, TOMORROW) == []


def test_scheduled_article_appears_by_itself(store: Store) -> None:
    refresh(store, NOON, good(published_at=TOMORROW))

    assert titles(store, TOMORROW - timedelta(seconds=1)) == []
    assert titles(store, TOMORROW) == ["Title of a"]


def test_scheduled_duplicate_takes_over_by_itself(store: Store) -> None:
    refresh(store, NOON, good(path="a.md", title="Now"), good(path="b.md", title="Then", published_at=TOMORROW))

    assert titles(store, TOMORROW - timedelta(seconds=1)) == ["Now"]
    assert titles(store, TOMORROW) == ["Then"]
    assert reasons(store, TOMORROW) == {"a.md": (State.SKIPPED, "duplicate of b.md")}


def test_index_knows_when_it_next_changes_by_itself_and_when_it_last_did(store: Store) -> None:
    refresh(store, NOON, good("a", published_at=NOON + HOUR), good("b", published_at=NOON + 2 * HOUR), good("c"))

    turns = []
    for moment in (NOON, NOON + HOUR, NOON + 3 * HOUR):
        with store.reading(moment) as view:
            turns.append((view.state().turned_at, view.state().next_turn_at))
    assert turns == [(None, NOON + HOUR), (NOON + HOUR, NOON + 2 * HOUR), (NOON + 2 * HOUR, None)]


def test_refresh_after_a_turn_is_a_change_though_no_file_moved(store: Store) -> None:
    """Whoever keeps answers by the revision must not find the ones from before the turn again."""
    refresh(store, NOON, good(published_at=TOMORROW))
    with store.reading(NOON) as view:
        before = view.state()

    assert refresh(store, TOMORROW)
    with store.reading(TOMORROW) as view:
        assert view.state().revision == before.revision + 1


def test_withdrawn_scheduled_article_never_appears(store: Store) -> None:
    refresh(store, NOON, good(published_at=TOMORROW))
    refresh(store, NOON + HOUR, gone=["a.md"])

    assert titles(store, TOMORROW) == []
    with store.reading(TOMORROW) as view:
        assert view.state().turned_at is None


@pytest.mark.parametrize(
    "unshown",
    [
        taken_down("b.md", Takedown.FILE, "b"),
        taken_down("b.md", Takedown.IDENTITY, "b"),
        good("b", published_at=TOMORROW),
        outcome("b.md", state=State.REFUSED, takedown=Takedown.FILE, id=article("b").id),
    ],
    ids=["draft", "removed", "scheduled", "refused and taken down"],
)
def test_story_that_is_a_hidden_article_is_left_out_of_others(store: Store, unshown: Outcome) -> None:
    refresh(store, NOON, good("a", related=(related("r"), STORY)))
    assert stories(store, NOON) == ["Story r", "Story b"]

    refresh(store, NOON, unshown)
    assert stories(store, NOON) == ["Story r"]


def test_story_comes_back_with_its_article(store: Store) -> None:
    refresh(store, NOON, good("a", related=(STORY,)), taken_down("b.md", Takedown.FILE, "b"))
    refresh(store, NOON, good("b"))

    assert stories(store, NOON) == ["Story b"]


def test_story_comes_back_when_its_scheduled_article_appears(store: Store) -> None:
    refresh(store, NOON, good("a", related=(STORY,)), good("b", published_at=TOMORROW))

    assert stories(store, NOON) == []
    assert stories(store, TOMORROW) == ["Story b"]


def test_story_of_somebody_else_stays_when_the_site_deletes_its_own_copy(store: Store) -> None:
    refresh(store, NOON, good("a", related=(STORY,)), good("b"))
    refresh(store, TOMORROW, gone=["b.md"])

    assert stories(store, TOMORROW) == ["Story b"]


def test_story_is_shown_where_another_file_shows_its_article(store: Store) -> None:
    refresh(store, NOON, good("a", related=(STORY,)), good("b"), taken_down("draft.md", Takedown.FILE, "b"))

    assert stories(store, NOON) == ["Story b"]


def test_shown_finds_articles_by_identity_as_they_are_listed(store: Store) -> None:
    refresh(store, NOON, good("a"), good("b", published_at=TOMORROW), good("c"))

    with store.reading(NOON) as view:
        found = view.shown([article("a").id, article("b").id, article_id("https://nowhere.example.com/")])
        assert list(found) == [article("a").id]
        assert found[article("a").id] in view.articles(ArticleQuery())
        assert found[article("a").id].topics == (Label("ai", "AI"),)


def test_parents_are_the_shown_articles_that_point_to_a_story_earliest_first(store: Store) -> None:
    parents = [
        good("late", related=(STORY,), published_at=NOON + HOUR),
        good("early", related=(STORY,)),
        good("scheduled", related=(STORY,), published_at=TOMORROW + DAY),
        good("stranger"),
    ]
    refresh(store, TOMORROW, *parents)

    with store.reading(TOMORROW) as view:
        found = view.parents([STORY.id, article("unrelated").id])
    assert found == {
        STORY.id: (article("early", related=(STORY,)), article("late", related=(STORY,), published_at=NOON + HOUR)),
        article("unrelated").id: (),
    }


def test_question_about_more_identities_than_a_database_takes_at_once_is_answered(store: Store) -> None:
    refresh(store, NOON, good("a"))

    with store.reading(NOON) as view:
        asked = [f"urn:example:{number}" for number in range(40_000)]
        assert view.shown([*asked, article("a").id]).keys() == {article("a").id}


def test_scheduled_file_is_ahead_before_it_is_a_duplicate(store: Store) -> None:
    refresh(store, NOON, good(path="a.md", published_at=TOMORROW), good(path="b.md", published_at=TOMORROW + DAY))

    with store.reading(NOON) as view:
        ahead = Problem("is still ahead", field="publishedDateTime")
        assert list(view.reports()) == [FileReport("a.md", State.HIDDEN, (ahead,)), FileReport("b.md", State.HIDDEN, (ahead,))]

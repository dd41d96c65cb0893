"""The SQL store answers as the reference store does, whatever becomes of the files and at any moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from feeds.identity import article_id
from feeds.model import Article, ArticleQuery, Cursor, Kind, Level, Month, Outcome, Problem, State, Takedown
from feeds.store.base import Snapshot, Store

from .builders import DAY, NOON, article, outcome, refresh, related
from .reference import ReferenceStore, ReferenceView

pytestmark = pytest.mark.every_database

FreshStore = Callable[[], AbstractContextManager[Store]]
HOUR = timedelta(hours=1)
NAMES = "abc"
URLS = {name: f"https://news.example.com/{name}" for name in NAMES}
PATHS = ("1.md", "2.md", "3.md", "4.md")
COLLECTIONS = [(Kind.ALL, ""), (Kind.TOPIC, "ai"), (Kind.TOPIC, "big-data"), (Kind.CATEGORY, "news")]
SAID = (Problem("is said to a person", level=Level.ERROR),)

moments = st.integers(0, 12).map(lambda hours: NOON + hours * HOUR)
identities = st.sampled_from([article_id(url) for url in URLS.values()])
stories = st.lists(st.sampled_from([*URLS.values(), "https://elsewhere.example.net/x"]), max_size=3, unique=True)


@st.composite
def articles(draw: st.DrawFn) -> Article:
    name, published_at = draw(st.sampled_from(NAMES)), draw(moments)
    return article(
        name,
        published_at=published_at,
        updated_at=published_at + draw(st.integers(0, 2)) * HOUR,
        topics=tuple(draw(st.lists(st.sampled_from(["AI", "Big Data"]), max_size=2, unique=True))),
        category=draw(st.sampled_from([None, "news"])),
        related=tuple(related(url[-1], url=url) for url in draw(stories) if url != URLS[name]),
    )


@st.composite
def outcomes(draw: st.DrawFn, path: str) -> Outcome:
    state = draw(st.sampled_from([State.SHOWN, State.SHOWN, State.SHOWN, *State]))
    if state is State.SHOWN:
        return outcome(path, draw(articles()))
    if state is State.SKIPPED:
        return outcome(path, problems=SAID)
    takes = st.sampled_from(list(Takedown) if state is State.REFUSED else [Takedown.FILE, Takedown.IDENTITY])
    return outcome(path, state=state, id=draw(st.none() | identities), takedown=draw(takes), problems=SAID)


@dataclass(frozen=True)
class Step:
    """A refresh: how many hours after the one before, what files came to, and which are gone."""

    hours: int
    outcomes: tuple[Outcome, ...]
    gone: tuple[str, ...]


@st.composite
def steps(draw: st.DrawFn) -> Step:
    paths = draw(st.lists(st.sampled_from(PATHS), max_size=4, unique=True))
    gone = draw(st.integers(0, 1)) if len(paths) > 1 else 0
    return Step(draw(st.integers(0, 4)), tuple(draw(outcomes(path)) for path in paths[gone:]), tuple(paths[:gone]))


@st.composite
def queries(draw: st.DrawFn) -> ArticleQuery:
    kind, slug = draw(st.sampled_from(COLLECTIONS))
    cursors = st.builds(Cursor, moments, identities)
    return ArticleQuery(
        kind,
        slug,
        limit=draw(st.none() | st.integers(0, 3)),
        offset=draw(st.integers(0, 3)),
        after=draw(st.none() | cursors),
        since=draw(st.none() | moments),
        before=draw(st.none() | moments),
    )


def what_is_shown(view: Snapshot | ReferenceView) -> dict[str, Any]:
    ids = [article_id(url) for url in (*URLS.values(), "https://elsewhere.example.net/x")]
    return {
        "articles": {place: view.articles(ArticleQuery(*place, limit=None)) for place in COLLECTIONS},
        "collections": {kind: [(one.slug, one.article_count, one.newest_at) for one in view.collections(kind)] for kind in Kind},
        "counts": view.counts(),
        "shown": view.shown(ids),
        "parents": view.parents(ids),
    }


def states(view: Snapshot, paths: list[str]) -> dict[str, State]:
    return dict.fromkeys(paths, State.SHOWN) | {report.path: report.state for report in view.reports()}


@settings(max_examples=30)
@given(st.lists(steps(), min_size=1, max_size=5))
def test_every_sequence_of_refreshes_shows_what_the_rules_say(fresh_store: FreshStore, history: list[Step]) -> None:
    reference, now = ReferenceStore(), NOON
    with fresh_store() as store:
        for step in history:
            now += step.hours * HOUR
            refresh(store, now, *step.outcomes, gone=step.gone)
            reference.refresh(now, step.outcomes, step.gone)
            for moment in (now, now + 5 * HOUR):
                expected = ReferenceView(reference, moment)
                with store.reading(moment) as view:
                    assert what_is_shown(view) == what_is_shown(expected)
                    assert states(view, list(expected.states())) == expected.states()
                    assert view.state().next_turn_at == expected.next_turn_at()


@settings(max_examples=30)
@given(steps(), steps(), st.lists(queries(), min_size=5, max_size=10), st.integers(0, 8))
def test_every_query_finds_what_the_rules_say(
    fresh_store: FreshStore, first: Step, second: Step, asked: list[ArticleQuery], hours: int
) -> None:
    reference, now = ReferenceStore(), NOON + 4 * HOUR
    with fresh_store() as store:
        for step in (first, second):
            now += step.hours * HOUR
            refresh(store, now, *step.outcomes, gone=step.gone)
            reference.refresh(now, step.outcomes, step.gone)
        expected = ReferenceView(reference, now + hours * HOUR)
        for opened in (store.reading, store.gathering):
            with opened(now + hours * HOUR) as view:
                assert [found.slug for found in view.collections(Kind.TOPIC)] == [found.slug for found in expected.collections(Kind.TOPIC)]
                for query in asked:
                    assert view.articles(query) == expected.articles(query)
                    assert view.count(query) == expected.count(query)
                    assert view.months(query.kind, query.slug) == expected.months(query.kind, query.slug)
                    assert view.neighbours(query.kind, query.slug, 1) == expected.neighbours(query.kind, query.slug, 1)
                    for moment in (query.since, query.before):
                        if moment is not None:
                            place = (query.kind, query.slug, moment)
                            assert view.listed_before(*place) == expected.listed_before(*place)
                            assert view.listed_from(*place) == expected.listed_from(*place)


def feeds_of(view: Snapshot) -> dict[tuple[Kind, str], Any]:
    """Return what each collection's feed says: its articles, and in short the articles that these point to."""
    found = {}
    for place in COLLECTIONS:
        if view.collection(*place) is not None:
            listed = view.articles(ArticleQuery(*place, limit=None))
            own = view.shown({story.id for one in listed for story in one.article.related})
            found[place] = (listed, {identity: replace(one.article, related=()) for identity, one in own.items()})
    return found


@settings(max_examples=30)
@given(st.lists(steps(), min_size=2, max_size=5), st.sampled_from([timedelta(seconds=1), HOUR]))
def test_modification_times_grow_whenever_a_feed_changes(fresh_store: FreshStore, history: list[Step], unit: timedelta) -> None:
    now = NOON
    before: dict[tuple[Kind, str], Any] = {}
    modified: dict[tuple[Kind, str], Any] = {}
    with fresh_store() as store:
        for number, step in enumerate(history):
            now += step.hours * unit
            refresh(store, now, *step.outcomes, gone=step.gone, fingerprint=str(number // 2))
            for moment in (now, now + unit, now + 2 * unit):
                if step is not history[-1] and moment > now + history[number + 1].hours * unit:
                    break
                with store.reading(moment) as view:
                    for place, content in feeds_of(view).items():
                        modified_at = view.modified_at(*place)
                        if place in before:
                            changed = content != before[place]
                            assert modified_at > modified[place] if changed else modified_at >= modified[place]
                        before[place], modified[place] = content, modified_at


@st.composite
def distant_steps(draw: st.DrawFn) -> Step:
    """Draw a step that is days after the one before, with articles of several months, past and to come."""

    def moved(outcome: Outcome) -> Outcome:
        days = draw(st.sampled_from([-61, -30, -1, 0, 1, 17, 40])) * DAY
        found = outcome.article
        shifted = found and replace(found, published_at=found.published_at + days, updated_at=found.updated_at + days)
        return replace(outcome, article=shifted)

    step = draw(steps())
    return Step(24 * draw(st.integers(0, 40)), tuple(map(moved, step.outcomes)), step.gone)


@settings(max_examples=12)
@given(st.lists(distant_steps(), min_size=2, max_size=5))
def test_months_are_those_of_the_articles_that_are_shown(fresh_store: FreshStore, history: list[Step]) -> None:
    now = NOON
    with fresh_store() as store:
        for step in history:
            now += step.hours * HOUR
            refresh(store, now, *step.outcomes, gone=step.gone)
            for opened, moment in product((store.reading, store.gathering), (now, now + 20 * DAY, now + 50 * DAY)):
                with opened(moment) as view:
                    for kind, slug in COLLECTIONS:
                        listed = [one.listed_at for one in view.articles(ArticleQuery(kind, slug, limit=None))]
                        months = Counter(at.replace(day=1, hour=0, minute=0, second=0) for at in listed)
                        counted = tuple(Month(start, months[start]) for start in sorted(months, reverse=True))
                        assert view.months(kind, slug) == view.all_months(kind).get(slug, ()) == counted
                        since = datetime(2024, 5, 1, tzinfo=UTC)
                        assert view.all_months(kind, since).get(slug, ()) == tuple(one for one in counted if one.start >= since)

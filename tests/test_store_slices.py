"""Any slice of all articles: every condition, its order, its words; the same as going through the articles one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from feeds.model import Article, Choice, Kind, Provider, Slice, SliceOrder, State, Takedown
from feeds.store import rows
from feeds.store.base import Store
from feeds.store.schema import payloads
from feeds.store.slices import Bounds, SliceQuery
from feeds.store.sql import SqlStore, open_database
from feeds.words import indexed_words, sought_words

from .builders import DAY, NOON, article, good, outcome, refresh

pytestmark = pytest.mark.every_database

AI, LAW = Choice(Kind.TOPIC, "ai"), Choice(Kind.TOPIC, "law")
NOT_AI = Choice(Kind.TOPIC, "ai", is_excluded=True)


def found(store: Store, part: Slice, limit: int = 200, now: datetime = NOON) -> list[str]:
    with store.reading(now) as view:
        return [listed.article.title for listed in view.slice(part, limit)]


@pytest.fixture
def site(store: Store) -> Store:
    """An index of five articles, the latest first in this list."""
    facts: dict[str, dict[str, Any]] = {
        "both": {"topics": ("AI", "Law"), "quality": 50, "heat": None},
        "ai": {"topics": ("AI",), "quality": 70, "heat": 20, "type": "video"},
        "law": {"topics": ("Law",), "quality": None, "heat": 90, "provider": Provider("Herald", "herald.example")},
        "none": {"topics": (), "quality": 10, "heat": 30, "category": "stats", "excerpt": "Facial recognition in C++ für 人工智能"},
        "old": {"topics": ("AI",), "quality": 70, "heat": 10, "excerpt": None},
    }
    refresh(
        store,
        NOON,
        *(good(name, published_at=NOON - days * DAY, title=name, **changes) for days, (name, changes) in enumerate(facts.items())),
    )
    return store


@pytest.mark.parametrize(
    ("part", "titles"),
    [
        (Slice(), ["both", "ai", "law", "none", "old"]),
        (Slice((AI,)), ["both", "ai", "old"]),
        (Slice((AI, LAW)), ["both", "ai", "law", "old"]),
        (Slice((AI, LAW), match_all=True), ["both"]),
        (Slice((AI,), match_all=True), ["both", "ai", "old"]),
        (Slice((NOT_AI,)), ["law", "none"]),
        (Slice((LAW, NOT_AI)), ["law"]),
        (Slice((AI, Choice(Kind.TYPE, "video"))), ["ai"]),
        (Slice((Choice(Kind.PROVIDER, "herald.example"),)), ["law"]),
        (Slice((Choice(Kind.CATEGORY, "stats"), Choice(Kind.CATEGORY, "news"))), ["both", "ai", "law", "none", "old"]),
        (Slice((Choice(Kind.CATEGORY, "news", is_excluded=True),)), ["none"]),
        (Slice(min_quality=50), ["both", "ai", "old"]),
        (Slice(min_heat=20), ["ai", "law", "none"]),
        (Slice(since=date(2024, 5, 15), until=date(2024, 5, 16)), ["ai", "law"]),
        (Slice(since=date(2024, 5, 17)), ["both"]),
        (Slice(until=date(2024, 5, 13)), ["old"]),
        (Slice(sought="recognition facial"), ["none"]),
        (Slice(sought="智能"), ["none"]),
        (Slice(sought="能人"), []),
        (Slice(sought="c++"), ["none"]),
        (Slice(sought="fur"), ["none"]),
        (Slice(sought="herald"), ["law"]),
        (Slice(sought="facial law"), []),
        (Slice((AI, Choice(Kind.TOPIC, "unheard"))), ["both", "ai", "old"]),
        (Slice((Choice(Kind.TOPIC, "unheard"),)), []),
    ],
)
def test_slice_has_what_meets_every_condition(site: Store, part: Slice, titles: list[str]) -> None:
    assert found(site, part) == titles


@pytest.mark.parametrize(
    ("order", "limit", "titles"),
    [
        (None, 2, ["both", "ai"]),
        (SliceOrder.HEAT, 2, ["law", "none"]),
        (SliceOrder.HEAT, 10, ["both", "ai", "law", "none", "old"]),
        (SliceOrder.QUALITY, 2, ["ai", "old"]),
        (SliceOrder.QUALITY, 4, ["both", "ai", "none", "old"]),
    ],
)
def test_order_chooses_the_entries_and_the_listing_orders_them(
    site: Store, order: SliceOrder | None, limit: int, titles: list[str]
) -> None:
    assert found(site, Slice(order=order), limit) == titles


def test_collections_of_a_slice_are_counted_within_it_the_largest_first(site: Store) -> None:
    with site.reading(NOON) as view:
        counted = view.slice_collections(Slice((AI,)))
    assert [(one.slug, one.article_count) for one in counted if one.kind is Kind.TOPIC] == [("ai", 3), ("law", 1)]
    assert [(one.slug, one.article_count) for one in counted if one.kind is Kind.TYPE] == [("article", 2), ("video", 1)]
    assert [(one.article_count, one.newest_at) for one in counted if one.kind is Kind.ALL] == [(3, NOON)]


@pytest.mark.parametrize("part", [Slice(), Slice((AI,)), Slice(sought="news")])
def test_collections_of_a_slice_are_those_of_the_kinds_that_are_asked_for(site: Store, part: Slice) -> None:
    with site.reading(NOON) as view:
        counted = view.slice_collections(part)
        for kinds in ((Kind.TYPE,), (Kind.ALL, Kind.TOPIC), ()):
            assert view.slice_collections(part, kinds) == tuple(one for one in counted if one.kind in kinds)


def test_hidden_article_is_found_by_no_slice(store: Store) -> None:
    refresh(store, NOON, good("shown", title="Word one"), good("soon", title="Word two", published_at=NOON + DAY))
    refresh(store, NOON, good("gone", title="Word three"))
    refresh(store, NOON, outcome("gone.md", state=State.HIDDEN, takedown=Takedown.FILE))

    assert found(store, Slice(sought="word")) == ["Word one"]
    assert found(store, Slice(sought="word"), now=NOON + DAY) == ["Word two", "Word one"]


def test_edited_article_is_found_by_its_new_words_alone(store: Store) -> None:
    refresh(store, NOON, good(title="Before"))
    refresh(store, NOON, good(title="After"))

    assert (found(store, Slice(sought="before")), found(store, Slice(sought="after"))) == ([], ["After"])


def test_deleted_article_is_found_no_more_and_may_come_back(store: Store) -> None:
    refresh(store, NOON, good(title="Word"))
    refresh(store, NOON, gone=["a.md"])
    assert found(store, Slice(sought="word")) == []

    refresh(store, NOON, good(title="Word"))
    assert found(store, Slice(sought="word")) == ["Word"]


NUMBERS = st.none() | st.integers(0, 3)
NAMES = st.sampled_from(["red", "blue", "green"])
ARTICLES = st.lists(
    st.builds(
        dict,
        title=st.lists(NAMES, min_size=1, max_size=2).map(" ".join),
        topics=st.lists(NAMES, max_size=2, unique=True).map(tuple),
        type=st.none() | NAMES,
        category=st.none() | NAMES,
        quality=NUMBERS,
        heat=NUMBERS,
        published_at=st.integers(0, 3).map(lambda days: NOON - days * DAY),
    ),
    max_size=6,
)
CHOICES = st.builds(Choice, st.sampled_from([Kind.TOPIC, Kind.TYPE, Kind.CATEGORY]), NAMES, st.booleans())
DAYS = st.none() | st.integers(0, 3).map(lambda days: (NOON - days * DAY).date())
SLICES = st.builds(
    Slice,
    choices=st.lists(CHOICES, max_size=4, unique=True).map(lambda choices: tuple(sorted(choices))),
    match_all=st.booleans(),
    sought=st.none() | st.lists(NAMES, min_size=1, max_size=2).map(" ".join),
    min_quality=NUMBERS,
    min_heat=NUMBERS,
    since=DAYS,
    until=DAYS,
    order=st.none() | st.sampled_from(SliceOrder),
)


def meets(one: Article, part: Slice) -> bool:
    labels = {Kind.TOPIC: set(one.topics), Kind.TYPE: {one.type}, Kind.CATEGORY: {one.category}}
    for kind, own in labels.items():
        wanted = set(part.wanted(kind))
        everything = kind is Kind.TOPIC and part.match_all
        if wanted and not (wanted <= own if everything else wanted & own):
            return False
        if own & {choice.slug for choice in part.choices if choice.kind is kind and choice.is_excluded}:
            return False
    numbers = ((one.quality, part.min_quality), (one.heat, part.min_heat))
    if any(least is not None and (number is None or number < least) for number, least in numbers):
        return False
    if not (part.since or date.min) <= one.published_at.date() <= (part.until or date.max):
        return False
    text = f"{one.title} {one.excerpt} {one.provider.name if one.provider else ''}"
    return part.sought is None or set(sought_words(part.sought)) <= set(indexed_words(text))


def places(one: Article) -> set[tuple[Kind, str]]:
    named = {(Kind.CATEGORY, one.category), (Kind.TYPE, one.type), *((Kind.TOPIC, name) for name in one.topics)}
    return {(kind, slug) for kind, slug in named if slug is not None} | {(Kind.ALL, ""), (Kind.PROVIDER, "example.com")}


@settings(max_examples=60)
@given(ARTICLES, SLICES, st.integers(1, 4), st.integers(0, 3))
def test_slice_is_what_going_through_all_articles_finds(
    fresh_database: Callable[[], AbstractContextManager[str]], facts: list[dict[str, Any]], part: Slice, limit: int, few: int
) -> None:
    """Whatever counts as few articles, which decides about the way to them."""
    articles = [article(str(number), excerpt=None, **one) for number, one in enumerate(facts)]
    matching = sorted((one for one in articles if meets(one, part)), key=lambda one: (NOON - one.published_at, one.id))
    first = list(matching)
    if part.order is not None:
        first.sort(key=lambda one: (getattr(one, part.order.value) is None, -(getattr(one, part.order.value) or 0)))  # type: ignore[union-attr] # not None here
    chosen = sorted(first[:limit], key=lambda one: (NOON - one.published_at, one.id))

    with fresh_database() as url:
        database = open_database(url)
        store = SqlStore(database)
        store.prepare()
        refresh(store, NOON, *(outcome(f"{number}.md", one) for number, one in enumerate(articles, start=1)))
        with store.reading(NOON) as view:
            assert [listed.article for listed in view.slice(part, limit)] == chosen
            counted = {(one.kind, one.slug): one.article_count for one in view.slice_collections(part)}
            assert counted == Counter(place for one in matching for place in places(one))
        with database.reading() as connection:
            query = SliceQuery(connection, database.words, rows.seconds(NOON), part, Bounds(few, 2 * few))
            assert {articles[row.id - 1] for row in query.first(limit)} == set(chosen)
            covered = connection.execute(select(payloads.c.id).where(query.covers(payloads.c.id))).scalars()
            assert {articles[number - 1] for number in covered} == set(matching)
        store.close()

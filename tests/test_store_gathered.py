"""A view that is read ahead: an article is read once, and has a name that tells whether its entry can differ.

That it answers as a plain view is in test_store_properties.py.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import pytest

from feeds.model import ArticleQuery, FileFacts, Kind, Outcome, Provider, State, Takedown, TopicFacts
from feeds.store.base import Store
from feeds.store.prepared import prepare

from .builders import DAY, NOON, article, good, outcome, refresh, related

pytestmark = pytest.mark.every_database
EVERYTHING = ArticleQuery(limit=None)


def keep(store: Store, *outcomes: Outcome, now: datetime = NOON, topics: tuple[TopicFacts, ...] = ()) -> None:
    """Refresh an index with files whose digest tells their content."""
    with store.refreshing(now) as refreshing:
        refreshing.put((FileFacts(1, 1, repr(one).encode()), prepare(one)) for one in outcomes)
        refreshing.put_topics((topic.slug, topic, ()) for topic in topics)
        refreshing.finish("settings")


def versions(store: Store, query: ArticleQuery = EVERYTHING, now: datetime = NOON) -> tuple[bytes, ...]:
    with store.gathering(now) as view:
        return view.versions(query)


def test_article_is_read_once_however_many_collections_have_it(store: Store) -> None:
    refresh(store, NOON, *(good(name, topics=("AI", "Law")) for name in "abc"))
    with store.gathering(NOON) as view:
        first = view.articles(EVERYTHING)
        second = view.articles(ArticleQuery(Kind.TOPIC, "law", limit=2))
    assert len(second) == 2
    assert all(one is other for one, other in zip(first, second, strict=False))


def test_versions_are_in_the_order_of_the_articles_and_cut_as_they_are(store: Store) -> None:
    keep(store, *(good(name, published_at=NOON - number * DAY) for number, name in enumerate("abc")))
    assert versions(store, ArticleQuery(limit=1, offset=1)) == versions(store)[1:2]
    assert versions(store, ArticleQuery(since=NOON - DAY)) == versions(store)[:2]
    assert len(set(versions(store))) == 3


def test_version_is_the_same_in_another_index_where_the_article_is(
    store: Store, fresh_store: Callable[[], AbstractContextManager[Store]]
) -> None:
    keep(store, good("a"))
    with fresh_store() as other:
        keep(other, good("b", published_at=NOON - DAY), good("c", published_at=NOON - DAY, topics=("Law",)), now=NOON - DAY)
        keep(other, good("a"), now=NOON + DAY)
        assert versions(store)[0] == versions(other, ArticleQuery(limit=1), NOON + DAY)[0]


def test_story_that_one_file_hides_and_another_one_shows_stays_related(store: Store) -> None:
    to_b = related("b", url=article("b").url, id=article("b").id)
    keep(
        store,
        good("a", related=(to_b,), topics=("Law",)),
        good("b"),
        outcome("c.md", state=State.HIDDEN, id=to_b.id, takedown=Takedown.FILE),
    )
    with store.gathering(NOON) as view:
        (found,) = view.articles(ArticleQuery(Kind.TOPIC, "law"))
    assert found.article.related == (to_b,)


@pytest.mark.parametrize(
    "changed",
    [
        good("a", title="edited", related=(related("b", url=article("b").url),)),
        good("a", path="renamed.md", related=(related("b", url=article("b").url),)),
        outcome("b.md", state=State.HIDDEN, id=article("b").id, takedown=Takedown.IDENTITY),
    ],
)
def test_version_is_another_where_the_article_its_file_or_a_story_it_shows_is(store: Store, changed: Outcome) -> None:
    query = ArticleQuery(Kind.TOPIC, "ai")
    keep(store, good("a", related=(related("b", url=article("b").url),)), good("b", topics=()))
    before = versions(store, query)
    if changed.path == "renamed.md":
        refresh(store, NOON, gone=["a.md"])
    keep(store, changed)
    assert len(versions(store, query)) == 1
    assert versions(store, query) != before


def test_version_is_another_where_a_topic_has_another_name(store: Store) -> None:
    keep(store, good())
    before = versions(store)
    keep(store, topics=(TopicFacts("ai", "Ai"),))
    assert versions(store) != before


def test_version_does_not_depend_on_what_an_entry_does_not_say(store: Store) -> None:
    keep(store, good())
    before = versions(store)
    keep(store, good("b", provider=Provider("Other", "other.example")), outcome("c.md"), now=NOON + DAY)
    assert versions(store, ArticleQuery(before=NOON + DAY), NOON + DAY) == before

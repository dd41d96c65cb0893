"""Documents put together from kept entries are the bytes that feedgen, or json, writes in one go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feeds.feed import Feed, FeedLinks, FeedOptions, ImageOption, RelatedOption
from feeds.model import Article
from feeds.render import FORMATS
from feeds.render.kept import KeptEntries
from feeds.render.xmlfeed import atom_document, rss_document

from .builders import SITE, article, feed, image, listed, related
from .test_render_properties import ARTICLES, MOMENTS, URLS

IN_ONE_GO = {"rss": rss_document, "atom": atom_document}
PLENTY = 10_000_000

FEEDS = st.builds(
    lambda articles, **facts: feed(*articles, **facts),
    articles=st.lists(st.sampled_from([article(name) for name in "abcd"]) | ARTICLES, max_size=4, unique_by=lambda one: one.id),
    site=st.sampled_from([SITE, replace(SITE, base_url="https://other.example"), replace(SITE, language="de")]),
    options=st.builds(FeedOptions, images=st.sampled_from(ImageOption), related=st.sampled_from(RelatedOption)),
    links=st.builds(FeedLinks, *[st.none() | URLS] * 4),
    self_url=URLS | st.just("https://x.example/\"<&>'\t?q=é"),
    updated_at=MOMENTS,
)


@given(st.lists(FEEDS, min_size=1, max_size=3), st.sampled_from([0, 10_000, PLENTY]))
def test_documents_from_kept_entries_are_those_made_in_one_go(feeds: list[Feed], max_bytes: int) -> None:
    kept = KeptEntries(max_bytes)
    for one in [*feeds, *reversed(feeds)]:
        for extension, in_one_go in IN_ONE_GO.items():
            assert FORMATS[extension].render(one, kept) == in_one_go(one)
        assert FORMATS["json"].render(one, kept) == FORMATS["json"].render(one)


class Titles:
    """A renderer whose entries are titles, and that notes which it made."""

    def __init__(self) -> None:
        self.made: list[tuple[str, ...]] = []

    def __call__(self, missing: Feed) -> list[bytes]:
        self.made.append(tuple(one.article.title for one in missing.articles))
        return [one.article.title.encode() for one in missing.articles]


def test_entry_is_made_once_however_many_feeds_have_it() -> None:
    kept, render = KeptEntries(PLENTY), Titles()
    one, two, three = (article(name, title=name) for name in ("one", "two", "three"))
    assert kept.entries(feed(one, two), render) == [b"one", b"two"]
    assert kept.entries(feed(three, two), render) == [b"three", b"two"]
    assert kept.entries(feed(two, one, three, title="Another feed"), render) == [b"two", b"one", b"three"]
    assert render.made == [("one", "two"), ("three",)]


@pytest.mark.parametrize(
    "other",
    [
        feed(article(title="edited")),
        feed(articles=(listed(article(), "another-slug"),)),
        feed(articles=(listed(article(), parent_urls=("https://news.example.com/parent",)),)),
        feed(article(related=(related(),))),
        feed(article(images=(image(),))),
        feed(article(), site=replace(SITE, site_url="https://elsewhere.example")),
        feed(article(), options=FeedOptions(images=ImageOption.INLINE)),
        feed(article(), options=FeedOptions(related=RelatedOption.NONE)),
    ],
)
def test_entry_is_made_anew_where_anything_differs_that_it_says(other: Feed) -> None:
    kept, render = KeptEntries(PLENTY), Titles()
    kept.entries(feed(article()), render)
    kept.entries(other, render)
    assert len(render.made) == 2


def test_entries_that_were_not_used_for_the_longest_time_are_let_go() -> None:
    kept, render = KeptEntries(2 * 4500), Titles()
    articles: list[Article] = [article(name, title=name) for name in ("one", "two", "three")]
    for number in (0, 1, 0, 2, 0, 1):
        kept.entries(feed(articles[number]), render)
    assert render.made == [("one",), ("two",), ("three",), ("two",)]


def test_any_number_of_threads_may_render() -> None:
    kept = KeptEntries(50_000)
    feeds = [feed(*(article(f"{number}-{place}") for place in range(number, number + 9))) for number in range(4)] * 5
    with ThreadPoolExecutor(4) as threads:
        documents = list(threads.map(lambda one: FORMATS["rss"].render(one, kept), feeds))
    assert documents == [rss_document(one) for one in feeds]

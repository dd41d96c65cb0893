"""Pages as bytes: made without a server, and all there are."""

from __future__ import annotations

from feeds.catalog import ListPage
from feeds.feed import PageAddress
from feeds.model import Kind
from feeds.pages import render_page
from feeds.pages.parts import Parts
from feeds.service import FeedService
from feeds.store.base import Store

from .builders import DAY, NOON, SITE, good, refresh

COLLECTIONS = ((Kind.ALL, ""), (Kind.TOPIC, "ai"), (Kind.CATEGORY, "news"), (Kind.TYPE, "article"), (Kind.PROVIDER, "example.com"))


def test_every_page_there_is_can_be_made_without_a_server(store: Store, service: FeedService) -> None:
    refresh(store, NOON, *(good(str(number), published_at=NOON - number * DAY) for number in range(50)))
    pages = list(service.pages(SITE, NOON))
    assert [page.address for page in pages] == list(service.page_addresses(NOON))
    assert all(render_page(page, SITE).startswith(b"<!doctype html>") for page in pages)


def test_every_collection_month_and_kind_has_a_page(store: Store, service: FeedService) -> None:
    refresh(store, NOON, *(good(str(number), published_at=NOON - number * DAY) for number in range(50)))
    of_each = (PageAddress(), PageAddress(month="2024-05"), PageAddress(month="2024-04"), PageAddress(month="2024-04", number=2))
    kinds = {PageAddress(kind) for kind in Kind if kind}
    more = {
        PageAddress(kind, slug, page.month, page.number) for kind, slug in COLLECTIONS for page in (*of_each, PageAddress(month="2024-03"))
    }
    assert set(service.page_addresses(NOON)) == kinds | more


def test_page_is_the_same_whatever_was_made_before_with_the_same_parts(store: Store, service: FeedService) -> None:
    topics = (("AI",), ("AI", "Law"), ("Law", "Robots", "Health", "Space", "Oceans"), ())
    refresh(store, NOON, *(good(str(number), published_at=NOON - number * DAY, topics=topics[number % 4]) for number in range(50)))
    pages, parts = list(service.pages(SITE, NOON)), Parts(SITE)
    assert [render_page(page, SITE, parts) for page in pages] == [render_page(page, SITE) for page in pages]


def test_text_that_looks_like_a_mark_in_markup_stays_text(store: Store, service: FeedService) -> None:
    refresh(store, NOON, good("x", title="<root> <tags> <up>", topics=("<root>", "<tags>")))
    for page in service.pages(SITE, NOON):
        body = render_page(page, SITE).decode()
        assert not any(mark in body for mark in ("<root>", "<tags>", "<up>"))
        assert "&lt;root&gt; &lt;tags&gt; &lt;up&gt;" in body or isinstance(page, ListPage)

"""Pages as bytes: made without a server, and the same wherever they are mounted."""

from __future__ import annotations

from feeds.feed import PageAddress
from feeds.model import Kind
from feeds.pages import render_page
from feeds.service import FeedService
from feeds.store.base import Store

from .builders import NOON, SITE, good, refresh


def test_page_is_made_without_a_server(store: Store, service: FeedService) -> None:
    refresh(store, NOON, good())
    (topic,) = [one for one in service.page_addresses(NOON) if one.kind is Kind.TOPIC]
    assert "Title of a" in render_page(service.page(topic, SITE, NOON), SITE).decode()


def test_every_collection_has_a_page(store: Store, service: FeedService) -> None:
    refresh(store, NOON, good())
    assert service.page_addresses(NOON) == (
        PageAddress(),
        PageAddress(Kind.TOPIC, "ai"),
        PageAddress(Kind.CATEGORY, "news"),
        PageAddress(Kind.TYPE, "article"),
        PageAddress(Kind.PROVIDER, "example.com"),
    )

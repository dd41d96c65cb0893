"""From the index to what a page for people shows. Knows which articles and topics stand on which page.

Knows no markup, no HTTP and no files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from feeds import assembly
from feeds.feed import FeedAddress, PageAddress, Site
from feeds.model import ArticleQuery, Collection, Kind, ListedArticle
from feeds.store.base import Snapshot


@dataclass(frozen=True, slots=True)
class Page:
    """What a page for people shows: a collection with its newest articles, and all topics."""

    address: PageAddress
    title: str
    description: str
    collection: Collection
    articles: tuple[ListedArticle, ...]
    topics: tuple[Collection, ...]


def addresses(view: Snapshot) -> Iterator[PageAddress]:
    """Yield every page there is."""
    assembly.refreshed_at(view)
    for kind in Kind:
        for found in view.collections(kind):
            yield PageAddress(kind, found.slug)


def page(view: Snapshot, address: PageAddress, site: Site) -> Page:
    """Return what a page shows.

    Raises:
        NotReadyError: the index was never refreshed.
        NotFoundError: there is no such page; it suggests near names.
        Moved: it has another address.
    """
    collection = assembly.collection(view, FeedAddress(address.kind, address.slug))
    return Page(
        address,
        assembly.title(collection, site),
        assembly.description(collection, site),
        collection,
        view.articles(ArticleQuery(address.kind, address.slug)),
        view.collections(Kind.TOPIC),
    )

"""Documents and pages that share articles -> a unit of work, in which each article is once. Knows no index."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec.structs import replace

from feeds.catalog import Around
from feeds.export.making import FeedWork, PageWork, Unit
from feeds.export.plan import FeedFiles, PageFile
from feeds.model import ListedArticle

_Value = TypeVar("_Value")


class _Places(Generic[_Value]):
    """Objects, each once, and where each is; by identity, for comparing articles takes long."""

    def __init__(self) -> None:
        self.values: list[_Value] = []
        self._places: dict[Hashable, int] = {}

    def of(self, value: _Value) -> int:
        place = self._places.setdefault(id(value), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place


class Gathering:
    """A unit that grows."""

    def __init__(self, base: Unit) -> None:
        self._base = base
        self._articles, self._arounds = _Places[ListedArticle](), _Places[Around]()
        self._feeds: list[FeedWork] = []
        self._pages: list[PageWork] = []

    @property
    def size(self) -> int:
        """Return how many articles it has."""
        return len(self._articles.values)

    def add_feed(self, planned: FeedFiles, articles: tuple[ListedArticle, ...]) -> None:
        """Add a document in all its formats."""
        places = tuple(map(self._articles.of, articles))
        self._feeds.append(FeedWork(planned.draft, places, planned.extensions, planned.files, planned.inputs))

    def add_page(self, planned: PageFile, articles: tuple[ListedArticle, ...]) -> None:
        """Add a page."""
        places = tuple(map(self._articles.of, articles))
        self._pages.append(PageWork(planned.draft, self._arounds.of(planned.around), places, planned.files[0], planned.inputs))

    def unit(self) -> Unit:
        """Return what there is now."""
        return replace(
            self._base,
            articles=tuple(self._articles.values),
            feeds=tuple(self._feeds),
            arounds=tuple(self._arounds.values),
            pages=tuple(self._pages),
        )

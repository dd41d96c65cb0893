"""Parts of pages that come again: the card of an article, what is around the articles of a collection. Each is made once.

They belong to who renders pages of a site, for as long as the values that they are made of are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

import msgspec
from markupsafe import Markup

from feeds import paths
from feeds.catalog import Around
from feeds.feed import FeedAddress, PageAddress, Site
from feeds.model import Article, Image, Kind, Label, ListedArticle, Month
from feeds.pages.markup import at_root, feed, fragment
from feeds.render import FORMATS
from feeds.render.entry import picture

_FEWEST_BARS = 24  # months of a chart: fewer would look like blocks
_MOST_BARS = 60
_TAGS = 4  # topics on a card
_MARK = Markup("<tags>")  # as in `markup`
_UP = Markup("<up>")  # likewise


class Shell(msgspec.Struct, frozen=True, gc=False):
    """What all pages of a collection have around their articles, as markup; `years` are its history, the latest first."""

    around: Around
    alternates: Markup
    subscribe: Markup
    chart: Markup
    labels: Markup
    years: tuple[tuple[str, str], ...]

    def history(self, page: PageAddress) -> Markup:
        """Return the history as a page shows it: open are the latest year and that of the page, whose month is marked."""
        said = []
        for place, (year, markup) in enumerate(self.years):
            is_own = page.month.startswith(year)
            opened = markup.replace("<details>", "<details open>", 1) if place == 0 or is_own else markup
            said.append(opened.replace(f'{page.month}/"', f'{page.month}/" aria-current=page', 1) if is_own else opened)
        up = "../" * (bool(page.month) + (page.number > 1))  # to the collection's own page
        return Markup("".join(said).replace(_UP, up))  # noqa: S704 - macros made it


class Parts:
    """The parts of the pages of a site; who asks again with the same object gets the same markup."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._cards: dict[int, tuple[ListedArticle, str, str]] = {}  # by identity in memory: what is before the topics, and behind
        self._shells: dict[int, Shell] = {}  # likewise

    def cards(self, articles: Iterable[ListedArticle], here: str | None) -> Markup:
        """Return the cards of articles; `here` is the topic that they need not name, because the page is its own."""
        said: list[str] = []
        for listed in articles:
            card = self._cards.get(id(listed))
            if card is None:
                before, _, behind = fragment("card", listed.article, _image(listed.article, self._site), _MARK).partition(_MARK)
                card = self._cards[id(listed)] = (listed, before, behind)
            said += (card[1], _tags(tuple(label for label in listed.topics[:_TAGS] if label.slug != here)), card[2])
        return Markup("".join(said))  # noqa: S704 - macros made it

    def shell(self, around: Around) -> Shell:
        """Return what stands around the articles of a collection."""
        made = self._shells.get(id(around))
        if made is None:
            made = self._shells[id(around)] = _shell(around, self._site)
        return made


@lru_cache(maxsize=256)  # an export makes them for the pages of many months
def _shell(around: Around, site: Site) -> Shell:
    here = around.collection
    feeds = feeds_of(here.kind, here.slug)
    feed_url = f"{site.base_url}{paths.feed_path(FeedAddress(here.kind, here.slug), 'rss')}"
    topics = "Neighbouring topics" if here.kind is Kind.TOPIC else "Topics"
    return Shell(
        around,
        fragment("alternates", around.title, feeds),
        fragment("subscribe", here.name or site.title, feed_url, feeds, at_root(paths.OPML_PATH)),
        _chart(around.months),
        fragment("labels", "below", "Narrower topics", around.below) + "\n" + fragment("labels", "neighbours", topics, around.neighbours),
        _years(around.months),
    )


def feeds_of(kind: Kind, slug: str) -> dict[str, Markup]:
    """Return links to the feed of a collection in each format."""
    return {extension: feed(kind, slug, extension) for extension in FORMATS}


@lru_cache(maxsize=16)
def header(site: Site) -> Markup:
    """Return what is above every page of a site."""
    return fragment("header", site, at_root(paths.SEARCH_PATH))


@cache
def footer() -> Markup:
    """Return what is below every page of a site."""
    return fragment("footer", at_root(paths.OPML_PATH))


@lru_cache(maxsize=4096)  # articles have the same topics again and again
def _tags(labels: tuple[Label, ...]) -> str:
    return fragment("tags", labels)


def _image(article: Article, site: Site) -> Image | None:
    """Return the picture of an article's card; a page that came over TLS loads none without."""
    found = picture(article.images[:1], site.site_url)
    return None if found is None or (site.base_url.startswith("https:") and found.url.startswith("http:")) else found


def _years(months: tuple[Month, ...]) -> tuple[tuple[str, str], ...]:
    """Return the history of each year, closed, the latest first."""
    years: dict[int, list[Month]] = {}
    for month in months:
        years.setdefault(month.start.year, []).append(month)
    return tuple((f"{year:04}", _year(year, tuple(months))) for year, months in years.items())


@lru_cache(maxsize=1024)  # a server makes the pages of a collection one by one
def _year(year: int, months: tuple[Month, ...]) -> str:
    total = sum(month.article_count for month in months)
    return str(fragment("year", year, total, [(month, paths.month_name(month.start)) for month in months], _UP))


@lru_cache(maxsize=256)
def _chart(months: tuple[Month, ...]) -> Markup:
    """Return a chart of how many articles each month has, from the first to the last, or of the latest of them; none of a single month."""
    if len(months) < 2:
        return Markup("")
    counts = {month.start: month.article_count for month in months}
    last, first = months[0].start, months[-1].start
    covered = (last.year - first.year) * 12 + last.month - first.month + 1
    starts = paths.months_up_to(last, min(max(covered, _FEWEST_BARS), _MOST_BARS))
    return fragment("chart", starts[0], last, [counts.get(start, 0) for start in starts])

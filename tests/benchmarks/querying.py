"""How long questions take in small and large indexes, on each database: medians in milliseconds, and how they grow.

    python -m tests.benchmarks.querying --sizes 1000 100000 --databases sqlite postgresql --rounds 20

The index is built through the store, without files. `--keep FOLDER` leaves the SQLite files there for the next run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from msgspec.structs import replace

from feeds.assembly import Moved
from feeds.errors import NotFoundError
from feeds.feed import FeedAddress, FeedOptions, PageAddress, RelatedOption
from feeds.identity import article_id
from feeds.model import ArticleQuery, Choice, FileFacts, Kind, Outcome, Provider, Slice, SliceOrder, State
from feeds.service import FeedService
from feeds.store.base import Snapshot, Store
from feeds.store.prepared import Prepared, prepare
from feeds.store.sql import open_store
from tests.builders import SITE, article, related
from tests.postgres import running_postgres

LARGE = Choice(Kind.TOPIC, "topic-0")
NOW = datetime(2024, 5, 17, 12, tzinfo=UTC)
_FULL = 50  # articles of a feed
_ENTRIES = FeedOptions(related=RelatedOption.ENTRIES)
_SPAN = timedelta(days=5 * 365)
_TOPICS = tuple(f"Topic {number}" for number in range(400))
_TOPIC_WEIGHTS = tuple(1 / rank for rank in range(1, len(_TOPICS) + 1))
_PROVIDERS = tuple(Provider(f"Paper {number}", f"paper-{number}.example.com") for number in range(200))
_WORDS = tuple(f"word{number}" for number in range(20_000))
_WORD_WEIGHTS = tuple(1 / rank for rank in range(1, len(_WORDS) + 1))


def outcomes(count: int) -> Iterator[tuple[FileFacts, Prepared]]:
    """Yield made-up articles, spread over five years; topics and words are as frequent as Zipf's law has it."""
    for number in range(count):
        dice = Random(number)  # noqa: S311 - repeatable on purpose
        published_at = (NOW - _SPAN * dice.random()).replace(microsecond=0)
        words = dice.choices(_WORDS, _WORD_WEIGHTS, k=32)
        url = f"https://www.example.org/{number}"
        made = article(
            url=url,
            title=f"{' '.join(words[:8])} {number}",
            excerpt=f"{' '.join(words[8:])} year{published_at:%Y} {'人工智能' if number % 8 == 0 else ''}",
            content_html=f"<p>{' '.join(dice.choices(_WORDS, k=250))}</p>",
            published_at=published_at,
            topics=tuple(dict.fromkeys(dice.choices(_TOPICS, _TOPIC_WEIGHTS, k=dice.randrange(1, 5)))),
            provider=dice.choice(_PROVIDERS),
            category=dice.choice(("news", "news", "news", "learning", "stats")),
            type=dice.choice(("article", "article", "article", "video")),
            quality=dice.choice((None, dice.randrange(100))),
            heat=dice.choice((None, dice.randrange(100))),
            related=tuple(related(url=f"https://www.example.org/{dice.randrange(count * 2)}") for _ in range(dice.randrange(3))),
        )
        yield FileFacts(1, 1, b""), prepare(Outcome(f"{number}.md", State.SHOWN, made, article_id(url)))


def build(store: Store, count: int) -> float:
    """Fill an index that is empty still; return the seconds it took."""
    with store.reading(NOW) as view:
        if view.state().refreshed_at is not None:
            return 0
    begun = time.perf_counter()
    with store.refreshing(NOW) as refresh:
        refresh.put(outcomes(count))
        refresh.finish("settings")
    return time.perf_counter() - begun


def _slices() -> Iterator[tuple[str, Slice]]:
    large, middle, small = LARGE, Choice(Kind.TOPIC, "topic-40"), Choice(Kind.TOPIC, "topic-399")
    video, paper = Choice(Kind.TYPE, "video"), Choice(Kind.PROVIDER, "paper-7.example.com")
    yield "everything", Slice()
    yield "a large topic or a small one", Slice((large, small))
    yield "two small topics", Slice((small, replace(small, slug="topic-398")))
    yield "three topics, all", Slice((large, replace(large, slug="topic-1"), replace(large, slug="topic-2")), match_all=True)
    yield "two small topics, all", Slice((small, replace(small, slug="topic-398")), match_all=True)
    yield "a topic without another", Slice((large, replace(middle, is_excluded=True)))
    yield "everything without a topic", Slice((replace(large, is_excluded=True),))
    yield "a large topic, videos", Slice((large, video))
    yield "a small topic, videos", Slice((small, video))
    yield "a provider, a topic", Slice((large, paper))
    yield "a provider, a small topic", Slice((small, paper))
    yield "a provider, no small topic", Slice((replace(small, is_excluded=True), paper))
    yield "two providers, videos", Slice((paper, replace(paper, slug="paper-8.example.com"), video))
    yield "quality from 99", Slice(min_quality=99)
    yield "quality from 100", Slice(min_quality=100)
    yield "by heat", Slice(order=SliceOrder.HEAT)
    yield "by heat in a large topic", Slice((large,), order=SliceOrder.HEAT)
    yield "since a day", Slice(since=date(2024, 5, 16))
    yield "until a day long ago", Slice(until=date(2019, 6, 30))
    yield "a week long ago", Slice(since=date(2019, 6, 1), until=date(2019, 6, 7))
    yield "a small topic long ago", Slice((small,), until=date(2020, 6, 30))
    yield "all but articles and videos", Slice((replace(video, is_excluded=True), replace(video, slug="article", is_excluded=True)))
    yield "a rare word", Slice(sought="word9999")
    yield "a word", Slice(sought="word200")
    yield "a common word", Slice(sought="word0")
    yield "two common words", Slice(sought="word0 word1")
    yield "eight common words", Slice(sought=" ".join(_WORDS[:8]))
    yield "a common and a rare word", Slice(sought="word0 word9999")
    yield "a word of five years ago", Slice(sought="year2019")
    yield "no article's two words", Slice(sought="year2019 year2024")
    yield "an unknown word", Slice(sought="unheard")
    yield "three characters in a row", Slice(sought="人工智")
    yield "a common word long ago", Slice(sought="word0", until=date(2019, 12, 31))
    yield "a common word, high quality", Slice(sought="word0", min_quality=95)
    yield "a common word by heat", Slice(sought="word0", order=SliceOrder.HEAT)
    yield "a common word in a large topic", Slice((large,), sought="word0")
    yield "a common word in a small topic", Slice((small,), sought="word0")
    yield "a common word of a provider", Slice((paper,), sought="word0")
    yield from _combined()


def _combined() -> Iterator[tuple[str, Slice]]:
    """Yield what asks for several things at once, and what somebody asks for who wants to know how long it takes."""
    topics = tuple(sorted(Choice(Kind.TOPIC, f"topic-{number}") for number in range(20)))
    rare = tuple(sorted(Choice(Kind.TOPIC, f"topic-{number}") for number in range(380, 400)))
    long_ago = date(2019, 12, 31)
    yield "not a large topic nor the next", Slice((Choice(Kind.TOPIC, "topic-0", True), Choice(Kind.TOPIC, "topic-1", True)))
    yield "none of 20 topics", Slice(tuple(replace(topic, is_excluded=True) for topic in topics))
    yield "none of 20 topics, a common word", Slice(tuple(replace(topic, is_excluded=True) for topic in topics), sought="word0")
    yield "none of 20 topics long ago", Slice(tuple(replace(topic, is_excluded=True) for topic in topics), until=long_ago)
    yield "any of 20 topics", Slice(topics)
    yield "any of 20 topics, a word long ago", Slice(topics, sought="word0", until=long_ago)
    yield "any of 20 rare topics, a word", Slice(rare, sought="word0")
    yield "20 topics, all", Slice(topics, match_all=True)
    yield "two topics, all, by heat", Slice(topics[:2], match_all=True, order=SliceOrder.HEAT)
    yield "a word of five years ago, lately", Slice(sought="year2019", since=date(2024, 1, 1))
    yield "words of two years in a topic", Slice((LARGE,), sought="year2019 word0")
    yield "a word long ago, high quality", Slice(sought="word0", until=long_ago, min_quality=50)
    yield "a word, a topic, long ago, quality", Slice((LARGE,), sought="word0", until=long_ago, min_quality=50)
    yield "the same by heat", Slice((LARGE,), sought="word0", until=long_ago, min_quality=50, order=SliceOrder.HEAT)
    yield "a word, some quality and heat", Slice(sought="word0", min_quality=98, min_heat=98)
    yield "a word of five years ago by quality", Slice(sought="year2019", order=SliceOrder.QUALITY)
    yield "Chinese words", Slice(sought="人工智能")
    yield "Chinese words long ago in a topic", Slice((LARGE,), sought="人工智能", until=long_ago)
    yield "200 Chinese characters", Slice(sought="人工智能" * 50)
    yield "28 common words", Slice(sought=" ".join(_WORDS[:28]))
    yield "ten rare words", Slice(sought=" ".join(_WORDS[-10:]))
    yield "some quality", Slice(min_quality=50)
    yield "heat and quality long ago", Slice(until=long_ago, min_quality=97, min_heat=97)


def questions(service: FeedService) -> Mapping[str, Callable[[Snapshot], object]]:
    """Return what is asked, by what it is called."""
    topics = {"a large topic": "topic-0", "a small topic": _small_topic(service)}
    month = {"since": datetime(2022, 3, 1, tzinfo=UTC), "before": datetime(2022, 4, 1, tzinfo=UTC)}
    asked: dict[str, Callable[[Snapshot], object]] = {"state": lambda view: view.state()}
    for name, slug in topics.items():
        asked |= {
            f"articles of {name}": lambda view, slug=slug: view.articles(ArticleQuery(Kind.TOPIC, slug)),
            f"a month of {name}": lambda view, slug=slug: view.articles(ArticleQuery(Kind.TOPIC, slug, **month)),
            f"months of {name}": lambda view, slug=slug: view.months(Kind.TOPIC, slug),
            f"the page of {name}": lambda _, slug=slug: service.page(PageAddress(Kind.TOPIC, slug), SITE, NOW),
            f"facts of {name}": lambda view, slug=slug: view.collection(Kind.TOPIC, slug),
            f"the feed of {name}": lambda _, slug=slug: service.document(FeedAddress(Kind.TOPIC, slug), "rss", SITE, NOW).body,
        }
    asked |= {
        "articles of everything": lambda view: view.articles(ArticleQuery()),
        "when everything changed": lambda view: view.modified_at(Kind.ALL, ""),
        "a month of everything": lambda view: view.articles(ArticleQuery(**month)),
        "months of everything": lambda view: view.months(Kind.ALL, ""),
        "articles of a past month, counted": lambda view: view.count(ArticleQuery(**month)),
        "files by state": lambda view: view.counts(),
        "the front page": lambda _: service.page(PageAddress(), SITE, NOW),
        "an archive, of a month or a day": lambda _: _archive(service),
        "the feed of everything with related entries": lambda _: service.document(FeedAddress(options=_ENTRIES), "rss", SITE, NOW).body,
        "the feed of everything": lambda _: service.document(FeedAddress(), "rss", SITE, NOW).body,
        "all topics": lambda view: view.collections(Kind.TOPIC),
        "all providers": lambda view: view.collections(Kind.PROVIDER),
        "the list of topics": lambda _: service.subscriptions("rss", SITE, NOW),
        "an unknown topic": lambda _: _missing(service),
    }
    for name, part in _slices():
        asked[f"slice: {name}"] = lambda view, part=part: view.slice(part, 50)
        if part.sought is not None:
            asked[f"200 of the slice: {name}"] = lambda view, part=part: view.slice(part, 200)
    topics = tuple(sorted(Choice(Kind.TOPIC, f"topic-{number}") for number in range(20)))
    for name, part in (
        ("everything", Slice()),
        ("a common word", Slice(sought="word0")),
        ("a large topic", Slice((LARGE,))),
        ("all but a large topic", Slice((replace(LARGE, is_excluded=True),))),
        ("any of 20 topics", Slice(topics)),
        ("any of 20 topics, a common word", Slice(topics, sought="word0")),
        ("five of each kind, a common word", Slice(_of_each_kind(), sought="word0")),
    ):
        asked[f"page of the slice: {name}"] = lambda _, part=part: service.search_page(part, FeedOptions(), SITE, NOW)
    return asked


def _of_each_kind() -> tuple[Choice, ...]:
    named = {Kind.CATEGORY: ("news", "learning", "stats"), Kind.TYPE: ("article", "video")}
    named[Kind.TOPIC] = tuple(f"topic-{number}" for number in range(5))
    named[Kind.PROVIDER] = tuple(f"paper-{number}.example.com" for number in range(5))
    return tuple(sorted(Choice(kind, slug) for kind, slugs in named.items() for slug in slugs))


def _small_topic(service: FeedService) -> str:
    """Return the smallest topic that fills a feed: in an index of any size it is the same work to say what it has."""
    return min((one for one in service.collections(Kind.TOPIC, NOW) if one.article_count >= _FULL), key=lambda one: one.article_count).slug


def _archive(service: FeedService) -> None:
    try:
        service.document(FeedAddress(part="2022-03"), "rss", SITE, NOW)
    except Moved as moved:
        service.document(moved.address, "rss", SITE, NOW)


def _missing(service: FeedService) -> None:
    with suppress(NotFoundError):
        service.document(FeedAddress(Kind.TOPIC, "topics-0"), "rss", SITE, NOW)


def measure(stores: Mapping[int, Store], rounds: int, only: str = "") -> list[dict[str, float]]:
    """Return the median milliseconds of each question in each index; the indexes take turns, so that a busy machine is one for all."""
    found = (questions(FeedService(store)) for store in stores.values())
    asked = [{name: ask for name, ask in of_one.items() if only in name} for of_one in found]
    taken: list[dict[str, list[float]]] = [{name: [] for name in of_one} for of_one in asked]
    for number in range(rounds + 1):
        with ExitStack() as stack:
            views = [stack.enter_context(store.reading(NOW)) for store in stores.values()]
            for name in asked[0]:
                for view, of_one, times in zip(views, asked, taken, strict=True):
                    begun = time.perf_counter()
                    of_one[name](view)
                    if number:  # the first round warms up
                        times[name].append((time.perf_counter() - begun) * 1000)
    return [{name: statistics.median(times) for name, times in of_one.items()} for of_one in taken]


@contextmanager
def stores(database: str, sizes: list[int], folder: Path) -> Iterator[dict[int, Store]]:
    """Open an index of each size."""
    with ExitStack() as stack:
        if database == "postgresql":
            server = stack.enter_context(running_postgres())
            urls = {size: stack.enter_context(server.database()) for size in sizes}
        else:
            urls = {size: f"sqlite:///{folder}/{size}.sqlite3" for size in sizes}
        opened = {size: open_store(url) for size, url in urls.items()}
        for store in opened.values():
            stack.callback(store.close)
        yield opened


def main() -> None:
    """Measure, and print a table for each database."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", type=int, nargs="+", default=[1000, 100_000])
    options.add_argument("--databases", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--keep", type=Path)
    options.add_argument("--only", default="", help="ask only what has this in its name")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        for database in given.databases:
            with stores(database, given.sizes, folder) as opened:
                built = {size: build(store, size) for size, store in opened.items()}
                print(f"{database}, built in {', '.join(f'{seconds:.1f} s' for seconds in built.values())}; medians in ms")
                results = measure(opened, given.rounds, given.only)
            print(f"{'':44}", *(f"{size:>9}" for size in given.sizes), "   growth")
            for name in results[0]:
                times = [result[name] for result in results]
                print(f"{name:44}", *(f"{milliseconds:9.2f}" for milliseconds in times), f"{times[-1] / times[0]:8.1f}x")
            for what in ("articles of", "the feed of", "page of the slice", "slice: "):
                asked = [name for name in results[-1] if name.startswith(what)]
                if asked:
                    worst = max(asked, key=results[-1].__getitem__)
                    grown = max(asked, key=lambda name: results[-1][name] / results[0][name])
                    growth = results[-1][grown] / results[0][grown]
                    print(f"worst of {what!r}: {worst}: {results[-1][worst]:.1f} ms; grows most: {grown}: {growth:.2f}x")


if __name__ == "__main__":
    main()

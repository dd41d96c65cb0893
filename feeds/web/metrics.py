"""What the server counts, as Prometheus reads it. The one place that knows prometheus-client; it counts nothing itself.

Labels have few values: kinds of feeds, formats, states, statuses; the slugs of feeds that were really given; names of
aggregators. No address and no URL is among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from feeds.errors import StoreError
from feeds.metering import BUCKETS, Counts, Meter
from feeds.service import FeedService

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(meter: Meter, service: FeedService, now: datetime) -> bytes:
    """Return all metrics in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Collector([*_counted(meter.total()), *_indexed(service, now)]))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _counted(counts: Counts) -> Iterator[Metric]:
    requests = CounterMetricFamily("feeds_requests", "Requests answered.", labels=["kind", "format", "status"])
    for key, count in sorted(counts.requests.items()):
        requests.add_metric(key.split(" "), count)
    yield requests
    seconds = HistogramMetricFamily("feeds_request_seconds", "How long answers took.")
    total, cumulated = 0, []
    for bound, count in zip([*map(str, BUCKETS), "+Inf"], counts.buckets, strict=True):
        total += count
        cumulated.append((bound, total))
    seconds.add_metric([], cumulated, counts.seconds)
    yield seconds
    about = "Answers that were ready, those that woke the framework, and those to requests without a key."
    answers = CounterMetricFamily("feeds_answers", about, labels=["cache"])
    for cache in ("hit", "miss", "none"):
        answers.add_metric([cache], counts.answers.get(cache, 0))
    yield answers
    yield CounterMetricFamily("feeds_refreshes", "Refreshes of the index.", value=counts.refreshes)
    yield CounterMetricFamily("feeds_refresh_seconds", "Time that refreshes took.", value=counts.refresh_seconds)
    pings = CounterMetricFamily("feeds_hub_pings", "Pings of the hub by what came of them.", labels=["result"])
    for result, count in sorted(counts.pings.items()):
        pings.add_metric([result], count)
    yield pings
    yield from _subscribed(counts)


def _subscribed(counts: Counts) -> Iterator[Metric]:
    by_feed: Counter[tuple[str, str]] = Counter()
    by_aggregator: Counter[str] = Counter()
    for key, word in counts.words.items():
        kind, slug, aggregator, *_ = key.split("\n")
        by_feed[kind, slug] += word.subscribers
        by_aggregator[aggregator] += word.subscribers
    feeds = GaugeMetricFamily("feeds_subscribers", "Subscribers of a feed, as aggregators say.", labels=["kind", "slug"])
    for place, count in sorted(by_feed.items()):
        feeds.add_metric(place, count)
    yield feeds
    aggregators = GaugeMetricFamily(
        "feeds_aggregator_subscribers", "Subscriptions through an aggregator, as it says.", labels=["aggregator"]
    )
    for name, count in sorted(by_aggregator.items(), key=lambda one: (-one[1], one[0]))[:100]:
        aggregators.add_metric([name], count)
    yield aggregators


def _indexed(service: FeedService, now: datetime) -> Iterator[Metric]:
    """Yield what the index says; while it is away that it is."""
    up = GaugeMetricFamily("feeds_index_up", "Whether the index can be read.")
    try:
        health = service.health(now)
    except StoreError:
        up.add_metric([], 0)
        yield up
        return
    up.add_metric([], 1)
    yield up
    files = GaugeMetricFamily("feeds_articles", "Files of articles by what became of them.", labels=["state"])
    for state, count in health.counts.items():
        files.add_metric([state.value], count)
    yield files
    failed = 0 if health.failure is None else 1
    yield GaugeMetricFamily("feeds_refresh_failed", "Whether the last refresh failed; /readyz says why.", value=failed)
    if health.state.refreshed_at is not None:
        age = (now - health.state.refreshed_at).total_seconds()
        yield GaugeMetricFamily("feeds_refresh_age_seconds", "Time since the last refresh.", value=age)

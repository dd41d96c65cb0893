"""What operators see: metrics of all workers together, for nobody else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from feeds.config import Config
from feeds.web.counting import classified

from .aggregators import AGGREGATORS
from .builders import client_of, write_article
from .conftest import Clock
from .processes import Program, free_port, running, wait_for


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels, in the order of these."""
    families = text_string_to_metric_families(text)
    return {(one.name, *(value for _, value in sorted(one.labels.items()))): one.value for family in families for one in family.samples}


@pytest.fixture
def client(config: Config, content: Path, clock: Clock) -> FlaskClient:
    write_article(content)
    (content / "broken.md").write_text("---\ntitle: [\n---\n")
    return client_of(config, clock)


def test_requests_are_counted_by_kind_format_and_status(client: FlaskClient) -> None:
    etag = client.get("/topics/ai/feed.rss").headers["ETag"]
    client.get("/topics/ai/feed.rss", headers={"If-None-Match": etag})
    client.get("/topics/gone/feed.atom")
    client.get("/")
    found = samples(client.get("/metrics").text)
    assert {key[1:]: value for key, value in found.items() if key[0] == "feeds_requests_total"} == {
        ("rss", "topics", "200"): 1,
        ("rss", "topics", "304"): 1,
        ("atom", "topics", "404"): 1,
        ("html", "all", "200"): 1,
    }
    assert (found["feeds_answers_total", "hit"], found["feeds_answers_total", "miss"]) == (1, 3)
    assert found["feeds_request_seconds_bucket", "+Inf"] == found["feeds_request_seconds_count",] == 4


def test_index_tells_its_articles_and_its_age(client: FlaskClient) -> None:
    found = samples(client.get("/metrics").text)
    assert {key[1]: value for key, value in found.items() if key[0] == "feeds_articles"} == {
        "shown": 1,
        "hidden": 0,
        "skipped": 0,
        "refused": 1,
    }
    assert (found["feeds_index_up",], found["feeds_refresh_age_seconds",]) == (1, 0)


@pytest.mark.parametrize("url", ["/metrics"])
@pytest.mark.parametrize(
    "environ",
    [{"REMOTE_ADDR": "192.0.2.7"}, {"REMOTE_ADDR": ""}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, {"HTTP_FORWARDED": "for=127.0.0.1"}],
)
def test_nobody_else_sees_them(client: FlaskClient, url: str, environ: dict[str, str]) -> None:
    assert client.get(url, environ_overrides=environ).status_code == 403


def test_nothing_of_who_asks_is_kept(client: FlaskClient) -> None:
    client.get(
        "/topics/ai/feed.rss?utm_source=secret",
        headers={"User-Agent": AGGREGATORS["feedly"].format(count=5)},
        environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
    )
    text = client.get("/metrics").text
    assert 'feeds_subscribers{kind="topics",slug="ai"} 5.0' in text
    assert "192.0.2" not in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/feed.rss", ("all rss", ("all", ""))),
        ("/topics/ai/feed.json", ("topics json", ("topics", "ai"))),
        ("/topics/ai/2024-05.atom", ("topics atom", None)),
        ("/search/feed.rss", ("search rss", None)),
        ("/search/", ("search html", None)),
        ("/", ("all html", None)),
        ("/providers/example.com/", ("providers html", None)),
        ("/2024-05/", ("all html", None)),
        ("/feeds.opml", ("all opml", None)),
        ("/static/style.0123.css", ("other static", None)),
        ("/x/y.rss", ("other other", None)),
        ("/healthz", ("other other", None)),
        ("", ("other other", None)),
    ],
)
def test_path_has_one_of_few_labels(path: str, labels: tuple[str, tuple[str, str] | None]) -> None:
    assert classified(path) == labels


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A server with four workers."""
    write_article(tmp_path / "news", "a", topics=["AI"])
    write_article(tmp_path / "news", "b", topics=["Law"])
    port = free_port()
    command = [sys.executable, "-m", "feeds", "serve", "news", "--port", str(port), "--workers", "4"]
    with running(command, port, tmp_path) as started:
        started.wait_until_ready()
        yield started


def test_day_of_polls_under_four_workers_ends_in_the_last_word_of_each(program: Program) -> None:
    etag = program.get("/topics/ai/feed.rss").headers["etag"]
    for hour in range(24):
        for number, user_agent in enumerate(AGGREGATORS.values()):
            agent = {"User-Agent": user_agent.format(count=10 * number + hour)}
            known = {"If-None-Match": etag} if hour else {}
            assert program.get("/topics/ai/feed.rss", agent | known).status == (304 if hour else 200)
            if number % 2:
                program.get("/topics/law/feed.atom", agent)
    program.get("/topics/gone/feed.rss", {"User-Agent": AGGREGATORS["feedly"].format(count=99)})
    expected = {"ai": sum(10 * number + 23 for number in range(12)), "law": sum(10 * number + 23 for number in range(1, 12, 2))}

    def found() -> dict[tuple[str, ...], float]:
        return samples(program.get("/metrics").text)

    def subscribers() -> dict[str, float]:
        return {key[2]: value for key, value in found().items() if key[0] == "feeds_subscribers"}

    # Each worker tells the others once a second: what one counted last comes later than what others did after it.
    requests = {("rss", "topics", "304"): 12 * 23, ("rss", "topics", "404"): 1, ("atom", "topics", "200"): 6 * 24}
    assert wait_for(lambda: {key: found().get(("feeds_requests_total", *key)) for key in requests} == requests)
    assert wait_for(lambda: subscribers() == expected)
    by_aggregator = {key[1]: value for key, value in found().items() if key[0] == "feeds_aggregator_subscribers"}
    assert by_aggregator == {name: (10 * number + 23) * (1 + number % 2) for number, name in enumerate(AGGREGATORS)}
    assert wait_for(lambda: found()["feeds_refreshes_total",]) >= 1


def test_worker_that_is_killed_leaves_what_it_counted(program: Program, tmp_path: Path) -> None:
    for _ in range(40):
        program.get("/topics/ai/feed.rss")

    def count() -> float | None:
        return samples(program.get("/metrics").text).get(("feeds_requests_total", "rss", "topics", "200"))

    assert wait_for(lambda: count() == 40)
    (folder,) = tmp_path.glob("cache/feeds/*.counts/*")
    workers = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    os.kill(workers[0], 9)
    assert wait_for(lambda: not (folder / str(workers[0])).exists() or count() is None)
    assert count() == 40

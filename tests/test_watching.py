"""Keeping up with the folder: which changes count, what is logged, and that nothing stops it.

That changes reach what is served is in test_server.py and test_wsgi_servers.py.
"""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from watchfiles import Change
from watchfiles.main import FileChange

from feeds.config import Config
from feeds.feed import FeedAddress
from feeds.intake import RefreshResult, Stage
from feeds.metering import Meter
from feeds.model import EVERYTHING
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.watching import Refresher, folder_changes, parts_of, watch_in_background

from .builders import NOON, SITE, write_article
from .conftest import Clock
from .processes import wait_for


def changed(changes: Iterator[set[FileChange]]) -> set[str]:
    """Return the paths that changed next."""
    return {path for _, path in next(changes)}


def test_changes_of_files_count_but_not_those_of_hidden_folders_and_of_the_index(config: Config, content: Path) -> None:
    (content / ".git").mkdir()
    changes = folder_changes(replace(config, database=f"sqlite:///{content}/index.sqlite3"))
    assert changed(changes) == {str(content)}
    for name in (".git/index", ".git/a.md", "index.sqlite3-wal"):
        (content / name).write_text("x")
    article = write_article(content, "a")
    assert changed(changes) == {str(article)}


def test_folder_that_takes_the_place_of_another_is_a_change_and_is_watched_from_then_on(config: Config, tmp_path: Path) -> None:
    for release in ("one", "two"):
        (tmp_path / release).mkdir()
    (tmp_path / "current").symlink_to("one")
    changes = folder_changes(replace(config, content=tmp_path / "current"))
    assert changed(changes) == {str(tmp_path / "current")}
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "current")
    assert changed(changes) == {str(tmp_path / "current")}
    write_article(tmp_path / "two", "a")
    assert changed(changes) == {str(tmp_path / "current" / "a.md")}


def test_folder_that_is_away_is_looked_for_again(config: Config, content: Path, log: pytest.LogCaptureFixture) -> None:
    content.rmdir()
    changes = folder_changes(replace(config, refresh_seconds=1))
    assert changed(changes) == set()
    assert log.messages == [f"changes are looked for every 1 seconds only: content: {content}: No such file or directory"]
    content.mkdir()
    assert changed(changes) == set()
    assert changed(changes) == {str(content)}


def test_folder_is_looked_through_now_and_then_while_it_cannot_be_watched(
    config: Config, content: Path, log: pytest.LogCaptureFixture
) -> None:
    """As where the system's limit of watches is reached: here it is that of open files, and then it is lifted."""
    changes = folder_changes(replace(config, refresh_seconds=1))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (content / "probe").open("w") as probe:
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe.fileno(), before[1]))
    try:
        assert changed(changes) == set()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    (message,) = log.messages
    assert message.startswith("changes are looked for every 1 seconds only: ")
    assert "Too many open files" in message
    assert changed(changes) == set()
    assert changed(changes) == {str(content)}


def test_index_is_refreshed_at_once_in_the_background(config: Config, service: FeedService, clock: Clock) -> None:
    meter = Meter(config.counts_folder)
    watch_in_background(service, replace(config, refresh_seconds=86_400), clock, meter)
    assert wait_for(lambda: service.state(NOON).refreshed_at) == NOON
    assert wait_for(lambda: meter.total().refreshes) == 1


def test_refresh_that_changed_something_is_logged(
    config: Config, service: FeedService, content: Path, log: pytest.LogCaptureFixture
) -> None:
    write_article(content, "a")
    Refresher(service, config, lambda: NOON, Meter(config.counts_folder)).refresh()
    assert log.record_tuples == [("feeds", logging.INFO, "1 files read, 0 gone: 1 shown, 0 hidden, 0 skipped, 0 refused")]


def test_refresh_that_changed_nothing_is_no_news(config: Config, service: FeedService, log: pytest.LogCaptureFixture) -> None:
    Refresher(service, config, lambda: NOON, Meter(config.counts_folder)).refresh()
    log.clear()
    Refresher(service, config, lambda: NOON + timedelta(minutes=1), Meter(config.counts_folder)).refresh()
    assert log.record_tuples == [("feeds", logging.DEBUG, "0 files read, 0 gone: 0 shown, 0 hidden, 0 skipped, 0 refused")]


def test_refresh_by_another_process_is_no_news(config: Config, store: Store, service: FeedService, log: pytest.LogCaptureFixture) -> None:
    with store.refreshing(NOON):
        Refresher(service, config, lambda: NOON, Meter(config.counts_folder)).refresh()
    assert log.record_tuples == [("feeds", logging.DEBUG, "another thread refreshes the index right now")]


def test_folder_that_is_away_is_logged_and_leaves_the_index_alone(
    config: Config, service: FeedService, content: Path, log: pytest.LogCaptureFixture
) -> None:
    article = write_article(content, "a")
    Refresher(service, config, lambda: NOON, Meter(config.counts_folder)).refresh()
    article.unlink()
    content.rmdir()
    log.clear()
    Refresher(service, config, lambda: NOON + timedelta(minutes=1), Meter(config.counts_folder)).refresh()
    reason = f"not refreshed: {content}: can't be read as a folder: No such file or directory"
    assert log.record_tuples == [("feeds", logging.ERROR, reason)]
    assert service.state(NOON).refreshed_at == NOON


def test_what_goes_wrong_is_news_once_while_it_stays_the_same(
    config: Config, service: FeedService, content: Path, log: pytest.LogCaptureFixture
) -> None:
    refresher = Refresher(service, config, lambda: NOON, Meter(config.counts_folder))
    refresher.refresh()
    content.rmdir()
    log.clear()
    for _ in range(2):
        assert refresher.refresh()
    content.mkdir()
    refresher.refresh()
    assert [record.levelno for record in log.records] == [logging.ERROR, logging.DEBUG, logging.INFO]


def test_refused_file_is_logged_once_and_once_more_when_it_is_mended(
    config: Config, service: FeedService, content: Path, log: pytest.LogCaptureFixture
) -> None:
    refresher = Refresher(service, config, lambda: NOON, Meter(config.counts_folder))
    write_article(content, "a")
    refresher.refresh()
    log.clear()
    write_article(content, "a", publishedDateTime="yesterday")
    for _ in range(2):
        refresher.refresh()
    write_article(content, "a")
    refresher.refresh()
    reason = "is no RFC 3339 timestamp such as 2020-12-03T01:04:00Z; the last good version stays served"
    assert [message for message in log.messages if message.startswith("refused")] == [
        f"refused: a.md:4: publishedDateTime: {reason}",
        "refused no more: a.md",
    ]


def test_parts_are_looked_at_alone_after_a_look_at_everything(config: Config, service: FeedService, content: Path) -> None:
    refresher = Refresher(service, config, lambda: NOON, Meter(config.counts_folder))
    for name in ("a", "b"):
        write_article(content, name)
    refresher.refresh(("a.md",))
    for name in ("a", "b", "c"):
        write_article(content, name, title="New")
    refresher.refresh(("a.md", "c.md"))
    found = service.document(FeedAddress(), "json", SITE, NOON).body
    assert (found.count(b'"New"'), found.count(b'"Title of b"')) == (2, 1)


def test_file_that_is_gone_beside_one_that_is_moved_is_looked_for_again(config: Config, store: Store, content: Path) -> None:
    gone, passing = write_article(content, "gone"), write_article(content, "passing")

    def move(stage: Stage, *_: int) -> None:
        if stage is Stage.READ and not gone.exists() and passing.exists():
            passing.rename(content / "moved.md")

    class MovedMeanwhile(FeedService):
        def refresh(self, *args: Any, **options: Any) -> RefreshResult:
            return super().refresh(*args, **{**options, "progress": move})

    service = MovedMeanwhile(store)
    refresher = Refresher(service, config, lambda: NOON, Meter(config.counts_folder))
    assert refresher.refresh()
    gone.unlink()
    write_article(content, "passing", title="New")
    assert not refresher.refresh()
    assert refresher.refresh(("passing.md", "moved.md"))  # which takes another look through everything
    found = service.document(FeedAddress(), "json", SITE, NOON).body
    assert (found.count(b'"New"'), found.count(b'"Title of gone"')) == (1, 0)


def test_it_is_somebody_elses_turn_while_they_refresh(config: Config, store: Store, service: FeedService) -> None:
    refresher = Refresher(service, config, lambda: NOON, Meter(config.counts_folder))
    with store.refreshing(NOON):
        assert not refresher.refresh()
    assert refresher.refresh()


@pytest.mark.parametrize(
    ("paths", "parts"),
    [
        (["/site/a.md", "/site/b/c.md", "/site/a.md"], ("a.md", "b/c.md")),
        (["/site"], EVERYTHING),
        (["/site/a.md", "/elsewhere/b.md"], EVERYTHING),
        (["/site/a\\xff.md"], EVERYTHING),
        (["/site/a\ufffd.md"], EVERYTHING),
        ([f"/site/{number}.md" for number in range(1001)], EVERYTHING),
    ],
    ids=["files", "the folder", "another folder", "escapes", "no text", "many"],
)
def test_parts_are_told_by_the_paths_that_changed(paths: list[str], parts: tuple[str, ...]) -> None:
    assert parts_of("/site", {(Change.modified, path) for path in paths}) == parts

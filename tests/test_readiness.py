"""`/readyz`: whether there is something to serve, and for operators the truth about the index."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from feeds.config import Config
from feeds.metering import Meter
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.watching import Refresher
from feeds.web import create_app

from .builders import NOON, write_article
from .conftest import Clock

STRANGER = {"REMOTE_ADDR": "203.0.113.9"}
JSON = {"Accept": "application/json"}
LATER = timedelta(seconds=90)
REFUSAL = "refused.md:3: is no YAML: did not find expected node content"


@pytest.fixture
def content(content: Path) -> Path:
    """A folder with a shown, a hidden, a skipped and a refused file."""
    write_article(content, "shown")
    write_article(content, "hidden", draft=True)
    (content / "README.md").write_text("no article")
    (content / "refused.md").write_text("---\ntitle: [\n---\n")
    return content


def overwrite_index(folder: Path) -> None:
    for path in folder.glob("index.sqlite3*"):
        path.write_bytes(b"no database at all " * 1000)


def test_ready_is_all_that_others_are_told(client: FlaskClient) -> None:
    response = client.get("/readyz", environ_overrides=STRANGER)
    assert (response.status_code, response.text) == (200, "ready\n")
    assert client.get("/readyz", headers=JSON, environ_overrides=STRANGER).json == {"status": "ready"}


def test_operators_are_told_how_the_index_does(client: FlaskClient, clock: Clock) -> None:
    clock.moment += LATER
    response = client.get("/readyz")
    assert (response.status_code, response.text.splitlines()) == (
        200,
        [
            "ready",
            "revision: 1",
            "refreshed_at: 2024-05-17T12:00:00Z",
            "age_seconds: 90",
            "index: here",
            "shown: 1",
            "hidden: 1",
            "skipped: 1",
            "refused: 1",
            "refresh_failure: -",
            f"refused_files: {REFUSAL}",
        ],
    )


def test_operators_programs_are_told_in_json(client: FlaskClient) -> None:
    assert client.get("/readyz", headers=JSON).json == {
        "status": "ready",
        "revision": 1,
        "refreshed_at": "2024-05-17T12:00:00Z",
        "age_seconds": 0,
        "index": "here",
        "shown": 1,
        "hidden": 1,
        "skipped": 1,
        "refused": 1,
        "refresh_failure": None,
        "troubles": [],
        "refused_files": [REFUSAL],
    }


def test_operators_are_told_what_could_not_be_looked_at(client: FlaskClient, store: Store) -> None:
    with store.refreshing(NOON) as refreshing:
        refreshing.note(["closed: can't be read: Permission denied", "b\x1b"])
        refreshing.finish(None)
    assert "\ntroubles: closed: can't be read: Permission denied\ntroubles: b\\x1b\n" in client.get("/readyz").text


def test_no_cache_keeps_it(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == ("no-store", "Accept")


def test_operators_are_those_that_are_set(config: Config, clock: Clock, client: FlaskClient) -> None:
    nobody = create_app(replace(config, operator_networks=()), clock, check_seconds=0).test_client()
    assert (nobody.get("/readyz").text, "revision" in client.get("/readyz").text) == ("ready\n", True)


def test_failed_refresh_is_told_until_the_next_good_one(
    client: FlaskClient, config: Config, content: Path, service: FeedService, tmp_path: Path
) -> None:
    def failure() -> object:
        return client.get("/readyz", headers=JSON).json["refresh_failure"]

    content.rename(tmp_path / "away")
    Refresher(service, config, lambda: NOON + LATER, Meter(config.counts_folder)).refresh()
    assert failure() == f"{content}: can't be read as a folder: No such file or directory"
    assert client.get("/readyz", environ_overrides=STRANGER).text == "ready\n"
    (tmp_path / "away").rename(content)
    Refresher(service, config, lambda: NOON + LATER, Meter(config.counts_folder)).refresh()
    assert failure() is None


def test_failed_refresh_moves_no_feed(client: FlaskClient, config: Config, content: Path, service: FeedService) -> None:
    before = client.get("/feed.rss")
    shutil.rmtree(content)
    Refresher(service, config, lambda: NOON + LATER, Meter(config.counts_folder)).refresh()
    assert client.get("/feed.rss").headers["ETag"] == before.headers["ETag"]
    assert service.state(NOON + LATER).revision == 1


def test_worker_that_has_seen_the_index_is_ready_while_it_is_away_and_says_so(client: FlaskClient, clock: Clock, tmp_path: Path) -> None:
    before = client.get("/feed.rss")
    overwrite_index(tmp_path)
    clock.moment += LATER
    assert client.get("/feed.rss").data == before.data
    assert client.get("/readyz", environ_overrides=STRANGER).text == "ready\nindex: away\n"
    assert client.get("/readyz").text.splitlines() == [
        "ready",
        "revision: 1",
        "refreshed_at: 2024-05-17T12:00:00Z",
        "age_seconds: 90",
        "index: away",
        (
            f"index_failure: {tmp_path}/index.sqlite3: the index is damaged (file is not a database); "
            "the next refresh makes it anew, or run feeds index"
        ),
    ]


def test_worker_that_never_saw_the_index_is_not_ready(client: FlaskClient, tmp_path: Path) -> None:
    overwrite_index(tmp_path)
    response = client.get("/readyz")
    assert (response.status_code, response.text) == (503, "the index can't be read right now\n")
    assert (response.headers["Retry-After"], response.headers["Cache-Control"]) == ("5", "no-store")


def test_index_that_is_back_is_here_again(client: FlaskClient, tmp_path: Path) -> None:
    assert client.get("/readyz").status_code == 200
    good = {path: path.read_bytes() for path in tmp_path.glob("index.sqlite3*")}
    overwrite_index(tmp_path)
    assert client.get("/readyz", environ_overrides=STRANGER).text == "ready\nindex: away\n"
    for path, data in good.items():
        path.write_bytes(data)
    assert client.get("/readyz", environ_overrides=STRANGER).text == "ready\n"

"""Fixtures, and nothing else."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings

from feeds.config import Config
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.store.sql import IN_MEMORY, open_store
from feeds.web import create_app

from .builders import NOON
from .corpus import write_corpus
from .postgres import Postgres, running_postgres

settings.register_profile("feeds", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("feeds")

REPOSITORY = Path(__file__).parent.parent
# Modules that take long, in how many tests whatever: they are begun before all others, or one processor would wait for them at the end.
LONG = {
    f"test_{name}.py"
    for name in (
        "crashes", "store_properties", "browser", "store_slices", "server", "replay", "build_command", "nodes", "floods", "reading",
        "mutations", "export", "store_listing", "store_collections", "store_modified", "store_identity",
    )
}  # fmt: skip
REAL_CORPUS = Path(os.environ.get("CORPUS", REPOSITORY.parent / "shared" / "corpus"))


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked `every_database` on each of them."""
    if "database" in metafunc.fixturenames and metafunc.definition.get_closest_marker("every_database"):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take long; the order is random otherwise."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server of this session."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: SQLite, or PostgreSQL where the test runs on every database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield f"sqlite:///{tmp_path / 'index.sqlite3'}"
    else:
        with request.getfixturevalue("postgres").emptied() as url:
            yield url


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = open_store(database)
    yield opened
    opened.close()


@pytest.fixture
def fresh_database(database: str, request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[str]]:
    """What gives the URL of one empty database after the other, each gone at its end, for tests that need many."""
    if database.startswith("sqlite"):
        return lambda: nullcontext(IN_MEMORY)
    server: Postgres = request.getfixturevalue("postgres")
    return server.emptied


@pytest.fixture
def fresh_store(fresh_database: Callable[[], AbstractContextManager[str]]) -> Callable[[], AbstractContextManager[Store]]:
    """What opens one empty index after the other, likewise."""

    @contextmanager
    def fresh() -> Iterator[Store]:
        with fresh_database() as url:
            opened = open_store(url)
            try:
                yield opened
            finally:
                opened.close()

    return fresh


@pytest.fixture
def service(store: Store) -> FeedService:
    return FeedService(store)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """An empty content folder."""
    folder = tmp_path / "content"
    folder.mkdir()
    return folder


@pytest.fixture
def config(database: str, content: Path) -> Config:
    """Settings of a site whose folder a test refreshes itself, with the database of the fixture `store`."""
    return Config(content=content, database=database, refresh_seconds=0, title="Example News")


@pytest.fixture
def client(config: Config, clock: Clock, service: FeedService, content: Path) -> FlaskClient:
    """A client of the application, for the index that `service` keeps."""
    service.refresh(content, config.fingerprint(), clock())
    return create_app(config, clock, check_seconds=0).test_client()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the program logs in this thread, all of it: what earlier tests started goes on in theirs."""
    caplog.set_level(logging.DEBUG, "feeds")
    here = threading.get_ident()  # asked for in the filter, it would be that of whoever logs
    caplog.handler.addFilter(lambda record: record.thread == here)
    return caplog


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real site where one is at hand, else a generated one."""
    if REAL_CORPUS.is_dir():
        return REAL_CORPUS
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, 1000)
    return folder

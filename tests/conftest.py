"""Fixtures, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings

from feeds.config import Config
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.store.sql import open_store
from feeds.web import create_app

from .builders import NOON
from .corpus import write_corpus

settings.register_profile("feeds", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("feeds")

REPOSITORY = Path(__file__).parent.parent
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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'index.sqlite3'}")
    yield opened
    opened.close()


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
def config(tmp_path: Path, content: Path) -> Config:
    """Settings of a site whose folder a test refreshes itself, with the database of the fixture `store`."""
    return Config(content=content, database=f"sqlite:///{tmp_path / 'index.sqlite3'}", refresh_seconds=0, title="Example News")


@pytest.fixture
def client(config: Config, clock: Clock, service: FeedService, content: Path) -> FlaskClient:
    """A client of the application, for the index that `service` keeps."""
    service.refresh(content, config.fingerprint(), clock())
    return create_app(config, clock, check_seconds=0).test_client()


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real site where one is at hand, else a generated one."""
    if REAL_CORPUS.is_dir():
        return REAL_CORPUS
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, 1000)
    return folder

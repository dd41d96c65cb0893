"""The index that a command asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from feeds.clock import now
from feeds.config import Config
from feeds.errors import IndexBusyError, MassLossError
from feeds.service import FeedService
from feeds.store.sql import open_store


@contextmanager
def service_of(database_url: str) -> Iterator[FeedService]:
    """Open the index."""
    store = open_store(database_url)
    try:
        yield FeedService(store)
    finally:
        store.close()


@contextmanager
def up_to_date(config: Config) -> Iterator[FeedService]:
    """Open the index and, where the folder is here, look through it first."""
    with service_of(config.database_url) as service:
        if config.content is not None:
            try:
                service.refresh(config.content_folder(), None, now())  # the settings that count are those of the server
            except (IndexBusyError, MassLossError) as error:
                click.echo(f"feeds: {error}; this is what it was before", err=True)
        yield service

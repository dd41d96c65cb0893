"""The index that a command asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import click

from feeds.clock import now
from feeds.commands.loading import loading
from feeds.config import Config
from feeds.errors import IndexBusyError, MassLossError
from feeds.keeping import IndexKeeper
from feeds.readers import reading
from feeds.store.base import Store


@contextmanager
def opened(database_url: str) -> Iterator[Store]:
    """Open the index at a database URL until it is let go."""
    with loading():
        from feeds.store.sql import open_store  # noqa: PLC0415 - takes its time, in which readers look through the folder
    store = open_store(database_url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def up_to_date(config: Config, listed: Mapping[str, int] | None = None) -> Iterator[Store]:
    """Open the index and, where the folder is here, look through it first (see `IndexKeeper.refresh_to_the_end`)."""
    with ExitStack() as stack:
        reader = None if config.content is None else stack.enter_context(reading(config.content_folder()))
        store = stack.enter_context(opened(config.database_url))
        if reader is not None:
            try:
                IndexKeeper(store).refresh_to_the_end(reader, None, now(), listed)  # the settings that count are those of the server
            except (IndexBusyError, MassLossError) as error:
                click.echo(f"feeds: {error}; this is what it was before", err=True)
        yield store

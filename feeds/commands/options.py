"""Settings as options of a command, and the index that a command works on."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from feeds.clock import now
from feeds.config import Config
from feeds.errors import IndexBusyError, MassLossError
from feeds.service import FeedService
from feeds.settings import HELP
from feeds.store.sql import open_store

INDEX = ("database",)
SITE = ("base_url", "site_url", "site_id", "title", "description", "language", "picture", "max_age_seconds", "hub")
SERVER = ("search", "refresh_seconds", "trusted_hosts", "trusted_proxies", "operator_networks", "access_keys", "host", "port", "workers")

_DEFAULTS = {field.name: field.default for field in fields(Config)}

Command = Callable[..., None]

content_argument = click.argument("content", required=False)
content_option = click.option("--content", help=HELP["content"])


def settings(*names: str) -> Callable[[Command], Command]:
    """Add the folder and the options of some settings; the command gets them as one Config."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**given: Any) -> None:
            options = {name: given.pop(name) for name in ("content", *names)}
            config = Config.load({name: value for name, value in options.items() if value is not None}, os.environ, Path.cwd())
            command(config, **given)

        for name in reversed(names):
            click.option(f"--{name.replace('_', '-')}", name, help=_help(name))(run)
        return run

    return decorate


def _help(name: str) -> str:
    default = _DEFAULTS.get(name)
    if default in (None, ()):
        return HELP[name]
    return f"{HELP[name]}  [default: {','.join(map(str, default)) if isinstance(default, tuple) else default}]"


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

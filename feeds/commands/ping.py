"""`feeds ping`."""

from __future__ import annotations

import sys

import click

from feeds.clock import now
from feeds.commands.opening import opened
from feeds.commands.options import INDEX, SITE, content_argument, settings
from feeds.config import Config
from feeds.errors import ConfigError
from feeds.service import FeedService
from feeds.websub import announce


@click.command()
@content_argument
@settings(*INDEX, *SITE)
def command(config: Config) -> None:
    """Tell the hub which feeds changed since it was told last, by the index of CONTENT; exit 1 if it can't be told.

    That goes by itself with `feeds serve` and `feeds index`. After `feeds build`, run it when the files are where they are read.
    """
    site = config.site_with_hub()
    if site is None:
        raise ConfigError(["hub, base_url: have to be set: who is to be told, and of which feeds"])
    with opened(config.database_url) as store:
        told = announce(FeedService(store), site, now())
    click.echo(f"{len(told.accepted)} feeds told, {len(told.refused)} refused, {len(told.failed)} still to be told")
    if told.refused or told.failed:
        sys.exit(1)

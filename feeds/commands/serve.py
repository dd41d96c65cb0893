"""`feeds serve`."""

from __future__ import annotations

import logging

import click

from feeds.commands.options import INDEX, SERVER, SITE, content_argument, settings
from feeds.config import Config
from feeds.logs import LogFormat
from feeds.server import serve
from feeds.terminal import progress


@click.command()
@content_argument
@settings(*INDEX, *SITE, *SERVER)
def command(config: Config) -> None:
    """Serve the feeds of CONTENT, and keep up with every change of it."""
    say = logging.getLogger("feeds").info if config.log_format is LogFormat.JSON else click.echo
    with progress(config.log_format) as hear:
        serve(config, say, hear)

"""`feeds serve`."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import click

from feeds.commands.loading import loading
from feeds.commands.options import INDEX, SERVER, SITE, content_argument, settings
from feeds.config import Config
from feeds.logs import LogFormat
from feeds.readers import reading
from feeds.terminal import progress


@click.command()
@content_argument
@settings(*INDEX, *SITE, *SERVER)
def command(config: Config) -> None:
    """Serve the feeds of CONTENT, and keep up with every change of it."""
    say = logging.getLogger("feeds").info if config.log_format is LogFormat.JSON else click.echo
    with ExitStack() as stack:
        reader = None if config.content is None else stack.enter_context(reading(config.content_folder()))
        with loading():
            from feeds.server import serve  # noqa: PLC0415 - takes its time, in which the reader looks through the folder
        serve(config, say, reader, stack.enter_context(progress(config.log_format)))

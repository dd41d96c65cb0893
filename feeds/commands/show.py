"""`feeds show`."""

from __future__ import annotations

import click

from feeds.assembly import Moved
from feeds.clock import now
from feeds.commands.opening import up_to_date
from feeds.commands.options import INDEX, SITE, content_option, settings
from feeds.config import Config
from feeds.feed import FeedAddress, Site
from feeds.model import Kind
from feeds.render import FORMATS
from feeds.service import FeedService


@click.command()
@click.argument("topic")
@content_option
@settings(*INDEX, *SITE)
@click.option("--format", "extension", type=click.Choice(list(FORMATS)), default="rss", show_default=True)
def command(config: Config, topic: str, extension: str) -> None:
    """Print the feed of TOPIC, given by its slug or name."""
    site = config.site(config.local_url)
    with up_to_date(config) as store:
        body = _body(FeedService(store), FeedAddress(Kind.TOPIC, topic), extension, site)
    click.echo(body, nl=False)


def _body(service: FeedService, address: FeedAddress, extension: str, site: Site) -> bytes:
    try:
        return service.document(address, extension, site, now()).body
    except Moved as moved:
        return service.document(moved.address, extension, site, now()).body

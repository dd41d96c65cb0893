"""`feeds topics`."""

from __future__ import annotations

import json

import click

from feeds.clock import now
from feeds.commands.opening import up_to_date
from feeds.commands.options import INDEX, content_option, settings
from feeds.config import Config
from feeds.model import Kind
from feeds.service import FeedService
from feeds.text import escape_controls


@click.command()
@content_option
@settings(*INDEX)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array instead of lines.")
def command(config: Config, as_json: bool) -> None:
    """List the topics: slug, number of articles, day of the newest, name."""
    with up_to_date(config) as store:
        found = FeedService(store).collections(Kind.TOPIC, now())
    if as_json:
        facts = [{"slug": topic.slug, "name": topic.name, "articles": topic.article_count} for topic in found]
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for topic in found:
        newest = f"{topic.newest_at:%Y-%m-%d}" if topic.newest_at else "-"
        click.echo(f"{topic.slug}\t{topic.article_count}\t{newest}\t{escape_controls(topic.name)}")

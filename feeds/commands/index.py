"""`feeds index`."""

from __future__ import annotations

import json

import click

from feeds.clock import now
from feeds.commands import problems
from feeds.commands.opening import opened
from feeds.commands.options import INDEX, SITE, content_argument, settings
from feeds.config import Config
from feeds.feed import Site
from feeds.intake import ALL, HALF, RefreshResult
from feeds.keeping import IndexKeeper
from feeds.model import State
from feeds.readers import reading
from feeds.reporting import log_news, summary
from feeds.store.base import Store
from feeds.terminal import progress
from feeds.text import escape_controls


@click.command()
@content_argument
@settings(*INDEX, *SITE)
@click.option("--allow-mass-delete", is_flag=True, help="Even if more than half of over 100 articles are gone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a line.")
def command(config: Config, *, allow_mass_delete: bool, as_json: bool) -> None:
    """Bring the index of CONTENT up to date, for servers that don't look at the folder; tell the hub of changes.

    Files that are refused since then go to stderr.
    """
    may_lose = ALL if allow_mass_delete else HALF
    with reading(config.content_folder()) as reader, opened(config.database_url) as store:
        with progress(config.log_format) as hear:
            result = IndexKeeper(store).refresh_to_the_end(reader, config.fingerprint(), now(), may_lose=may_lose, progress=hear)
        log_news(result)
        click.echo(_index_as_json(result) if as_json else summary(result))
        site = config.site_with_hub()
        if site is not None:
            _tell_hub(store, site)


def _tell_hub(store: Store, site: Site) -> None:
    # With a hub only: the formats take longer to import than a look through the folder.
    from feeds.service import FeedService  # noqa: PLC0415 - see above
    from feeds.websub import announce  # noqa: PLC0415 - as above

    announce(FeedService(store), site, now())


def _index_as_json(result: RefreshResult) -> str:
    counts = {state.value: result.counts[state] for state in State}
    refused = [problems.as_json(report.path, problem, report.state) for report in result.refused for problem in report.problems]
    done = {"read": result.read, "gone": result.gone, "changed": result.changed}
    troubles = [escape_controls(trouble) for trouble in result.troubles]
    return json.dumps(done | {"counts": counts, "troubles": troubles, "refused": refused}, indent=2)

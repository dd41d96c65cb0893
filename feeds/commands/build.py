"""`feeds build`."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from feeds.clock import now
from feeds.commands.opening import up_to_date
from feeds.commands.options import INDEX, SITE, content_option, settings
from feeds.config import Config
from feeds.errors import ConfigError
from feeds.export import TWINS, Built, Order, Selection, build, export_folder, known_listings
from feeds.model import Kind
from feeds.render import FORMATS
from feeds.store.base import Store
from feeds.text import escape_controls

_KINDS = {kind.value or "site": kind for kind in Kind}
_ARCHIVES, _PAGES = "archives", "pages"


def _formats(_: click.Context, __: click.Parameter, given: str) -> tuple[str, ...]:
    wanted = [extension.strip() for extension in given.split(",")]
    if not set(wanted) <= FORMATS.keys():
        raise click.BadParameter(f"has to be some of {', '.join(FORMATS)}, with commas between")
    return tuple(extension for extension in FORMATS if extension in wanted)


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@content_option
@settings(*INDEX, *SITE)
@click.option("--formats", callback=_formats, default=",".join(FORMATS), show_default=True, help="Which formats, with commas between.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([*_KINDS, _ARCHIVES, _PAGES]),
    help="Write these alone, such as topics: their newest articles. May be given several times; default: all of them.",
)
@click.option("--compress", is_flag=True, help="Write .gz and .br beside each file, for servers that send them.")
@click.option("--force", is_flag=True, help="Export to a folder that holds other things, and look at every file.")
@click.option("--ping", is_flag=True, help="Tell the hub of the feeds that changed: for a folder that is served as it is.")
def command(config: Config, *, out: Path, formats: tuple[str, ...], only: tuple[str, ...], compress: bool, force: bool, ping: bool) -> None:
    """Write the feeds as files into OUT, byte for byte as a server with these settings would send them.

    Files whose bytes are right already are left alone, those of feeds that are gone are removed, and what `feeds` did not write
    stays. Where there is no index, OUT says when articles were first shown.
    """
    if config.base_url is None:
        raise ConfigError(["base_url: is not set; an export has to say where it will be, such as https://feeds.example.org"])
    site = replace(config, search=False).site(config.base_url)
    if ping and site.hub is None:
        raise ConfigError(["hub: is not set; there is nobody to ping"])
    if config.access_keys:
        click.echo("feeds: access_keys: are for a server; files are for everybody who can fetch them", err=True)
    folder = export_folder(out, config.content)
    wanted = set(only) or {*_KINDS, _ARCHIVES, _PAGES}
    kinds = tuple(kind for name, kind in _KINDS.items() if name in wanted)
    order = Order(
        site,
        config.fingerprint(),
        Selection(kinds or tuple(Kind), formats, _ARCHIVES in wanted, _PAGES in wanted),
        tuple(TWINS) if compress else (),
        force,
    )
    with up_to_date(config, known_listings(folder)) as store:
        moment = now()  # of the files, and so of what the hub is told: an article that appears meanwhile is in none
        built = build(store, folder, order, moment)
        click.echo(f"{built.total} files: {len(built.written)} written, {len(built.removed)} removed")
        for path in built.left:
            click.echo(f"feeds: {escape_controls(path)}: has no place any more, but was changed by somebody else, so it stays", err=True)
        if ping and not _tell_hub(store, order, built, moment):
            sys.exit(1)


def _tell_hub(store: Store, order: Order, built: Built, moment: datetime) -> bool:
    """Return whether the hub takes all that it is told."""
    from feeds.service import FeedService  # noqa: PLC0415 - takes longer to import than the rest takes to run
    from feeds.websub import Exported, announce  # noqa: PLC0415 - as above

    written = frozenset(f"{order.site.base_url}/{path}" for path in built.feeds)
    exported = Exported(order.selection.kinds, order.selection.extensions, written)
    told = announce(FeedService(store), order.site, moment, exported=exported)
    return not told.refused and not told.failed

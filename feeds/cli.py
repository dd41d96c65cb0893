"""The command line: parse, call the service, print. The one place that knows click.

Results go to stdout, everything else to stderr; exit codes are 0, 1 (something is wrong) and 2 (wrong usage).
"""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from feeds.assembly import Moved
from feeds.config import HELP, Config
from feeds.errors import FeedsError, IndexBusyError, MassLossError
from feeds.feed import FeedAddress, Site
from feeds.intake import ALL, HALF, RefreshResult
from feeds.model import Kind, Level, Problem, State
from feeds.render import FORMATS
from feeds.reporting import counted, log_news, problem_line, summary
from feeds.server import local_url, serve
from feeds.service import CheckResult, FeedService
from feeds.store.sql import IN_MEMORY, index_exists, open_store
from feeds.terminal import progress
from feeds.text import escape_controls
from feeds.web import now

_INDEX = ("database",)
_SITE = ("base_url", "site_url", "site_id", "title", "description", "language", "picture", "max_age_seconds", "hub")
_SERVER = ("search", "refresh_seconds", "trusted_hosts", "trusted_proxies", "operator_networks", "access_keys", "host", "port", "workers")

_DEFAULTS = {field.name: field.default for field in fields(Config)}

Command = Callable[..., None]


class _Group(click.Group):
    """Turns what goes wrong on purpose into lines on stderr."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except FeedsError as error:
            for line in str(error).splitlines():
                click.echo(f"feeds: {escape_controls(line)}", err=True)
            sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="feeds")
def main() -> None:
    """Make RSS, Atom and JSON feeds per topic from a folder of articles.

    \b
    feeds serve news/               serve them, and keep up with every change of the folder
    feeds check news/               say what becomes of every file, and why
    feeds topics --content news/    list the topics
    feeds show ai --content news/   print the feed of a topic

    Every setting is an option (--base-url), a variable (FEEDS_BASE_URL) or a key in feeds.toml (base_url); the first beats
    the next.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


def _settings(*names: str) -> Callable[[Command], Command]:
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


_content_argument = click.argument("content", required=False)
_content_option = click.option("--content", help=HELP["content"])


@main.command("serve")
@_content_argument
@_settings(*_INDEX, *_SITE, *_SERVER)
def serve_command(config: Config) -> None:
    """Serve the feeds of CONTENT, and keep up with every change of it."""
    with progress() as hear:
        serve(config, click.echo, hear)


@main.command("index")
@_content_argument
@_settings(*_INDEX, *_SITE)
@click.option(
    "--allow-mass-delete",
    "may_lose",
    flag_value=ALL,
    default=HALF,
    type=float,
    help="Even if more than half of over 100 articles are gone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a line.")
def index_command(config: Config, may_lose: float, as_json: bool) -> None:
    """Bring the index of CONTENT up to date, for servers that don't look through the folder themselves.

    Files that are refused since then go to stderr.
    """
    folder = config.content_folder()
    with _service(config.database_url) as service, progress() as hear:
        result = service.refresh(folder, config.fingerprint(), now(), may_lose=may_lose, progress=hear)
    log_news(result)
    click.echo(_index_as_json(result) if as_json else summary(result))


def _index_as_json(result: RefreshResult) -> str:
    counts = {state.value: result.counts[state] for state in State}
    problems = [_as_json(report.path, problem, report.state) for report in result.refused for problem in report.problems]
    done = {"read": result.read, "gone": result.gone, "changed": result.changed}
    troubles = [escape_controls(trouble) for trouble in result.troubles]
    return json.dumps(done | {"counts": counts, "troubles": troubles, "refused": problems}, indent=2)


@main.command("check")
@_content_argument
@_settings(*_INDEX, *_SITE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.option("--feeds", "with_feeds", is_flag=True, help="Build every feed, too, and say what is wrong with it.")
def check_command(config: Config, as_json: bool, with_feeds: bool) -> None:
    """Say what becomes of every file of CONTENT that is not simply shown, and why; exit 1 if anything is wrong.

    Each line is path:line: field: reason. Nothing is written; an existing index tells which files changed their identity and which
    have a good earlier version.
    """
    folder = config.content_folder()
    site = config.site(local_url(config)) if with_feeds else None
    with _service(config.database_url if index_exists(config.database_url) else IN_MEMORY) as service:
        result = service.check(folder, now(), site)
    click.echo(_check_as_json(result) if as_json else "".join(f"{line}\n" for line in _check_as_lines(result)), nl=as_json)
    click.echo(f"{sum(result.counts.values())} files: {counted(result.counts)}", err=True)
    problems = [problem for report in result.reports for problem in report.problems] + [problem for _, problem in result.topic_problems]
    levels = [problem.level for problem in problems] + [finding.level for finding in result.findings or ()]
    if Level.ERROR in levels:
        sys.exit(1)


def _check_as_lines(result: CheckResult) -> Iterator[str]:
    for report in result.reports:
        for problem in report.problems:
            yield problem_line(report.path, problem)
    for path, problem in result.topic_problems:
        yield problem_line(path, problem)
    for finding in result.findings or ():
        yield escape_controls(": ".join(part for part in (finding.url, finding.entry, finding.field, finding.reason) if part))


def _check_as_json(result: CheckResult) -> str:
    problems = [_as_json(report.path, problem, report.state) for report in result.reports for problem in report.problems]
    problems += [_as_json(path, problem, None) for path, problem in result.topic_problems]
    counts = {state.value: result.counts[state] for state in State}
    feeds = {} if result.findings is None else {"feeds": [asdict(finding) for finding in result.findings]}
    return json.dumps({"counts": counts, "problems": problems} | feeds, indent=2)


def _as_json(path: str, problem: Problem, state: State | None) -> dict[str, Any]:
    return {
        "path": escape_controls(path),
        "line": problem.line,
        "field": problem.field and escape_controls(problem.field),
        "reason": escape_controls(problem.reason),
        "state": state,
        "level": problem.level,
    }


@main.command("topics")
@_content_option
@_settings(*_INDEX)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array instead of lines.")
def topics_command(config: Config, as_json: bool) -> None:
    """List the topics: slug, number of articles, day of the newest, name."""
    with _up_to_date(config) as service:
        found = service.collections(Kind.TOPIC, now())
    if as_json:
        facts = [{"slug": topic.slug, "name": topic.name, "articles": topic.article_count} for topic in found]
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for topic in found:
        newest = f"{topic.newest_at:%Y-%m-%d}" if topic.newest_at else "-"
        click.echo(f"{topic.slug}\t{topic.article_count}\t{newest}\t{escape_controls(topic.name)}")


@main.command("show")
@click.argument("topic")
@_content_option
@_settings(*_INDEX, *_SITE)
@click.option("--format", "extension", type=click.Choice(list(FORMATS)), default="rss", show_default=True)
def show_command(config: Config, topic: str, extension: str) -> None:
    """Print the feed of TOPIC, given by its slug or name."""
    site = config.site(local_url(config))
    with _up_to_date(config) as service:
        body = _body(service, FeedAddress(Kind.TOPIC, topic), extension, site)
    click.echo(body, nl=False)


def _body(service: FeedService, address: FeedAddress, extension: str, site: Site) -> bytes:
    try:
        return service.document(address, extension, site, now()).body
    except Moved as moved:
        return service.document(moved.address, extension, site, now()).body


@contextmanager
def _service(database_url: str) -> Iterator[FeedService]:
    store = open_store(database_url)
    try:
        yield FeedService(store)
    finally:
        store.close()


@contextmanager
def _up_to_date(config: Config) -> Iterator[FeedService]:
    """Open the index and, where the folder is here, look through it first."""
    with _service(config.database_url) as service:
        if config.content is not None:
            try:
                service.refresh(config.content_folder(), None, now())  # the settings that count are those of the server
            except (IndexBusyError, MassLossError) as error:
                click.echo(f"feeds: {error}; this is what it was before", err=True)
        yield service

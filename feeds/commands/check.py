"""`feeds check`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click
from msgspec.structs import asdict

from feeds.clock import now
from feeds.commands import problems
from feeds.commands.opening import opened
from feeds.commands.options import INDEX, SITE, content_argument, settings
from feeds.config import Config
from feeds.model import Level, State
from feeds.readers import reading
from feeds.reporting import counted, problem_line
from feeds.service import CheckResult, FeedService
from feeds.store.sql import IN_MEMORY, index_exists
from feeds.text import escape_controls


@click.command()
@content_argument
@settings(*INDEX, *SITE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.option("--feeds", "with_feeds", is_flag=True, help="Build every feed, too, and say what is wrong with it.")
def command(config: Config, as_json: bool, with_feeds: bool) -> None:
    """Say what becomes of every file of CONTENT that is not simply shown, and why; exit 1 if anything is wrong.

    Each line is path:line: field: reason. Nothing is written; an existing index tells which files changed their identity and which
    have a good earlier version.
    """
    folder = config.content_folder()
    site = config.site(config.local_url) if with_feeds else None
    with reading(folder) as reader, opened(config.database_url if index_exists(config.database_url) else IN_MEMORY) as store:
        result = FeedService(store).check(reader, now(), site)
    click.echo(_check_as_json(result) if as_json else "".join(f"{line}\n" for line in _check_as_lines(result)), nl=as_json)
    click.echo(f"{sum(result.counts.values())} files: {counted(result.counts)}", err=True)
    found = [problem for report in result.reports for problem in report.problems] + [problem for _, problem in result.topic_problems]
    levels = [problem.level for problem in found] + [finding.level for finding in result.findings or ()]
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
    said = [problems.as_json(report.path, problem, report.state) for report in result.reports for problem in report.problems]
    said += [problems.as_json(path, problem, None) for path, problem in result.topic_problems]
    counts = {state.value: result.counts[state] for state in State}
    feeds = {} if result.findings is None else {"feeds": [asdict(finding) for finding in result.findings]}
    return json.dumps({"counts": counts, "problems": said} | feeds, indent=2)

"""The command line: which commands there are. With `feeds.commands` the one place that knows click.

Results go to stdout, everything else to stderr; exit codes are 0, 1 (something is wrong) and 2 (wrong usage).
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from feeds.commands.loading import loading
from feeds.errors import FeedsError
from feeds.text import escape_controls

# What a command does; the module of its name in `feeds.commands` has it. Importing them all takes longer than many a command.
COMMANDS = {
    "build": "Write the feeds of CONTENT as files into OUT, as a server would send them.",
    "check": "Say what becomes of every file of CONTENT that is not simply shown, and why.",
    "index": "Bring the index of CONTENT up to date, for servers that don't look at the folder.",
    "ping": "Tell the hub which feeds changed since it was told last.",
    "serve": "Serve the feeds of CONTENT, and keep up with every change of it.",
    "show": "Print the feed of TOPIC, given by its slug or name.",
    "topics": "List the topics: slug, number of articles, day of the newest, name.",
}


class _Group(click.Group):
    """Imports a command when it is run, and turns what goes wrong on purpose into lines on stderr."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        with loading():
            command: click.Command = import_module(f"feeds.commands.{name}").command
        command.name = name
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except FeedsError as error:
            for line in str(error).splitlines():
                click.echo(f"feeds: {escape_controls(line)}", err=True)
            sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
@click.version_option(package_name="feeds")
def main() -> None:
    """Make RSS, Atom and JSON feeds per topic from a folder of articles.

    \b
    feeds serve news/               serve them, and keep up with every change of the folder
    feeds check news/               say what becomes of every file, and why
    feeds topics --content news/    list the topics
    feeds show ai --content news/   print the feed of a topic
    feeds build site/ --content news/ --base-url https://feeds.example.org   write them all as files

    Every setting is an option (--base-url), a variable (FEEDS_BASE_URL) or a key in feeds.toml (base_url); the first beats
    the next.
    """

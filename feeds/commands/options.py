"""Settings as options of a command. Knows no index."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from feeds.config import Config
from feeds.logs import start_logging
from feeds.settings import HELP

INDEX = ("database", "log_format")
SITE = ("base_url", "site_url", "site_id", "title", "description", "language", "picture", "page_size", "max_age_seconds", "hub")
SERVER = (
    "search",
    "refresh_seconds",
    "trusted_hosts",
    "trusted_proxies",
    "operator_networks",
    "access_keys",
    "access_log",
    "host",
    "port",
    "workers",
)

_DEFAULTS = {field.name: field.default for field in fields(Config)}

Command = Callable[..., None]

content_argument = click.argument("content", required=False)
content_option = click.option("--content", help=HELP["content"])


def settings(*names: str) -> Callable[[Command], Command]:
    """Add the folder and the options of some settings; the command gets them as one Config."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**given: Any) -> None:
            options = {name: given.pop(name) for name in ("content", *names)}
            config = Config.load({name: value for name, value in options.items() if value is not None}, os.environ, Path.cwd())
            start_logging(config.log_format, config.access_keys)
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

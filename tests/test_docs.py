"""The README is true: what it lists is what there is, and its examples work."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from feeds.cli import COMMANDS, main
from feeds.config import ENVIRONMENT_PREFIX, Config
from feeds.settings import HELP

from .conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "feeds", "tests", "seeds", "wsgi.py"}


def section(heading: str) -> str:
    """Return what stands below a heading, up to the next of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"README has no section {heading}"
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """Return the cells of a table's rows, its head left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not set(line) <= set("|- ") and cells[0] not in ("setting", "parameter", "command", "URL"):
            yield cells


def in_code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def settings_of_readme() -> dict[str, str]:
    """Return the default that the README names for each setting."""
    return {name: row[1] for row in rows(section("Settings")) for name in in_code(row[0])}


def test_readme_lists_every_setting_and_no_other() -> None:
    assert set(settings_of_readme()) == set(HELP) == {field.name for field in dataclasses.fields(Config)}


def test_readme_names_the_defaults() -> None:
    written = {
        name: str(getattr(Config(), name)).lower()
        for name in ("title", "language", "max_age_seconds", "search", "refresh_seconds", "host", "port", "workers")
    }
    defaults = [default for row in rows(section("Settings")) for default in in_code(row[1])]
    assert [value for value in written.values() if value not in map(str.lower, defaults)] == []


def test_readme_says_what_settings_are_called_in_all_three_forms() -> None:
    said = in_code(section("Settings"))
    assert {"--base-url", f"{ENVIRONMENT_PREFIX}BASE_URL", "base_url"} <= set(said)


def test_readme_lists_every_command_and_no_other() -> None:
    listed = [name.split()[1] for row in rows(section("Commands")) for name in in_code(row[0])]
    assert set(listed) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_readme_names_every_option_that_a_command_has_beside_the_settings(name: str) -> None:
    command = cast("click.Group", main).get_command(click.Context(main), name)
    assert command is not None
    settings = {f"--{setting.replace('_', '-')}" for setting in HELP}
    own = {option for parameter in command.params for option in parameter.opts if option.startswith("--")} - settings
    text = section("Commands") + section("Static export")
    assert [option for option in sorted(own) if f"`{option}" not in text and f" {option}" not in text] == []


def parameters_of_readme() -> set[str]:
    """Return the names in the tables of parameters, whose rows are no paths."""
    return {name.partition("=")[0] for row in rows(section("Feeds")) for name in in_code(row[0]) if "/" not in name}


@pytest.mark.parametrize("name", sorted(parameters_of_readme()))
def test_parameters_of_the_readme_are_known(client: FlaskClient, name: str) -> None:
    answer = client.get("/search/feed.rss", query_string={name: "-\x00"})
    assert answer.status_code >= 400
    assert name in answer.text


def test_every_module_has_its_place_in_the_readme() -> None:
    words = set(re.findall(r"[A-Za-z_]+", section("How it is built")))
    modules = {path.stem for path in (REPOSITORY / "feeds").glob("*.py")} | {
        path.parent.name for path in (REPOSITORY / "feeds").glob("*/__init__.py")
    }
    assert modules - words - {"__init__", "__main__"} == set()


def test_every_file_of_the_readme_exists() -> None:
    layout = re.findall(r"^ {4}(\S.*?) {2,}", section("How it is built"), re.MULTILINE)
    paths = [path for entry in layout for path in entry.split(", ")]
    assert [path for path in paths if not (REPOSITORY / path).exists() and not (REPOSITORY / "feeds" / path).exists()] == []


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    reasons = set(re.findall(r"\[([\w-]+)\]\(https://", section("How it is built").partition("Built on:")[2].lower()))
    required = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["postgresql"]
    names = {re.split(r"[\[>]", requirement)[0].lower() for requirement in required}
    assert {name.removesuffix("2") for name in names} == reasons


def test_top_level_holds_what_was_asked_for() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {path.partition("/")[0] for path in tracked if not path.startswith(".")} == TOP_LEVEL


def test_first_feed_of_the_readme_is_a_feed(content: Path, config: Config) -> None:
    example = re.search(r"```yaml\n(.*?)```", section("Your first feed"), re.DOTALL)
    assert example is not None
    (content / "hello.md").write_text(example[1], "utf-8")
    shown = CliRunner().invoke(main, ["show", "ai", "--content", str(content), "--database", config.database_url])
    assert "<title>Hello, readers</title>" in shown.output


def test_gate_runs_the_command_of_the_readme() -> None:
    gate = (REPOSITORY / ".ci" / "run").read_text("utf-8")
    commands = re.findall(r"<!-- (\w+) -->\n```sh\n(python3 -m venv .+)\n```", README)
    assert [name for name, _ in commands] == ["serve", "test"]
    assert "<!-- test -->" in gate
    assert "pytest" not in gate


def test_metrics_of_the_readme_are_measured(client: FlaskClient) -> None:
    client.get("/feed.rss")
    measured = client.get("/metrics").text
    named = {name for name in in_code(section("Metrics")) if name.startswith("feeds_")}
    assert {name for name in named if f"# TYPE {name}" not in measured} == set()
    assert {name for name in re.findall(r"^# TYPE (\w+)", measured, re.MULTILINE) if name not in named} == set()

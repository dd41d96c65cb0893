"""The commands: what goes to stdout and what to stderr, exit codes, and that `check` changes nothing.

`feeds serve` is in test_server.py, because it runs until it is stopped.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click import Context
from click.testing import CliRunner, Result

from feeds.cli import COMMANDS, main
from feeds.config import Config
from feeds.feed import FeedAddress
from feeds.identity import article_id
from feeds.model import Kind, State
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.settings import HELP
from feeds.store.base import Store

from .builders import NOON, write_article
from .conftest import REPOSITORY

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `feeds` in a folder of its own, with nothing set but where caches go."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner(env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    return lambda *arguments, **variables: runner.invoke(main, arguments, env=variables, catch_exceptions=False)


@pytest.fixture
def mixed(content: Path) -> Path:
    """A folder with files of every state, and with topic data that is broken."""
    write_article(content, "shown")
    write_article(content, "warned", quality="a lot")
    write_article(content, "hidden", published=False)
    write_article(content, "sub/ahead", publishedDateTime="2999-01-01T00:00:00Z")
    write_article(content, "refused", publishedDateTime="yesterday")
    write_article(content, "older", webUrl="https://news.example.com/shown", publishedDateTime="2020-01-01T00:00:00Z")
    (content / "README.md").write_text("# Read me")
    (content / "_data" / "topics").mkdir(parents=True)
    (content / "_data" / "topics" / "ai.yaml").write_text("_id: ai\nname: [")
    return content


def test_check_prints_path_line_field_and_reason_of_every_file_that_is_not_simply_shown(run: Run, mixed: Path) -> None:
    result = run("check", str(mixed))
    assert result.stdout.splitlines() == [
        "README.md: has no front matter",
        "hidden.md:13: published: is false",
        "older.md: duplicate of shown.md",
        "refused.md:4: publishedDateTime: is no RFC 3339 timestamp such as 2020-12-03T01:04:00Z",
        "sub/ahead.md: publishedDateTime: is still ahead",
        "warned.md:13: quality: is no whole number of at most nine digits",
        "_data/topics/ai.yaml:3: is no YAML: did not find expected node content",
    ]
    assert result.stderr == "7 files: 2 shown, 2 hidden, 2 skipped, 1 refused\n"
    assert result.exit_code == 1


def test_check_as_json_is_one_object_with_counts_and_problems(run: Run, mixed: Path) -> None:
    result = run("check", str(mixed), "--json")
    said = json.loads(result.stdout)
    assert list(said) == ["counts", "problems"]
    assert said["counts"] == {"shown": 2, "hidden": 2, "skipped": 2, "refused": 1}
    keys = ("path", "line", "field", "reason", "state", "level")
    assert said["problems"] == [
        dict(zip(keys, values, strict=True))
        for values in (
            ("README.md", None, None, "has no front matter", "skipped", "warning"),
            ("hidden.md", 13, "published", "is false", "hidden", "warning"),
            ("older.md", None, None, "duplicate of shown.md", "skipped", "warning"),
            ("refused.md", 4, "publishedDateTime", "is no RFC 3339 timestamp such as 2020-12-03T01:04:00Z", "refused", "error"),
            ("sub/ahead.md", None, "publishedDateTime", "is still ahead", "hidden", "warning"),
            ("warned.md", 13, "quality", "is no whole number of at most nine digits", "shown", "warning"),
            ("_data/topics/ai.yaml", 3, None, "is no YAML: did not find expected node content", None, "error"),
        )
    ]
    assert result.stderr == "7 files: 2 shown, 2 hidden, 2 skipped, 1 refused\n"
    assert result.exit_code == 1


def test_check_accounts_for_every_file_of_a_site(run: Run, corpus: Path) -> None:
    suffixes = (".md", ".markdown", ".html", ".txt")
    candidates = [path for path in corpus.rglob("*") if path.suffix in suffixes and path.is_file()]
    counts = json.loads(run("check", str(corpus), "--json").stdout)["counts"]
    assert list(counts) == [state.value for state in State]
    assert sum(counts.values()) == len(candidates)


@pytest.mark.parametrize("problem", [{}, {"published": False}, {"quality": "a lot"}, {"title": None}])
def test_check_succeeds_where_nothing_is_wrong(run: Run, content: Path, problem: dict[str, object]) -> None:
    write_article(content, "a", **problem)
    assert run("check", str(content)).exit_code == 0


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_check_of_an_empty_folder_has_nothing_to_say(run: Run, content: Path, options: tuple[str, ...]) -> None:
    result = run("check", str(content), *options)
    empty = {"counts": {"shown": 0, "hidden": 0, "skipped": 0, "refused": 0}, "problems": []}
    assert (json.loads(result.stdout) == empty) if options else (result.stdout == "")
    assert result.exit_code == 0


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_check_escapes_control_characters(run: Run, content: Path, options: tuple[str, ...]) -> None:
    (content / "a\x1b[31m\n\x9b.md").write_text("---\ntitle: [\n---\n")
    (content / "b.md").write_text('---\n"\\e[31m": x\n"\\e[31m": x\n---\n')
    result = run("check", str(content), *options)
    assert not any(unicodedata.category(character) == "Cc" for character in result.output.replace("\n", ""))
    said = [line["path"] for line in json.loads(result.stdout)["problems"]] if options else result.stdout.splitlines()
    assert said[0].startswith(r"a\x1b[31m\n\x9b.md")


def test_check_names_files_whose_names_are_no_text(run: Run, content: Path) -> None:
    Path(str(content) + "/\udcff.md").write_text("---\ntitle: [\n---\n")
    assert run("check", str(content)).stdout.startswith("\\xff.md:")


def test_check_of_feeds_says_what_is_wrong_with_each(run: Run, content: Path) -> None:
    write_article(content, "a", publishedDateTime="1950-05-17T12:00:00Z")
    result = run("check", str(content), "--feeds", "--base-url", "https://feeds.example.org")
    assert result.stdout.splitlines()[0] == (
        f"https://feeds.example.org/feed.rss: {article_id('https://news.example.com/a')}: "
        "pubDate: is before 1970: some readers show another date"
    )
    assert result.exit_code == 0


def test_check_of_feeds_as_json_has_a_list_of_them(run: Run, content: Path) -> None:
    write_article(content, "a", publishedDateTime="1950-05-17T12:00:00Z")
    result = run("check", str(content), "--feeds", "--json", "--base-url", "https://feeds.example.org")
    assert json.loads(result.stdout)["feeds"][0] == {
        "url": "https://feeds.example.org/feed.rss",
        "entry": article_id("https://news.example.com/a"),
        "field": "pubDate",
        "reason": "is before 1970: some readers show another date",
        "level": "warning",
    }


def test_check_of_good_feeds_has_nothing_to_say(run: Run, content: Path) -> None:
    write_article(content, "a")
    result = run("check", str(content), "--feeds")
    assert (result.stdout, result.exit_code) == ("", 0)


def test_check_creates_no_index(run: Run, content: Path, tmp_path: Path) -> None:
    write_article(content, "a")
    run("check", str(content), "--database", "sqlite:///index.sqlite3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content"]


def test_check_leaves_an_index_as_it_was(run: Run, content: Path, tmp_path: Path) -> None:
    write_article(content, "a")
    options = ("--database", "sqlite:///index.sqlite3")
    run("index", str(content), *options)
    write_article(content, "a", title="Another title")
    write_article(content, "b")
    with closing(sqlite3.connect(tmp_path / "index.sqlite3")) as index:
        before = index.serialize()
        assert run("check", str(content), *options).stderr == "2 files: 2 shown, 0 hidden, 0 skipped, 0 refused\n"
        assert index.serialize() == before


def test_check_knows_last_good_versions(run: Run, content: Path) -> None:
    write_article(content, "a")
    run("index", str(content))
    write_article(content, "a", publishedDateTime="yesterday")
    assert run("check", str(content)).stdout == (
        "a.md:4: publishedDateTime: is no RFC 3339 timestamp such as 2020-12-03T01:04:00Z; the last good version stays served\n"
    )


def test_check_warns_of_a_new_identity(run: Run, content: Path) -> None:
    write_article(content, "a")
    run("index", str(content))
    write_article(content, "a", webUrl="https://news.example.com/elsewhere")
    result = run("check", str(content))
    assert result.stdout.startswith("a.md: id: is a new identity, urn:uuid:")
    assert result.exit_code == 0


def test_index_says_what_it_came_to(run: Run, mixed: Path) -> None:
    result = run("index", str(mixed))
    assert (result.stdout, result.exit_code) == ("7 files read, 0 gone: 2 shown, 2 hidden, 2 skipped, 1 refused\n", 0)


def test_index_as_json_is_one_object(run: Run, mixed: Path) -> None:
    said = json.loads(run("index", str(mixed), "--json").stdout)
    assert {name: said[name] for name in ("read", "gone", "changed", "counts", "troubles")} == {
        "read": 7,
        "gone": 0,
        "changed": True,
        "counts": {"shown": 2, "hidden": 2, "skipped": 2, "refused": 1},
        "troubles": [],
    }
    assert [(problem["path"], problem["field"], problem["level"]) for problem in said["refused"]] == [
        ("refused.md", "publishedDateTime", "error")
    ]


def test_mass_loss_is_an_error_that_an_option_allows(run: Run, content: Path, tmp_path: Path) -> None:
    options = ("--database", "sqlite:///index.sqlite3")
    for number in range(101):
        write_article(content / "sub", str(number))
    run("index", str(content), *options)
    (content / "sub").rename(tmp_path / "away")
    result = run("index", str(content), *options)
    said = "101 of 101 articles would be gone at once; if that is meant, run feeds index --allow-mass-delete"
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"feeds: {said}\n", 1)
    result = run("topics", "--content", str(content), *options)
    assert (result.stdout, result.stderr) == ("ai\t101\t2024-05-17\tAI\n", f"feeds: {said}; this is what it was before\n")
    assert run("index", str(content), "--allow-mass-delete", *options).stdout.startswith("0 files read, 101 gone: 0 shown")


def test_index_reads_only_what_changed(run: Run, mixed: Path) -> None:
    run("index", str(mixed))
    (mixed / "hidden.md").unlink()
    write_article(mixed, "new")
    assert run("index", str(mixed)).stdout == "1 files read, 1 gone: 3 shown, 1 hidden, 2 skipped, 1 refused\n"


@pytest.mark.parametrize(("log_format", "told"), [("text", "refused: refused.md"), ("json", '"message": "refused: refused.md')])
def test_index_tells_what_is_refused_in_lines_of_either_format(mixed: Path, tmp_path: Path, log_format: str, told: str) -> None:
    command = [sys.executable, "-m", "feeds", "index", mixed, "--log-format", log_format, "--database", f"sqlite:///{tmp_path / 'index'}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert any(told in line for line in lines)
    assert all(isinstance(json.loads(line), dict) for line in lines if log_format == "json")
    assert done.stdout.startswith("7 files read, 0 gone")


def test_topics_are_listed_with_counts_and_days_by_name(run: Run, content: Path) -> None:
    write_article(content, "a", topics=["Computer Vision", "AI"], publishedDateTime="2024-05-16T23:59:59Z")
    write_article(content, "b", topics=["AI"], publishedDateTime="2024-05-17T00:00:00Z")
    (content / "_data" / "topics").mkdir(parents=True)
    (content / "_data" / "topics" / "r.yaml").write_text("_id: robots\nname: Robotics\n")
    result = run("topics", "--content", str(content))
    assert result.stdout == ("ai\t2\t2024-05-17\tAI\ncomputer-vision\t1\t2024-05-16\tComputer Vision\nrobots\t0\t-\tRobotics\n")
    assert result.exit_code == 0


def test_topics_as_json_are_one_array(run: Run, content: Path) -> None:
    write_article(content, "a", topics=["人工智能"])
    result = run("topics", "--json", FEEDS_CONTENT=str(content))
    assert json.loads(result.stdout) == [{"slug": "ren-gong-zhi-neng", "name": "人工智能", "articles": 1}]


def test_topics_come_from_the_index_where_the_folder_is_not_set(run: Run, content: Path) -> None:
    write_article(content, "a")
    run("index", str(content), "--database", "sqlite:///index.sqlite3")
    assert run("topics", "--database", "sqlite:///index.sqlite3").stdout == "ai\t1\t2024-05-17\tAI\n"


@pytest.mark.parametrize("command", [("topics",), ("show", "ai")])
def test_looking_at_the_index_of_a_server_with_other_settings_moves_no_feed(
    run: Run, content: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    write_article(content, "a")
    options = ("--database", "sqlite:///index.sqlite3")
    run("index", str(content), *options, "--title", "The title of the server")
    query = "SELECT value FROM meta WHERE name IN ('fingerprint', 'settings_at', 'revision') ORDER BY name"
    with closing(sqlite3.connect(tmp_path / "index.sqlite3")) as index:
        before = index.execute(query).fetchall()
        run(*command, "--content", str(content), *options)
        assert index.execute(query).fetchall() == before


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("topic", ["computer-vision", "Computer Vision", "COMPUTER-VISION"])
def test_show_prints_the_very_bytes_that_are_served(run: Run, content: Path, topic: str, extension: str, service: FeedService) -> None:
    write_article(content, "a", topics=["Computer Vision"])
    options = ("--database", "sqlite:///index.sqlite3", "--base-url", "https://feeds.example.org")
    result = run("show", topic, "--format", extension, "--content", str(content), *options)
    site = Config(base_url="https://feeds.example.org").site("")
    assert result.stdout_bytes == service.document(FeedAddress(Kind.TOPIC, "computer-vision"), extension, site, NOON).body


def test_show_prints_rss_unless_told_otherwise(run: Run, content: Path) -> None:
    write_article(content, "a")
    assert "<rss " in run("show", "ai", "--content", str(content)).stdout


def test_show_without_a_base_url_links_to_where_feeds_serve_would_answer(run: Run, content: Path) -> None:
    write_article(content, "a")
    assert 'href="http://127.0.0.1:8000/topics/ai/feed.rss"' in run("show", "ai", "--content", str(content)).stdout


def test_show_of_an_unknown_topic_suggests_near_ones(run: Run, content: Path) -> None:
    write_article(content, "a", topics=["Computer Vision"])
    result = run("show", "computer-visio", "--content", str(content))
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr == "feeds: there is no topic 'computer-visio'; near: computer-vision\n"


@pytest.mark.parametrize("command", [("topics",), ("show", "ai")])
def test_index_that_is_being_refreshed_is_used_as_it_was(run: Run, content: Path, store: Store, command: tuple[str, ...]) -> None:
    write_article(content, "a")
    options = ("--database", "sqlite:///index.sqlite3")
    run("index", str(content), *options)
    with store.refreshing(NOON):
        result = run(*command, "--content", str(content), *options)
    assert result.stderr == "feeds: another process refreshes the index right now; this is what it was before\n"
    assert (result.exit_code, result.stdout != "") == (0, True)


def test_index_that_another_process_refreshes_is_an_error(run: Run, content: Path, store: Store) -> None:
    with store.refreshing(NOON):
        result = run("index", str(content), "--database", "sqlite:///index.sqlite3")
    assert (result.stderr, result.exit_code) == ("feeds: another process refreshes the index right now\n", 1)


@pytest.mark.parametrize(
    ("arguments", "variables", "error"),
    [
        (("check",), {}, ["content: is not set; name the folder of articles, or set FEEDS_CONTENT"]),
        (("index", "gone"), {}, ["content: {}/gone: No such file or directory"]),
        (("index", "a\x1b[31m"), {}, [r"content: {}/a\x1b[31m: No such file or directory"]),
        (("serve", "file"), {}, ["content: {}/file is no folder"]),
        (("topics", "--database", "here"), {}, ["command line: --database: is no database URL such as sqlite:///index.sqlite3"]),
        (
            ("topics", "--database", "mysql://here"),
            {},
            [
                (
                    "command line: --database: has to be of SQLite or PostgreSQL, "
                    "such as sqlite:///index.sqlite3 or postgresql://user@host/database"
                )
            ],
        ),
        (
            ("topics", "--database", "sqlite:///file"),
            {},
            ["{}/file: the index is damaged (file is not a database); the next refresh makes it anew, or run feeds index"],
        ),
        (("show", "ai", "--database", "sqlite:///file/x"), {}, ["{}/file/x: its folder can't be created: File exists"]),
        (("show", "ai", "--database", "sqlite:///new"), {}, ["the index is empty still: the folder was not read yet"]),
        (
            ("check", "gone", "--database", "x"),
            {"FEEDS_PROT": "1", "FEEDS_PORT": "x"},
            [
                "environment: FEEDS_PORT: has to be a whole number from 1 to 65535",
                "environment: FEEDS_PROT: is no setting; is FEEDS_PORT meant?",
                "command line: --database: is no database URL such as sqlite:///index.sqlite3",
            ],
        ),
    ],
)
def test_what_is_wrong_is_a_line_on_stderr(
    run: Run, arguments: tuple[str, ...], variables: dict[str, str], error: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder and no database, but long enough to be one" * 100)
    result = run(*arguments, **variables)
    assert sorted(result.stderr.splitlines()) == sorted(f"feeds: {line.format(tmp_path)}" for line in error)
    assert (result.stdout, result.exit_code) == ("", 1)


def test_settings_come_from_feeds_toml_of_the_current_folder(run: Run, content: Path, tmp_path: Path) -> None:
    write_article(content, "a")
    (tmp_path / "feeds.toml").write_text('content = "content"\ntitle = "Example News"')
    assert "<title>AI – Example News</title>" in run("show", "ai").stdout


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("sevre",), "No such command 'sevre'"),
        (("check", "--jsn"), "No such option"),
        (("check", "a", "b"), "Got unexpected extra argument"),
        (("show",), "Missing argument 'TOPIC'"),
        (("show", "ai", "--format", "xml"), "'xml' is not one of 'rss', 'atom', 'json'"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_how_to_get_help(run: Run, arguments: tuple[str, ...], error: str) -> None:
    result = run(*arguments)
    assert error in result.stderr
    assert "--help" in result.stderr
    assert (result.stdout, result.exit_code) == ("", 2)


def test_help_lists_every_command(run: Run) -> None:
    result = run("--help")
    assert all(f"\n  {command} " in result.stdout for command in COMMANDS)
    assert result.exit_code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_explains_each_of_its_settings(run: Run, command: str) -> None:
    result = run(command, "-h")
    said = " ".join(result.stdout.split())
    assert said.startswith(f"Usage: main {command} [OPTIONS]")
    found = main.get_command(Context(main), command)
    assert found is not None
    for parameter in found.params:
        assert parameter.param_type_name == "argument" or parameter.opts[0] in said
        assert parameter.name not in HELP or parameter.param_type_name == "argument" or HELP[parameter.name] in said
    assert result.exit_code == 0


def test_help_imports_no_command_and_nothing_that_one_needs() -> None:
    script = "import sys; from feeds.cli import main; main(['--help'], standalone_mode=False); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert imported.isdisjoint({"sqlalchemy", "flask", "granian", "lxml", "feedgen", "jinja2", "watchfiles"})
    assert "click" in imported


def test_index_without_changes_imports_no_format_and_no_parser(tmp_path: Path) -> None:
    command = f"['index', {str(REPOSITORY / 'seeds')!r}, '--database', 'sqlite:///{tmp_path}/index']"
    script = f"import sys; from feeds.cli import main; main({command}, standalone_mode=False); print(*sorted(sys.modules))"
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert not imported & {"flask", "granian", "lxml", "feedgen", "jinja2", "watchfiles", "markdown_it", "nh3"}


def test_every_setting_is_an_option_of_serve(run: Run) -> None:
    said = run("serve", "--help").stdout
    assert all(f"--{name.replace('_', '-')} " in said for name in HELP if name != "content")


def test_help_tells_defaults(run: Run) -> None:
    assert "port to listen on (feeds serve) [default: 8000]" in " ".join(run("serve", "--help").stdout.split())


def test_version_is_told(run: Run) -> None:
    assert run("--version").stdout.startswith("main, version 0.")

"""Several machines on one PostgreSQL: who keeps the index, and nodes that only read it; each a process of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from feeds.store.sql import open_store

from .builders import NOON, write_article
from .conftest import REPOSITORY
from .postgres import Postgres, running_postgres
from .processes import Answer, Program, free_port, running, wait_for

FEEDS = [sys.executable, "-m", "feeds"]
NODES = {
    "granian": ["--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", "wsgi:app"],
    "gunicorn": ["--bind", "127.0.0.1:{port}", "wsgi:app"],
}
DOCUMENTS = ("/feed.rss", "/feed.atom", "/feed.json", "/topics/ai/feed.rss", "/search/feed.rss?q=shown", "/feeds.opml", "/", "/topics/ai/")
SAME = ("etag", "last-modified", "cache-control")


@dataclass(frozen=True)
class Site:
    """A server with an index, the folder that it is of, and two nodes that may only read it."""

    postgres: Postgres
    database: str
    content: Path
    nodes: tuple[Program, ...]

    def index(self) -> subprocess.CompletedProcess[str]:
        """Run an indexer to its end."""
        command = [*FEEDS, "index", str(self.content), "--database", self.database]
        return subprocess.run(command, cwd=self.content.parent, capture_output=True, text=True, check=False)

    def answers(self, path: str) -> list[Answer]:
        """Ask every node, as somebody from outside: an operator is told more, and what only the next look would show."""
        return [node.get(path, {"X-Forwarded-For": "192.0.2.1"}) for node in self.nodes]

    def wait_until_all_say(self, word: str) -> None:
        wait_for(lambda: all(word in answer.text for answer in self.answers("/feed.rss")))


def readme() -> str:
    """Return what README says of several machines."""
    return (REPOSITORY / "README.md").read_text("utf-8").partition("\n## From one machine to many\n")[2].partition("\n## ")[0]


def readme_code(language: str) -> str:
    return readme().partition(f"\n```{language}\n")[2].partition("\n```\n")[0]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nodes")
    shutil.copytree(REPOSITORY / "seeds", folder / "content")
    with ExitStack() as stack:
        postgres = stack.enter_context(running_postgres())
        for database, statements in zip(("postgres", "feeds"), readme_code("sql").split("\\connect feeds"), strict=True):
            with postgres.connect(database) as control:
                for statement in statements.split(";"):
                    control.execute(statement)
        database = postgres.url("feeds").replace("postgres:@", "feeds:@")
        site = Site(postgres, database, folder / "content", ())
        assert site.index().returncode == 0
        environ = {
            "PYTHONPATH": str(REPOSITORY),
            "FEEDS_DATABASE": database.replace("feeds:@", "reader:@"),
            "FEEDS_BASE_URL": "https://feeds.example.org",
        }
        nodes = []
        for name, arguments in NODES.items():
            port = free_port()
            (folder / name).mkdir()
            command = [sys.executable, "-m", name, *(argument.format(port=port) for argument in arguments)]
            nodes.append(stack.enter_context(running(command, port, folder / name, environ)))
        for node in nodes:
            node.wait_until_ready()
        yield Site(postgres, database, folder / "content", tuple(nodes))


def test_nodes_that_may_only_read_give_the_same_bytes_and_validators(site: Site) -> None:
    for path in DOCUMENTS:
        first, second = site.answers(path)
        assert first.status == 200
        assert first.body == second.body
        assert [first.headers.get(name) for name in SAME] == [second.headers.get(name) for name in SAME]


def test_change_by_an_indexer_is_seen_by_all_nodes_with_the_same_validators(site: Site) -> None:
    write_article(site.content, "shown", topics=["AI"], title="Shown on all nodes")
    indexed = site.index()
    assert indexed.stdout.startswith("1 files read, 0 gone: ")
    site.wait_until_all_say("Shown on all nodes")

    for path in DOCUMENTS:
        first, second = site.answers(path)
        assert first.body == second.body
        assert [first.headers.get(name) for name in SAME] == [second.headers.get(name) for name in SAME]


def test_second_indexer_says_that_another_one_is_at_work(site: Site) -> None:
    store = open_store(site.database)
    with store.refreshing(NOON) as refresh:
        indexed = site.index()
        refresh.abandon()
    store.close()

    assert (indexed.returncode, indexed.stdout) == (1, "")
    assert indexed.stderr == "feeds: another process refreshes the index right now\n"


def test_indexer_that_watches_and_nodes_come_back_by_themselves_after_a_restart_of_the_database(site: Site, tmp_path: Path) -> None:
    port = free_port()
    serving = [*FEEDS, "serve", str(site.content), "--database", site.database, "--port", str(port), "--refresh-seconds", "1"]
    with running(serving, port, tmp_path) as indexer:
        indexer.wait_until_ready()
        write_article(site.content, "watched", title="Before the restart")
        site.wait_until_all_say("Before the restart")
        before = site.answers("/feed.rss")

        with site.postgres.stopped():
            wait_for(lambda: all("index: away" in answer.text for answer in site.answers("/readyz")))
            for answer, good in zip(site.answers("/feed.rss"), before, strict=True):
                assert (answer.status, answer.body, answer.headers["etag"]) == (200, good.body, good.headers["etag"])
            assert [answer.status for answer in site.answers("/feed.rss?limit=10")] == [503, 503]
            write_article(site.content, "watched", title="During the restart")
        site.wait_until_all_say("During the restart")
        assert [answer.text for answer in site.answers("/readyz")] == ["ready\n"] * 2
        assert "<title>During the restart</title>" in indexer.get("/feed.rss").text


def test_nothing_of_what_was_taken_down_is_left_after_the_vacuum_of_the_readme(site: Site) -> None:
    write_article(site.content, "taken", "The body is a zebramarker.", excerpt="The excerpt is a zebramarker.", title="Zebramarker")
    assert site.index().returncode == 0
    assert holding(site, "zebramarker")
    write_article(site.content, "taken", removed=True)
    assert site.index().returncode == 0
    (vacuum,) = re.findall("`(VACUUM .*?)`", readme())
    with psycopg.connect(site.database, autocommit=True) as owner:
        owner.execute(vacuum)
    assert holding(site, "zebramarker") == []


def holding(site: Site, marker: str) -> list[Path]:
    """Return the files of all databases of the server that have a text in them, in small letters or not."""
    with site.postgres.connect("postgres") as control:
        control.execute("CHECKPOINT")
        (folder,) = control.execute("SHOW data_directory").fetchone()  # type: ignore[misc] # there is one
    return [path for path in Path(folder, "base").rglob("*") if path.is_file() and marker.encode() in path.read_bytes().lower()]

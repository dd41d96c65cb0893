"""`feeds serve` as a user runs it: a real process, a real socket, a folder that changes, signals."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import feedparser
import pytest

from feeds.config import Config
from feeds.errors import ConfigError
from feeds.server import serve
from feeds.service import FeedService
from feeds.store.base import Store

from .builders import NOON, source, write_article
from .conftest import REPOSITORY
from .processes import Program, free_port, running, wait_for

REFERENCE_ID = "urn:uuid:4b5f5ef0-4767-5462-83f4-d7afa954f321"
FEEDS = [sys.executable, "-m", "feeds"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the seeds as its content."""
    folder = tmp_path_factory.mktemp("serve")
    shutil.copytree(REPOSITORY / "seeds", folder / "content")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Program]:
    """A server of the folder with two workers; its tests change different files. What is found is found by events, not after a day."""
    port = free_port()
    options = ["--port", str(port), "--workers", "2", "--refresh-seconds", "86400"]
    with running([*FEEDS, "serve", "content", *options], port, folder) as program:
        program.wait_until_ready()
        yield program


def test_server_prints_what_to_subscribe_to(server: Program) -> None:
    assert server.output().splitlines()[:8] == [
        "1 files read, 0 gone: 1 shown, 0 hidden, 0 skipped, 0 refused",
        f"{server.base_url}/",
        "",
        "Subscribe to everything or to a topic (.rss, .atom or .json):",
        f"  {server.base_url}/feed.rss",
        f"  {server.base_url}/topics/ai/feed.rss",
        f"  {server.base_url}/topics/computer-vision/feed.rss",
        "",
    ]


@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_reference_article_is_served_in_xml(server: Program, extension: str) -> None:
    parsed = feedparser.parse(server.get(f"/topics/computer-vision/feed.{extension}").body)
    (entry,) = parsed.entries
    assert entry.id == REFERENCE_ID
    assert [tag.label if extension == "atom" else tag.term for tag in entry.tags] == ["Computer Vision", "AI"]
    assert [link.title for link in entry.links if link.rel == "related"] == [
        "Massachusetts Bill Puts Limit on Facial Scan Technology",
        "Wisconsin Capital Bans City’s Facial Recognition Use",
    ]
    assert [image["url"] for image in entry.media_content] == [link.href for link in entry.links if link.rel == "enclosure"]


def test_reference_article_is_served_in_json(server: Program) -> None:
    (item,) = json.loads(server.get("/topics/computer-vision/feed.json").body)["items"]
    assert (item["id"], item["tags"]) == (REFERENCE_ID, ["Computer Vision", "AI"])
    assert len(item["_related"]["items"]) == 2
    assert item["image"].startswith("https://i.kinja-img.com/")


def test_all_workers_answer_the_same_and_later_polls_get_304(server: Program) -> None:
    answers = [server.get("/topics/computer-vision/feed.atom") for _ in range(20)]
    assert len({(answer.headers["etag"], answer.headers["last-modified"], answer.body) for answer in answers}) == 1
    again = server.get("/topics/computer-vision/feed.atom", {"If-None-Match": answers[0].headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_added_edited_and_deleted_files_show_without_a_restart(server: Program, folder: Path) -> None:
    url = "/topics/testing/feed.rss"
    path = write_article(folder / "content", "new/one", topics=["Testing"], title="Added")
    wait_for(lambda: "<title>Added</title>" in server.get(url).text)
    write_article(folder / "content", "new/one", topics=["Testing"], title="Edited")
    wait_for(lambda: "<title>Edited</title>" in server.get(url).text)
    path.unlink()
    wait_for(lambda: "<item>" not in server.get(url).text)
    assert server.get(url).status == 200


def in_place(path: Path, text: str) -> None:
    """Save as nano does, and vim in a folder that it may not write: the file is cut to nothing, then written."""
    path.write_text(text)


def over_it(path: Path, text: str) -> None:
    """Save as VS Code's extensions, Emacs and most libraries can: a file beside it takes its place."""
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(text)
    beside.replace(path)


def behind_a_backup(path: Path, text: str) -> None:
    """Save as vim does: a file to try the folder, the old one moved aside, a new one written, the old one gone."""
    (path.parent / "4913").write_text("")
    (path.parent / "4913").unlink()
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()


def anew(path: Path, text: str) -> None:
    """Save as some tools that sync do."""
    path.unlink()
    path.write_text(text)


@pytest.mark.parametrize("save", [in_place, over_it, behind_a_backup, anew])
def test_file_is_seen_however_an_editor_saves_it(server: Program, folder: Path, save: Callable[[Path, str], None]) -> None:
    path = write_article(folder / "content", "saved", topics=["Saving"], title="Before")
    wait_for(lambda: "<title>Before</title>" in server.get("/topics/saving/feed.rss").text)
    save(path, source(name="saved", topics=["Saving"], title=f"Saved {save.__name__}"))

    def shown() -> str:
        text = server.get("/topics/saving/feed.rss").text
        return text if f"<title>Saved {save.__name__}</title>" in text else ""

    assert wait_for(shown).count("<item>") == 1


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=directory, capture_output=True, check=True)


def test_pull_of_many_files_is_seen_whole(server: Program, folder: Path, tmp_path: Path) -> None:
    """More than are told one by one; in a folder that only now becomes a repository."""
    author = folder / "content" / "pulled"
    git(tmp_path, "init", "--bare", "--quiet", "origin.git")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), "author")
    git(folder / "content", "clone", "--quiet", str(tmp_path / "origin.git"), str(author))
    for number in range(1100):
        write_article(tmp_path / "author", f"{number % 7}/{number}", topics=["Pulling"])
    git(tmp_path / "author", "add", ".")
    git(tmp_path / "author", "commit", "--quiet", "--message", "Many")
    git(tmp_path / "author", "push", "--quiet", "origin", "HEAD")
    git(author, "pull", "--quiet")
    wait_for(lambda: "Pulling</a> <span>1,100</span>" in server.get("/topics/").text)


def test_folder_that_is_moved_in_and_out_shows_without_a_restart(server: Program, folder: Path) -> None:
    write_article(folder / "elsewhere", "deep/down/one", topics=["Moving"])
    (folder / "elsewhere").rename(folder / "content" / "moved")
    wait_for(lambda: "<item>" in server.get("/topics/moving/feed.rss").text)
    (folder / "content" / "moved").rename(folder / "away")
    wait_for(lambda: "<item>" not in server.get("/topics/moving/feed.rss").text)


def test_broken_file_stops_nothing(server: Program, folder: Path) -> None:
    broken = folder / "content" / "broken.md"
    broken.write_bytes(b"---\ntitle: [\xff\n---\n")
    write_article(folder / "content", "good", topics=["Good"])
    wait_for(lambda: server.get("/topics/good/feed.rss").status == 200)
    wait_for(lambda: "1 refused" in server.output())  # said after the feeds are there


@pytest.mark.parametrize("end", [Program.stop, Program.press_ctrl_c])
def test_signal_ends_the_server_quietly_with_0_and_leaves_no_process(end: Callable[[Program], int], folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with running([*FEEDS, "serve", str(folder / "content"), "--port", str(port)], port, tmp_path) as program:
        program.wait_until_ready()
        assert end(program) == 0
        wait_for(lambda: not program.has_processes())
        assert "Traceback" not in program.output()
    with socket.create_server(("127.0.0.1", port)):
        pass  # nobody listens any more


def test_killed_server_leaves_no_process_either(folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with running([*FEEDS, "serve", str(folder / "content"), "--port", str(port)], port, tmp_path) as program:
        program.wait_until_ready()
        assert program.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_for(lambda: not program.has_processes())


def test_server_goes_without_the_folder_where_the_index_is_kept_by_others(
    config: Config, content: Path, service: FeedService, tmp_path: Path
) -> None:
    write_article(content, "a", topics=[f"Topic {number}" for number in range(25)])
    service.refresh(content, config.fingerprint(), NOON)
    port = free_port()
    with running([*FEEDS, "serve", "--port", str(port), "--database", config.database_url], port, tmp_path) as program:
        program.wait_until_ready()
        assert program.output().splitlines()[3 + 21] == f"  and 5 more topics: {program.base_url}/feeds.opml"
        assert "<title>Title of a</title>" in program.get("/topics/topic-7/feed.rss").text


def test_worker_goes_on_with_what_it_has_when_the_index_is_deleted(
    config: Config, content: Path, service: FeedService, tmp_path: Path
) -> None:
    write_article(content, "a")
    service.refresh(content, config.fingerprint(), NOON)
    port = free_port()
    with running([*FEEDS, "serve", "--port", str(port), "--database", config.database_url], port, tmp_path) as program:
        program.wait_until_ready()
        known = program.get("/feed.rss")  # by the one worker, so that it has it
        for file in tmp_path.glob("index.sqlite3*"):
            if file.is_file():
                file.unlink()
        wait_for(lambda: "index: away\n" in program.get("/readyz").text)
        again = [program.get("/feed.rss") for _ in range(20)]
        missing, ready = program.get("/feed.atom"), program.get("/readyz")
    assert ({answer.status for answer in again}, {answer.body for answer in again}) == ({200}, {known.body})
    assert (missing.status, missing.headers["retry-after"], ready.status) == (503, "5", 200)


def test_server_starts_while_another_process_refreshes_and_follows_it(folder: Path, tmp_path: Path, store: Store) -> None:
    port, database = free_port(), f"sqlite:///{tmp_path}/index.sqlite3"
    options = ["--port", str(port), "--database", database, "--refresh-seconds", "1"]
    with store.refreshing(NOON), running([*FEEDS, "serve", str(folder / "content"), *options], port, tmp_path) as program:
        wait_for(lambda: program.get("/readyz").status == 503)
        assert program.output().startswith("another process refreshes the index right now; these feeds follow it\n")


@pytest.mark.parametrize(
    ("config", "url"),
    [
        (Config(), "http://127.0.0.1:8000"),
        (Config(host="localhost", port=80), "http://localhost:80"),
        (Config(host="::1"), "http://[::1]:8000"),
        (Config(host="::"), "http://localhost:8000"),
        (Config(trusted_hosts=("feeds.example.org",)), "http://feeds.example.org:8000"),
    ],
)
def test_local_url_is_one_that_is_answered(config: Config, url: str) -> None:
    assert config.local_url == url


def refusal(config: Config) -> str:
    """Return why a server is not started."""
    said: list[str] = []
    with pytest.raises(ConfigError) as caught:
        serve(config, said.append)
    assert said == []
    return str(caught.value)


def test_address_that_only_untrusted_hosts_could_ask_for_is_refused(config: Config) -> None:
    assert refusal(replace(config, host="192.0.2.1")) == (
        "base_url: is not set, and 192.0.2.1 is no trusted host; set base_url to where the feeds will be"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_port_in_use_is_refused(config: Config, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        assert refusal(replace(config, host=host, port=port)) == f"host, port: can't listen at {host}, port {port}: Address already in use"


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("192.0.2.1", "Cannot assign requested address"),
        (f"{'a' * 64}.example", "is no host name"),
    ],
)
def test_address_that_is_not_ours_is_refused(config: Config, host: str, reason: str) -> None:
    changed = replace(config, host=host, base_url="https://feeds.example.org")
    assert refusal(changed) == f"host, port: can't listen at {host}, port 8000: {reason}"

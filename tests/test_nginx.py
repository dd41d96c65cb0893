"""The README's nginx in front of a real server: what its cache gives, when it asks again, and what it keeps to itself."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from . import debian
from .builders import write_article
from .processes import Answer, Program, free_port, running, wait_for
from .test_docs import section

FEED = "/topics/ai/feed.rss"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_article(folder / "news", excerpt="Long enough to be compressed. " * 20)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Program]:
    """A server whose answers are old after a second."""
    port = free_port()
    options = ("--max-age-seconds", "1", "--access-log", "true", "--base-url", "https://feeds.example.org")
    with running([sys.executable, "-m", "feeds", "serve", "news", "--port", str(port), *options], port, folder) as program:
        program.wait_until_ready()
        yield program


@pytest.fixture(scope="module")
def proxy(server: Program, folder: Path) -> Iterator[Program]:
    """nginx as the README has it, but for its ports and folders."""
    recipe = re.search(r"```nginx\n(proxy_cache_path .*?)```", section("Recipes"), re.DOTALL)
    assert recipe is not None
    (folder / "proxy").mkdir()
    port = free_port()
    here = (("127.0.0.1:8000", f"127.0.0.1:{server.port}"), ("listen 80;", f"listen 127.0.0.1:{port};"), ("/var/cache/nginx/", ""))
    site = recipe[1]
    for theirs, ours in here:
        assert theirs in site
        site = site.replace(theirs, ours)
    folders = "".join(f"{name}_temp_path {name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "proxy" / "nginx.conf").write_text(
        f"{user} daemon off; pid nginx.pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n{folders}{site}}}"
    )
    command = [debian.program("nginx"), "-p", f"{folder / 'proxy'}/", "-c", "nginx.conf", "-e", "stderr"]
    with running(command, port, folder / "proxy") as program:
        wait_for(lambda: program.get("/healthz").status == 200)
        yield program


def cached(proxy: Program, *words: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Ask until the cache says one of the words; return that answer."""
    found: list[Answer] = []

    def look() -> bool:
        found.append(proxy.get(FEED, headers))
        return found[-1].headers["x-cache"] in words

    wait_for(look)
    return found[-1]


def test_cache_gives_the_very_answer_of_the_server(server: Program, proxy: Program) -> None:
    direct, hit = server.get(FEED), cached(proxy, "HIT")
    same = ("etag", "last-modified", "content-type", "vary", "link", "access-control-allow-origin", "cache-control")
    assert hit.body == direct.body
    assert {name: hit.headers[name] for name in same} == {name: direct.headers[name] for name in same}


def test_old_answer_is_given_while_the_server_is_asked_with_a_304(server: Program, proxy: Program) -> None:
    cached(proxy, "HIT")
    old = cached(proxy, "STALE", "UPDATING")
    assert (old.status, old.body) == (200, server.get(FEED).body)
    wait_for(lambda: f'"GET {FEED}" 304 0' in server.output())
    cached(proxy, "HIT")


def test_each_coding_has_its_answer(proxy: Program) -> None:
    codings = ("gzip", "br", "identity")
    answers = {coding: cached(proxy, "HIT", headers={"Accept-Encoding": coding}) for coding in codings}
    assert {coding: answer.headers.get("content-encoding", "identity") for coding, answer in answers.items()} == dict(
        zip(codings, codings, strict=True)
    )
    assert len({answer.headers["etag"] for answer in answers.values()}) == 3


def test_cache_answers_a_poll_with_a_304(proxy: Program) -> None:
    known = cached(proxy, "HIT").headers["etag"]
    again = cached(proxy, "HIT", headers={"If-None-Match": known})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", known)


def test_what_is_for_operators_is_not_for_those_behind_the_proxy(server: Program, proxy: Program) -> None:
    assert (server.get("/metrics").status, proxy.get("/metrics").status) == (200, 403)
    assert ("revision" in server.get("/readyz").text, proxy.get("/readyz").text) == (True, "ready\n")


def test_answers_go_on_while_the_server_is_away(server: Program, proxy: Program, folder: Path) -> None:
    known = cached(proxy, "HIT").body
    port, away_port = free_port(), free_port()  # a pair of their own, because the other tests need theirs
    config = (folder / "proxy" / "nginx.conf").read_text()
    ended_in, front_in = folder / "ended", folder / "front"
    ended_in.mkdir()
    front_in.mkdir()
    (front_in / "nginx.conf").write_text(config.replace(f":{server.port}", f":{port}").replace(f":{proxy.port}", f":{away_port}"))
    options = ("--port", str(port), "--max-age-seconds", "1", "--base-url", "https://feeds.example.org")
    with running([debian.program("nginx"), "-p", f"{front_in}/", "-c", "nginx.conf", "-e", "stderr"], away_port, front_in) as front:
        with running([sys.executable, "-m", "feeds", "serve", str(folder / "news"), *options], port, ended_in) as ended:
            ended.wait_until_ready()
            cached(front, "HIT")
        old = cached(front, "STALE", "UPDATING")
        assert (old.status, old.body) == (200, known)
        assert front.get("/topics/law/feed.rss").status == 502

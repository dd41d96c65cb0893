"""Which files of a folder are candidates: regular ones with the right name, inside the folder, each once."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice, repeat
from pathlib import Path

import pytest

from feeds.content.filebytes import read
from feeds.content.folder import Candidate, FolderError, Scan, identity, scan, topic_data_files
from feeds.content.frontmatter import MAX_BYTES

from .builders import candidates


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """An empty folder with a neighbour `outside` that has a file."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.md").write_text("secret")
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.fixture
def listening(inside: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A socket in the folder that is named like an article."""
    monkeypatch.chdir(inside)  # paths of sockets are short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.md")
        yield inside / "socket.md"


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(os.fsencode(name))


def text(file: bytes | Path) -> bytes | None:
    found = read(file)
    return None if found is None else found.data


def paths(folder: Path) -> list[str]:
    return [candidate.path for candidate in candidates(folder)]


def test_articles_are_known_by_their_suffix(inside: Path) -> None:
    write(inside, "a.md", "b.markdown", "c.html", "d.txt", "E.MD", "f.htm", "g.yaml", "h.md.bak", "md", "i.md~")
    assert paths(inside) == ["E.MD", "a.md", "b.markdown", "c.html", "d.txt"]


def test_folders_are_gone_through_but_for_those_that_hold_no_articles(inside: Path) -> None:
    left_out = ("_drafts", "_site", "node_modules", "vendor", ".git")
    write(
        inside, "a/b/c/d.md", "_news/e.md", "_data/f.md", *(f"{name}/x.md" for name in left_out), *(f"sub/{name}/x.md" for name in left_out)
    )
    assert paths(inside) == ["_data/f.md", "_news/e.md", "a/b/c/d.md"]


def test_candidate_has_the_facts_of_its_file(inside: Path) -> None:
    write(inside, "a/é.md")
    file = inside / "a" / "é.md"
    os.utime(file, ns=(1, 1_700_000_000_123_456_789))
    assert candidates(inside) == [Candidate("a/é.md", bytes(file), 7, 1_700_000_000_123_456_789)]


def test_folder_that_is_named_like_an_article_is_a_folder(inside: Path) -> None:
    write(inside, "a.md/b.md", "c.html/d.txt/e.md")
    assert paths(inside) == ["a.md/b.md", "c.html/d.txt/e.md"]


def test_only_regular_files_are_candidates(inside: Path, listening: Path) -> None:
    write(inside, "a.md")
    os.mkfifo(inside / "fifo.md")
    assert listening.exists()
    assert paths(inside) == ["a.md"]


def test_link_counts_where_it_leads_inside(inside: Path) -> None:
    write(inside, "a.md", "sub/b.md")
    (inside / "same.md").symlink_to("a.md")
    (inside / "sub" / "up.md").symlink_to("../a.md")
    (inside / "absolute.md").symlink_to(inside / "sub" / "b.md")
    assert paths(inside) == ["a.md", "absolute.md", "same.md", "sub/b.md", "sub/up.md"]


def test_link_out_of_the_folder_does_not_count(inside: Path) -> None:
    write(inside, "a.md")
    (inside / "secret.md").symlink_to("../outside/secret.md")
    (inside / "outside").symlink_to("../outside")
    (inside / "all").symlink_to("/")
    (inside / "again.md").symlink_to("secret.md")
    (inside / "folder.md").symlink_to("../outside")
    assert paths(inside) == ["a.md"]


def test_neighbour_with_the_same_start_of_its_name_is_outside(inside: Path) -> None:
    neighbour = inside.with_name("inside-too")
    write(neighbour, "b.md")
    (inside / "b.md").symlink_to(neighbour / "b.md")
    (inside / "too").symlink_to(neighbour)
    assert paths(inside) == []


def test_folder_may_be_given_by_a_link(inside: Path, tmp_path: Path) -> None:
    write(inside, "a.md")
    (tmp_path / "link").symlink_to(inside)
    assert scan(tmp_path / "link") == scan(inside)


def test_links_in_a_circle_come_to_an_end(inside: Path) -> None:
    write(inside, "a/b.md")
    (inside / "a" / "up").symlink_to("..")
    (inside / "a" / "self").symlink_to(".")
    (inside / "loop").symlink_to("loop")
    (inside / "loop.md").symlink_to("loop.md")
    (inside / "one").symlink_to("two")
    (inside / "two").symlink_to("one")
    (inside / "nothing.md").symlink_to("gone.md")
    assert paths(inside) == ["a/b.md"]


def test_folder_that_is_reached_twice_counts_once(inside: Path) -> None:
    write(inside, "a/b.md", "vendor/theme/c.md")
    (inside / "again").symlink_to("a")
    (inside / "theme").symlink_to("vendor/theme")
    (inside / "vendored").symlink_to("vendor")
    assert paths(inside) == ["a/b.md", "theme/c.md"]


@pytest.mark.parametrize("names", ["abcdefghi", "ihgfedcba"])
def test_of_many_links_to_a_folder_the_first_one_counts_whatever_order_they_come_in(inside: Path, names: str) -> None:
    write(inside, "vendor/theme/x.md")
    for name in names:
        (inside / name).symlink_to("vendor/theme")
    assert paths(inside) == ["a/x.md"]


def test_name_that_is_no_text_is_written_with_escapes(inside: Path) -> None:
    (inside / os.fsdecode(b"caf\xe9.md")).write_text("x")
    (inside / "line\nbreak.md").write_text("x")
    assert paths(inside) == ["caf\\xe9.md", "line\nbreak.md"]
    assert text(candidates(inside)[0].file) == b"x"


def test_file_in_a_folder_whose_name_is_no_text_is_found(inside: Path) -> None:
    write(inside, os.fsdecode(b"caf\xe9/a.md"))
    (candidate,) = candidates(inside)
    assert candidate.path == "caf\\xe9/a.md"
    assert text(candidate.file) == os.fsencode(os.fsdecode(b"caf\xe9/a.md"))


def test_two_names_that_are_written_alike_are_one_path(inside: Path) -> None:
    (inside / os.fsdecode(b"caf\xe9.md")).write_text("no text")
    (inside / "caf\\xe9.md").write_text("text")
    (candidate,) = candidates(inside)
    assert text(candidate.file) == b"text"


def test_folder_that_comes_and_goes_while_it_is_looked_through_is_there_or_not(inside: Path) -> None:
    write(inside, "a.md", "sub/b.md")
    stop = threading.Event()

    def move() -> None:
        while not stop.is_set():
            (inside / "sub").rename(inside.with_name("away"))
            inside.with_name("away").rename(inside / "sub")

    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(move)
        try:
            scans = [scan(inside) for _ in range(300)]
        finally:
            stop.set()
        moving.result()
    assert {tuple(sorted(found.paths)) for found in scans} <= {("a.md",), ("a.md", "sub/b.md")}
    assert {found.unreadable for found in scans} == {()}


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (("",), ["a.md", "b/c.md", "b/d/e.md"]),
        (("a.md",), ["a.md"]),
        (("b",), ["b/c.md", "b/d/e.md"]),
        (("b/d/e.md", "b/d", "b", "b"), ["b/c.md", "b/d/e.md"]),
        (("b/d/e.md", "a.md"), ["a.md", "b/d/e.md"]),
        (("gone.md", "b/gone/x.md", "a.md/x.md"), []),
        (("b/f.yaml",), []),
        (("_drafts", "_drafts/x.md", ".git/x.md", ".git", "b/vendor/x.md"), []),
    ],
)
def test_parts_of_a_folder_have_the_candidates_that_all_of_it_has_there(inside: Path, parts: tuple[str, ...], found: list[str]) -> None:
    write(inside, "a.md", "b/c.md", "b/d/e.md", "b/f.yaml", "_drafts/x.md", ".git/x.md", "b/vendor/x.md")
    assert [candidate.path for candidate in candidates(inside, parts)] == found


@pytest.mark.parametrize("part", ["link.md", "linked", "linked/b.md", "linked/gone.md"])
def test_part_that_is_a_link_or_behind_one_is_only_said_to_be_one(inside: Path, part: str) -> None:
    write(inside, "a.md", "real/b.md")
    (inside / "link.md").symlink_to("a.md")
    (inside / "linked").symlink_to("real")
    assert scan(inside, (part,)) == Scan(identity(inside), os.fsencode(inside), (), {}, (), has_links=True)
    assert scan(inside).has_links
    assert not scan(inside, ("a.md", "real")).has_links


@pytest.mark.parametrize("name", ["missing", "file.md"])
def test_folder_that_is_none_is_an_error(inside: Path, name: str) -> None:
    write(inside, "file.md")
    with pytest.raises(FolderError, match="can't be read as a folder"):
        scan(inside / name)


def test_read_returns_the_bytes_up_to_what_shows_that_they_are_too_many(inside: Path) -> None:
    (inside / "a.md").write_bytes(b"\x00\xff")
    (inside / "b.md").write_bytes(b"x" * (MAX_BYTES + 2))
    assert text(inside / "a.md") == b"\x00\xff"
    assert text(inside / "b.md") == b"x" * (MAX_BYTES + 1)


def test_bytes_and_facts_of_a_file_that_is_written_all_the_time_belong_together(inside: Path) -> None:
    file = inside / "a.md"
    stop = threading.Event()

    def write_on() -> None:
        for size in cycle(range(1, 200)):
            file.write_bytes(bytes([size]) * size * 1000)
            if stop.wait(0.001):  # let the reader in
                return

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_on)
        try:
            seen = list(islice(filter(None, map(read, repeat(file, 100_000))), 200))
        finally:
            stop.set()
        writing.result()
    assert len(seen) == 200
    assert [found for found in seen if len(set(found.data)) > 1 or len(found.data) != found.size] == []


def test_read_of_what_is_gone_or_became_something_else_is_nothing(inside: Path) -> None:
    os.mkfifo(inside / "fifo.md")
    (inside / "folder.md").mkdir()
    assert [read(inside / name) for name in ("gone.md", "fifo.md", "folder.md")] == [None, None, None]


def test_read_keeps_nothing_open(inside: Path) -> None:
    write(inside, "a.md", "folder.md/b.md")
    os.mkfifo(inside / "fifo.md")
    before = os.listdir("/dev/fd")
    for name in ("a.md", "folder.md", "fifo.md", "gone.md"):
        read(inside / name)
    assert os.listdir("/dev/fd") == before


def test_read_of_what_cannot_be_read_is_an_error(inside: Path) -> None:
    (inside / "loop.md").symlink_to("loop.md")
    with pytest.raises(OSError, match="symbolic links"):
        read(inside / "loop.md")


def test_topic_data_is_in_order_of_name(inside: Path) -> None:
    write(inside, *(f"_data/topics/{name}" for name in ("b.yaml", "a.yml", "c.json", ".d.yaml", "e.yaml.md", "sub/f.yaml")), "_data/g.yaml")
    assert [candidate.path for candidate in topic_data_files(inside)] == ["_data/topics/a.yml", "_data/topics/b.yaml"]


def test_topic_data_is_regular_files_inside_the_folder(inside: Path) -> None:
    write(inside, "_data/topics/a.yaml", "_data/topics/folder.yaml/b.yaml")
    write(inside.with_name("outside"), "c.yaml")
    os.mkfifo(inside / "_data" / "topics" / "fifo.yaml")
    (inside / "_data" / "topics" / "c.yaml").symlink_to("../../../outside/c.yaml")
    (inside / "_data" / "topics" / "loop.yaml").symlink_to("loop.yaml")
    (inside / "_data" / "topics" / "same.yaml").symlink_to("a.yaml")
    assert [candidate.path for candidate in topic_data_files(inside)] == ["_data/topics/a.yaml", "_data/topics/same.yaml"]


def test_topic_data_outside_the_folder_does_not_count(inside: Path) -> None:
    write(inside.with_name("outside"), "topics/c.yaml")
    (inside / "_data").symlink_to("../outside")
    assert topic_data_files(inside) == []


def test_site_without_topic_data_has_none(inside: Path) -> None:
    assert topic_data_files(inside) == []

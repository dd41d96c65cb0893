"""A site as files: what an export writes, what it leaves alone, what it removes, and where it refuses to go."""

from __future__ import annotations

import dataclasses
import gzip
import json
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import brotli
import pytest
from msgspec.structs import replace

from feeds.config import Config
from feeds.errors import ExportError
from feeds.export import MANIFEST, Built, Order, Selection, build, export_folder, known_listings
from feeds.export.tree import Tree
from feeds.identity import article_id, identity_key
from feeds.model import Kind
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.store.sql import open_store
from feeds.web import create_app

from .builders import DAY, NOON, write_article, write_topic
from .conftest import Clock
from .corpus import write_corpus
from .privileges import permissions_hold

Damage = Callable[[Path], object]
FreshStore = Callable[[], AbstractContextManager[Store]]
SECOND = timedelta(seconds=1)
BASE_URL = "https://user.example.org/repo"


@pytest.fixture
def settings(config: Config) -> Config:
    """Settings of a site below a path, as a server and an export of it share them."""
    return dataclasses.replace(config, base_url=BASE_URL, search=False, hub="https://hub.example.org/")


@pytest.fixture
def order(settings: Config) -> Order:
    return Order(settings.site(BASE_URL), settings.fingerprint())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return export_folder(tmp_path / "out", None)


def rich(content: Path) -> None:
    """Write articles with a history: months, days of a large month, pages of the running one, topics below each other."""
    for number in range(60):
        write_article(content, f"may-{number}", topics=["AI"], publishedDateTime=f"2024-05-1{number % 7}T10:{number:02}:00Z")
    for number in range(3):
        write_article(content, f"april-{number}", topics=["AI", "C++"], publishedDateTime=f"2024-04-0{number + 1}T00:00:00Z")
    write_article(
        content, "old", topics=["Law"], publishedDateTime="2023-01-01T00:00:00Z", related=[{"title": "S", "webUrl": "https://a.example/s"}]
    )
    write_article(content, "hidden", topics=["AI"], published=False)
    (content / "_data" / "topics").mkdir(parents=True)
    (content / "_data" / "topics" / "ai.yaml").write_text("_id: ai\nname: AI\ndescription: News about AI\n")
    (content / "_data" / "topics" / "vision.yaml").write_text("_id: vision\nname: Vision\nparent: ai\n")


def files(out: Path) -> dict[str, bytes]:
    """Return every file of an export but its manifest."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != MANIFEST}


def urls(out: Path) -> Iterator[tuple[str, str]]:
    """Yield the URL path of every exported file that a server has, with the file."""
    for path in files(out):
        if path != "404.html":
            yield "/" + quote(path.removesuffix("index.html")), path


def export(service: FeedService, store: Store, content: Path, out: Path, order: Order, now: datetime = NOON) -> Built:
    service.refresh(content, None, now, known_listings(out))
    return build(store, out, order, now)


def test_every_file_is_what_the_server_sends_for_its_url(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, settings: Config, clock: Clock
) -> None:
    rich(content)
    write_corpus(content / "more", 6)
    built = export(service, store, content, out, order)
    client = create_app(settings, clock, check_seconds=0).test_client()
    media_types = {}
    for url, path in urls(out):
        answer = client.get(url)
        assert (answer.status_code, answer.data) == (200, (out / path).read_bytes()), url
        media_types.setdefault(Path(path).suffix, set()).add(answer.content_type)
    assert media_types == {
        ".rss": {"application/rss+xml; charset=utf-8"},
        ".atom": {"application/atom+xml; charset=utf-8"},
        ".json": {"application/feed+json"},
        ".html": {"text/html; charset=utf-8"},
        ".css": {"text/css; charset=utf-8"},
        ".js": {"text/javascript; charset=utf-8"},
        ".svg": {"image/svg+xml"},
        ".txt": {"text/plain; charset=utf-8"},
        ".xml": {"application/xml; charset=utf-8"},
        ".opml": {"text/x-opml; charset=utf-8"},
    }
    assert built.total == len(files(out)) == len(built.written)


def test_every_document_and_page_that_a_server_has_is_exported(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    rich(content)
    export(service, store, content, out, order)
    exported = set(files(out))
    for kind in Kind:
        for found in service.collections(kind, NOON):
            folder = "" if kind is Kind.ALL else f"{kind}/{found.slug}/"
            assert {f"{folder}{name}" for name in ("feed.rss", "feed.atom", "feed.json", "index.html")} <= exported
    assert {"404.html", "feeds.opml", "2024-05-page-1.rss", "2024-04.atom", "topics/ai/2024-04.json", "2023-01.rss"} <= exported
    assert all((out / path).read_bytes() for path in exported)


def test_all_paths_differ_by_more_than_case_and_normal_form(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    write_article(
        content,
        "a",
        topics=["Café", "CAFÉ", "Cafe\u0301", "cafe", "ﬁne", "Fine", "人工智能", "K"],
        provider={"name": "M", "domain": "MÜNCHEN.example"},
    )
    export(service, store, content, out, order)
    paths = [str(path.relative_to(out)) for path in out.rglob("*")]
    assert all(path.isascii() and path == path.lower() for path in paths)


def test_provider_that_is_called_like_a_page_of_the_site_is_in_nobodys_way(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    write_article(content, "a", provider={"name": "Index", "domain": "index.html"})
    export(service, store, content, out, order)
    assert b"Index" in (out / "feed.json").read_bytes()
    assert (out / "providers" / "index.html").is_file()


def test_second_export_writes_nothing(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    rich(content)
    export(service, store, content, out, order)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    built = export(service, store, content, out, order, NOON + SECOND)
    assert (built.written, built.removed, built.left) == ((), (), ())
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


@pytest.mark.parametrize("has_index", [True, False])
def test_only_files_that_had_to_change_are_written(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, tmp_path: Path, has_index: bool
) -> None:
    rich(content)
    export(service, store, content, out, order)
    before, inodes = files(out), {path: path.stat().st_ino for path in out.rglob("*.*") if path.name != MANIFEST}
    write_article(content, "april-1", topics=["AI", "C++"], publishedDateTime="2024-04-02T00:00:00Z", title="Edited")
    if not has_index:
        (tmp_path / "index.sqlite3").unlink()
        store = open_store(f"sqlite:///{tmp_path / 'index.sqlite3'}")
        service = FeedService(store)
    built = export(service, store, content, out, order, NOON + SECOND)
    after = files(out)
    assert set(built.written) == {path for path in after if after[path] != before.get(path)}
    assert {path.split("/")[1] if "/" in path else path for path in built.written} >= {"ai", "c-plus-plus", "2024-04.rss"}
    assert not any(path.startswith("topics/law/") for path in built.written)
    assert {path for path, inode in inodes.items() if path.is_file() and path.stat().st_ino != inode} == {
        out / path for path in built.written
    }


CHANGES: dict[str, Callable[[Path], object]] = {
    "a topic moves below another": lambda content: write_topic(content, "vision", name="Vision", parent="law"),
    "a topic gets another name": lambda content: write_topic(content, "law", name="The Law"),
    "a topic without articles gets another name": lambda content: write_topic(content, "vision", name="Sight", parent="law"),
    "a topic comes": lambda content: write_topic(content, "chips", name="Chips", parent="ai"),
    "an article gets a topic": lambda content: write_article(content, "b", topics=["AI", "Law", "Cloud"]),
    "a provider gets another name": lambda content: write_article(content, "c", provider={"name": "Other", "domain": "other.example"}),
    "an article of long ago comes": lambda content: write_article(content, "d", publishedDateTime="2023-02-02T00:00:00Z"),
    "an article goes": lambda content: (content / "a.md").unlink(),
}


def test_export_that_goes_on_is_what_a_new_one_would_be(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, tmp_path: Path
) -> None:
    write_article(content, "a", topics=["AI", "Law"], publishedDateTime="2024-04-01T00:00:00Z")
    write_topic(content, "vision", name="Vision", parent="ai")
    export(service, store, content, out, order)
    for number, (change, make) in enumerate(CHANGES.items(), 1):
        before = files(out)
        make(content)
        built = export(service, store, content, out, order, NOON + number * SECOND)
        new = export_folder(tmp_path / str(number), None)
        build(store, new, order, NOON + number * SECOND)
        assert files(out) == files(new), change
        assert set(built.written) == {path for path, body in files(out).items() if body != before.get(path)}, change


def test_export_without_an_index_keeps_when_articles_were_first_shown(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, fresh_store: FreshStore
) -> None:
    write_article(content, "a")
    export(service, store, content, out, order)
    write_article(content, "late", publishedDateTime="2024-01-01T00:00:00Z")
    export(service, store, content, out, order, NOON + DAY)
    before = files(out)
    with fresh_store() as other:
        built = export(FeedService(other), other, content, out, order, NOON + 2 * DAY)
    assert built.written == ()
    assert files(out) == before
    assert [item["title"] for item in json.loads(before["feed.json"])["items"]] == ["Title of late", "Title of a"]


def test_export_that_failed_knows_when_articles_were_first_shown(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, fresh_store: FreshStore
) -> None:
    write_article(content, "a", publishedDateTime="2024-01-01T00:00:00Z")
    (out / "topics").write_text("in the way")
    with pytest.raises(ExportError, match="topics: is no folder"):
        export(service, store, content, out, replace(order, force=True))
    (out / "topics").unlink()
    with fresh_store() as other:
        export(FeedService(other), other, content, out, order, NOON + DAY)
    assert (out / "2024-01.rss").is_file()
    assert not (out / "2024-05.rss").exists()


def test_manifest_says_when_shown_articles_were_first_shown_and_nothing_of_others(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    write_article(content, "shown")
    for name, changes in (("hidden", {"published": False}), ("ahead", {"publishedDateTime": "2999-01-01T00:00:00Z"})):
        write_article(content, name, topics=["Secret"], **changes)
    export(service, store, content, out, order)
    assert known_listings(out) == {identity_key(article_id("https://news.example.com/shown")): int(NOON.timestamp())}
    written = (out / MANIFEST).read_text()
    for name in ("hidden", "ahead"):
        assert identity_key(article_id(f"https://news.example.com/{name}")) not in written
    assert "ecret" not in written


def test_files_of_a_topic_that_is_gone_are_removed_with_its_folder(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, fresh_store: FreshStore
) -> None:
    rich(content)
    export(service, store, content, out, order)
    (content / "old.md").unlink()
    with fresh_store() as other:
        built = export(FeedService(other), other, content, out, order)
    assert "topics/law/feed.rss" in built.removed
    assert not (out / "topics" / "law").exists()
    assert (out / "topics" / "ai" / "feed.rss").exists()


def test_files_behind_a_link_stay_when_their_topic_is_gone(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, fresh_store: FreshStore, tmp_path: Path
) -> None:
    rich(content)
    export(service, store, content, out, order)
    (out / "topics" / "law").rename(tmp_path / "law")
    (out / "topics" / "law").symlink_to(tmp_path / "law")
    (content / "old.md").unlink()
    with fresh_store() as other:
        built = export(FeedService(other), other, content, out, order)
    assert "topics/law/feed.rss" in built.left
    assert (tmp_path / "law" / "feed.rss").exists()


def test_taken_down_article_is_in_no_file(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    rich(content)
    write_article(content, "secret", topics=["AI"], title="Take me down", publishedDateTime="2024-02-02T00:00:00Z")
    export(service, store, content, out, order)
    assert any(b"Take me down" in body for body in files(out).values())
    write_article(content, "secret", topics=["AI"], title="Take me down", removed=True)
    built = export(service, store, content, out, order, NOON + SECOND)
    assert not any(b"Take me down" in body for body in files(out).values())
    assert "topics/ai/2024-02.rss" in built.removed


def test_file_that_breaks_twice_in_the_same_way_is_exported_as_it_was_last_good(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    for number, title in enumerate(("First", "Second")):
        write_article(content, "a", title=title)
        service.refresh(content, None, NOON + 2 * number * SECOND)
        (content / "a.md").write_text("---\ntitle: [\n---\n")
        export(service, store, content, out, order, NOON + (2 * number + 1) * SECOND)
        assert [item["title"] for item in json.loads((out / "feed.json").read_bytes())["items"]] == [title]


def test_other_files_are_never_touched(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    write_article(content, "a", topics=["Gone"])
    export(service, store, content, out, order)
    for path in ("CNAME", "topics/gone/notes.txt", ".git/config"):
        (out / path).parent.mkdir(exist_ok=True, parents=True)
        (out / path).write_text("mine")
    (out / "topics" / "gone" / "2024-05.rss").write_text("mine")
    write_article(content, "a", topics=["Other"])
    export(service, store, content, out, order, NOON + SECOND)
    for path in ("CNAME", "topics/gone/notes.txt", ".git/config", "topics/gone/2024-05.rss"):
        assert (out / path).read_text() == "mine"


def test_file_that_somebody_changed_stays_when_it_has_no_place_any_more(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    rich(content)
    export(service, store, content, out, order)
    (out / "topics" / "law" / "2023-01.rss").write_text("mine")
    (content / "old.md").unlink()
    built = export(service, store, content, out, order, NOON + SECOND)
    assert built.left == ("topics/law/2023-01.rss",)
    assert (out / "topics" / "law" / "2023-01.rss").read_text() == "mine"


@pytest.mark.parametrize("name", ["feed.rss", "feed.rss.gz"])
def test_file_that_somebody_changed_stays_even_if_an_export_before_came_to_nothing_new(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, name: str
) -> None:
    rich(content)
    compressed = replace(order, twins=(".br", ".gz"))
    export(service, store, content, out, compressed)
    manifest = (out / MANIFEST).read_bytes()
    export(service, store, content, out, replace(compressed, force=True), NOON + SECOND)
    assert (out / MANIFEST).read_bytes() == manifest
    place = f"topics/law/{name}"
    (out / place).write_bytes(b"x" * (out / place).stat().st_size)
    (content / "old.md").unlink()
    assert export(service, store, content, out, replace(order, selection=Selection((Kind.ALL,))), NOON + 2 * SECOND).left == (place,)


@pytest.mark.parametrize("put", [Path.mkdir, lambda path: path.symlink_to("feed.rss"), lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_stays_where_one_has_no_place_any_more(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, put: Callable[[Path], object]
) -> None:
    rich(content)
    export(service, store, content, out, replace(order, twins=(".gz",)))
    places = ("topics/law/2023-01.rss", "topics/law/2023-01.rss.gz")
    for place in places:
        (out / place).unlink()
        put(out / place)
    (content / "old.md").unlink()
    assert export(service, store, content, out, order, NOON + SECOND).left == places
    assert all((out / place).is_dir() or (out / place).is_symlink() for place in places)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"<rss"), lambda path: path.write_bytes(b"")])
def test_damaged_file_is_written_anew(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, damage: Callable[[Path], object]
) -> None:
    rich(content)
    export(service, store, content, out, order)
    before = files(out)
    damage(out / "topics" / "law" / "feed.rss")
    built = export(service, store, content, out, order, NOON + SECOND)
    assert built.written == ("topics/law/feed.rss",)
    assert files(out) == before


def test_force_looks_at_every_byte(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    rich(content)
    export(service, store, content, out, order)
    before = files(out)
    path = out / "topics" / "law" / "feed.rss"
    path.write_bytes(b"x" * path.stat().st_size)
    assert export(service, store, content, out, order, NOON + SECOND).written == ()
    assert export(service, store, content, out, replace(order, force=True), NOON + SECOND).written == ("topics/law/feed.rss",)
    assert files(out) == before


def test_other_settings_change_every_document(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    rich(content)
    total = export(service, store, content, out, order).total
    other = replace(order, site=replace(order.site, base_url="https://elsewhere.example"), fingerprint="other")
    built = export(service, store, content, out, other)
    assert built.total == total
    assert {path for path in files(out) if path.endswith((".rss", ".atom", ".json", ".opml"))} <= set(built.written)


def test_running_month_is_that_of_the_refresh(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    rich(content)
    export(service, store, content, out, order)
    built = export(service, store, content, out, order, datetime.fromisoformat("2024-06-01T00:00:00Z"))
    assert {"2024-05.rss", "topics/ai/2024-05.json"} <= set(built.written)
    assert {"2024-05-page-1.rss", "topics/ai/2024-05-page-1.atom"} <= set(built.removed)


def test_selection_is_all_that_is_written(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    rich(content)
    whole = export(service, store, content, out, order)
    lean = replace(order, selection=Selection((Kind.TOPIC,), ("atom",), archives=False, pages=False))
    built = export(service, store, content, out, lean)
    assert sorted(files(out)) == ["feeds.opml", *(f"topics/{slug}/feed.atom" for slug in ("ai", "c-plus-plus", "law", "vision"))]
    assert b"topics/ai/feed.atom" in (out / "feeds.opml").read_bytes()
    assert (len(built.removed), built.written) == (whole.total - 5, ("feeds.opml",))
    assert export(service, store, content, out, order).total == whole.total


def test_compressed_forms_stand_beside_each_file_and_go_with_it(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    rich(content)
    plain = export(service, store, content, out, order)
    twins = replace(order, twins=(".gz", ".br"))
    assert export(service, store, content, out, twins).total == plain.total
    exported = files(out)
    assert len(exported) == 3 * plain.total
    for path, body in exported.items():
        if not path.endswith((".gz", ".br")):
            assert (gzip.decompress(exported[f"{path}.gz"]), brotli.decompress(exported[f"{path}.br"])) == (body, body)
    (out / "feed.rss.br").unlink()
    (out / "topics/ai/feed.atom.gz").write_bytes(exported["topics/ai/feed.atom.gz"][:10])
    export(service, store, content, out, twins)
    assert files(out) == exported
    built = export(service, store, content, out, order)
    assert len(built.removed) == 2 * plain.total
    assert len(files(out)) == plain.total


def test_empty_checkout_counts_as_empty_and_stays_one(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    write_article(content)
    (out / ".git").mkdir()
    (out / ".git" / "HEAD").write_text("ref: refs/heads/gh-pages")
    export(service, store, content, out, order)
    export(service, store, content, out, order)
    assert (out / ".git" / "HEAD").read_text() == "ref: refs/heads/gh-pages"
    assert (out / "feed.rss").is_file()


def test_folder_with_other_things_is_refused_until_forced(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    write_article(content)
    (out / "feed.rss").write_text("mine")
    (out / "other").write_text("mine")
    with pytest.raises(ExportError, match="is not empty, and holds no export; --force"):
        export(service, store, content, out, order)
    assert files(out) == {"feed.rss": b"mine", "other": b"mine"}
    export(service, store, content, out, replace(order, force=True))
    assert (out / "feed.rss").read_bytes().startswith(b"<?xml")
    assert (out / "other").read_text() == "mine"
    export(service, store, content, out, order)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b'{"version":2,"context":"","twins":[],"files":{},"listed":{}}',
        b'{"version":1,"context":"","twins":[],"files":{"../x":null},"listed":{}}',
        b'{"version":1,"context":"","twins":[],"files":{"/etc/x":null},"listed":{}}',
        b'{"version":1,"context":"","twins":[],"files":{"a/./b":null},"listed":{}}',
        b'{"version":1,"context":"","twins":[],"files":{".git/config":null},"listed":{}}',
        b'{"version":1,"context":"","twins":["/../../x"],"files":{"a":null},"listed":{}}',
        b'{"version":1,"context":"","twins":[],"files":{},"listed":{"a":99999999999999999}}',
    ],
)
def test_damaged_manifest_is_refused_until_forced(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, damaged: bytes
) -> None:
    write_article(content)
    export(service, store, content, out, order)
    before = files(out)
    (out / MANIFEST).write_bytes(damaged)
    (out / "feed.rss").write_text("changed")
    with pytest.raises(ExportError, match=r"has a damaged \.feeds-manifest\.json; --force"):
        export(service, store, content, out, order)
    export(service, store, content, out, replace(order, force=True))
    assert files(out) == before


def test_folder_in_place_of_the_manifest_is_an_error(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    (out / MANIFEST).mkdir()
    with pytest.raises(ExportError, match="holds no export"):
        export(service, store, content, out, order)
    with pytest.raises(ExportError, match="can't be written: Is a directory"):
        export(service, store, content, out, replace(order, force=True))


@pytest.mark.parametrize(("mode", "place", "reason"), [(0o000, MANIFEST, "read"), (0o300, "", "opened")])
def test_export_that_can_not_be_read_is_not_called_foreign(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, mode: int, place: str, reason: str
) -> None:
    write_article(content)
    export(service, store, content, out, order)
    (out / place).chmod(mode)
    try:
        with permissions_hold(), pytest.raises(ExportError, match=rf"{place or out.name}: can't be {reason}: Permission denied"):
            build(store, out, order, NOON)
    finally:
        (out / place).chmod(0o700)


@pytest.mark.parametrize(("mode", "reason"), [(0o500, "removed"), (0o600, "looked at")])
def test_folder_that_lets_nothing_go_is_an_error_that_names_the_file(
    service: FeedService, store: Store, content: Path, out: Path, order: Order, mode: int, reason: str
) -> None:
    rich(content)
    export(service, store, content, out, order)
    (content / "old.md").unlink()
    service.refresh(content, None, NOON + SECOND)
    (out / "topics" / "law").chmod(mode)
    try:
        with permissions_hold(), pytest.raises(ExportError, match=rf"topics/law/.+: can't be {reason}: Permission denied"):
            build(store, out, replace(order, selection=Selection((Kind.ALL,))), NOON + SECOND)
    finally:
        (out / "topics" / "law").chmod(0o700)


def test_disk_that_is_full_leaves_an_empty_folder_as_it_was(out: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(ExportError, match=r"\.feeds-manifest\.json: can't be written: File too large"):
            Tree(out).put_durably(MANIFEST, b"x" * 101)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(out.iterdir()) == []


def test_what_a_killed_first_export_leaves_counts_as_nothing(
    service: FeedService, store: Store, content: Path, out: Path, order: Order
) -> None:
    write_article(content)
    (out / f".{MANIFEST}.feeds-new").write_text('{"vers')
    export(service, store, content, out, order)
    assert not list(out.glob(".*.feeds-new"))


def test_file_in_the_way_is_refused_until_forced(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    write_article(content)
    export(service, store, content, out, order)
    (out / "topics" / "new").mkdir()
    (out / "topics" / "new" / "feed.atom").write_text("mine")
    write_article(content, "b", topics=["New"])
    with pytest.raises(ExportError, match=r"topics/new/feed\.atom: is in the way, and was not written by an export"):
        export(service, store, content, out, order)
    assert (out / "topics" / "new" / "feed.atom").read_text() == "mine"
    export(service, store, content, out, replace(order, force=True))
    assert (out / "topics" / "new" / "feed.atom").read_bytes().startswith(b"<?xml")


def test_links_lead_nowhere(service: FeedService, store: Store, content: Path, out: Path, order: Order, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("mine")
    write_article(content)
    export(service, store, content, out, order)
    (out / "feed.rss").unlink()
    (out / "feed.rss").symlink_to(elsewhere / "file")
    export(service, store, content, out, order)
    assert not (out / "feed.rss").is_symlink()
    (out / "topics" / "ai").rename(elsewhere / "ai")
    (out / "topics" / "ai").symlink_to(elsewhere / "ai")
    before = {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()}
    write_article(content, title="Edited")
    with pytest.raises(ExportError, match=r"topics/ai: is no folder"):
        export(service, store, content, out, order, NOON + SECOND)
    (content / "a.md").unlink()
    write_article(content, "b", topics=["Other"])
    with pytest.raises(ExportError, match=r"topics/ai: is no folder"):
        export(service, store, content, out, order, NOON + 2 * SECOND)
    assert {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()} == before


def test_two_exports_to_one_folder_at_once_are_refused(service: FeedService, store: Store, content: Path, out: Path, order: Order) -> None:
    with Tree(out).locked(), pytest.raises(ExportError, match="another process exports to it right now"):
        export(service, store, content, out, order)


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("/", "is the root of the file system"),
        ("~", "is your home folder"),
        ("content", "is or has in it the folder of articles"),
        ("content/..", "is or has in it the folder of articles"),
        ("link", "is or has in it the folder of articles"),
        ("content/public", "is in the folder of articles"),
        ("content/README.md", "is in the folder of articles"),
        ("file", "can't be created: File exists"),
    ],
)
def test_dangerous_folders_are_refused(content: Path, tmp_path: Path, folder: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(content)
    with pytest.raises(ExportError, match=reason):
        export_folder((tmp_path / folder).resolve() if folder != "~" else tmp_path / "home", content)


@pytest.mark.parametrize("folder", ["_site", ".cache/feeds", "sub/vendor/x"])
def test_folder_that_the_scan_leaves_out_may_be_inside_the_articles(
    service: FeedService, store: Store, content: Path, order: Order, folder: str
) -> None:
    write_article(content)
    inside = export_folder(content / folder, content)
    export(service, store, content, inside, order)
    assert service.refresh(content, None, NOON).counts == {"shown": 1, "hidden": 0, "skipped": 0, "refused": 0}

"""A damaged index file: it is said, set aside and made anew, with all that files can't give back and that could still be read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest

from feeds.config import Config
from feeds.content.folder import FolderError
from feeds.errors import IndexBusyError, IndexDamagedError, MassLossError, StoreError
from feeds.feed import FeedAddress
from feeds.model import ArticleQuery, Kind
from feeds.service import FeedService
from feeds.store import mending
from feeds.store.base import Mark, Store
from feeds.store.sql import open_store
from feeds.web import create_app

from .builders import DAY, NOON, SITE, good, refresh, titles, write_article, write_topic
from .conftest import Clock
from .privileges import permissions_hold

LATER = NOON + DAY
LAST = NOON + 2 * DAY
PAGE = 8192  # bytes
FINGERPRINT = "settings"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite3"


@pytest.fixture
def history(service: FeedService, store: Store, content: Path) -> None:
    """An index, closed, that has of everything that files can't give back."""
    for name in ("a", "b", "broken", "taken", "gone"):
        write_article(content, name, topics=["Gone"] if name == "gone" else ["AI", "Machine Learning"])
    write_article(content, "again", webUrl="https://news.example.com/taken")
    service.refresh(content, FINGERPRINT, NOON)
    write_article(content, "late")
    write_article(content, "taken", removed=True)
    (content / "gone.md").unlink()
    write_topic(content, "ml", name="Machine Learning")
    service.refresh(content, FINGERPRINT, LATER)
    for name in ("broken", "taken"):
        write_article(content, name, publishedDateTime="yesterday")
    service.refresh(content, FINGERPRINT, LATER)
    service.keep_mark("hub", Mark("token", {(Kind.ALL, ""): NOON}))
    store.close()


def remembered(store: Store) -> dict[str, object]:
    """Return what an index says, of all that its files can't give back."""
    with store.reading(LAST) as view:
        return {
            "listed": dict(view.listings()),
            "topics": [(topic.slug, topic.name, topic.article_count) for topic in view.collections(Kind.TOPIC)],
            "former": view.slug_for(Kind.TOPIC, "machine-learning"),
            "mark": view.mark("hub"),
            "refused": view.refused(),
            "counts": dict(view.counts()),
        }


def spoil(file: Path, table: str) -> None:
    """Overwrite the page that a table begins with; all of a small one."""
    with closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    overwrite(file, (page - 1) * PAGE, PAGE)


def overwrite(file: Path, offset: int, size: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(offset)
        stream.write(Random(1).randbytes(size))  # noqa: S311 - any bytes do


def mended(file: Path, content: Path) -> Store:
    """Return the store after somebody noticed a broken page, and a refresh of the folder."""
    mending.note(file, "a broken page")
    store = open_store(f"sqlite:///{file}")
    FeedService(store).refresh(content, FINGERPRINT, LAST)
    return store


HARMLESS = {
    "header": lambda file: overwrite(file, 0, 100),
    "first page": lambda file: overwrite(file, 0, PAGE),
    **{table: lambda file, table=table: spoil(file, table) for table in ("articles", "memberships", "listings", "meta", "word_index_data")},
}


@pytest.fixture
def before(history: None, file: Path) -> dict[str, object]:  # noqa: ARG001 - it is what there is to say
    store = open_store(f"sqlite:///{file}")
    said = remembered(store)
    store.close()
    return said


@pytest.mark.parametrize("damage", HARMLESS.values(), ids=HARMLESS)
def test_nothing_is_lost_with_a_page_that_files_or_other_pages_can_give_back(
    damage: Callable[[Path], None], before: dict[str, object], file: Path, content: Path
) -> None:
    damage(file)
    store = mended(file, content)
    assert remembered(store) == before
    assert [name for _, name, count in before["topics"] if not count] == ["Gone"]  # type: ignore[attr-defined] # a list
    store.close()


@pytest.mark.parametrize(
    ("table", "lost"),
    [
        ("collections", {"topics", "former"}),
        ("former_slugs", {"former"}),
        ("marks", {"mark"}),
        ("payloads", {"listed", "refused", "topics"}),
    ],
)
def test_no_more_is_lost_than_what_stood_in_a_broken_page_alone(
    table: str, lost: set[str], before: dict[str, object], file: Path, content: Path
) -> None:
    spoil(file, table)
    store = mended(file, content)
    after = remembered(store)
    assert {name for name in before if after[name] != before[name]} == lost
    store.close()


@pytest.mark.parametrize("seed", range(10))
def test_pages_broken_at_random_break_nothing_else(seed: int, before: dict[str, object], file: Path, content: Path) -> None:
    random, size = Random(seed), file.stat().st_size  # noqa: S311 - the same each time
    with file.open("r+b") as stream:
        for page in random.sample(range(size // PAGE), random.choice((1, 3, 10))):
            stream.seek(page * PAGE)
            stream.write(random.randbytes(PAGE))
    store = open_store(f"sqlite:///{file}")
    service = FeedService(store)
    asked: list[Callable[[], object]] = [
        lambda: remembered(store),
        lambda: service.document(FeedAddress(), "rss", SITE, LAST),
        lambda: list(service.pages(SITE, LAST)),
    ]
    for ask in asked:
        with suppress(StoreError):
            ask()
    write_article(content, "new")
    service.refresh(content, FINGERPRINT, LAST)
    mending.note(file, "what nobody met")
    service.refresh(content, FINGERPRINT, LAST)
    assert len(titles(store, LAST)) >= len(before["listed"])  # type: ignore[arg-type] # a dictionary; one more, and maybe no last good version
    store.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_text("my diary\n" * 1000),
        lambda file: os.truncate(file, 0),
        lambda file: os.truncate(file, 3 * PAGE),
        lambda file: file.write_bytes(b"\xff" * file.stat().st_size),
    ],
    ids=["text", "empty", "cut off", "filled"],
)
@pytest.mark.parametrize("is_open", [True, False], ids=["while it is open", "before"])
@pytest.mark.usefixtures("history")
def test_file_that_gives_nothing_back_is_made_anew_as_if_for_the_first_time(
    damage: Callable[[Path], object], is_open: bool, file: Path, content: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if is_open:
        store = open_store(f"sqlite:///{file}")
        titles(store, LAST)
    damage(file)
    spoilt = file.read_bytes()
    if not is_open:
        store = open_store(f"sqlite:///{file}")
    FeedService(store).refresh(content, FINGERPRINT, LAST)
    with store.reading(LAST) as view:
        assert {listed.article.published_at for listed in view.articles(ArticleQuery())} == {NOON}
        assert {listed.listed_at for listed in view.articles(ArticleQuery())} == {NOON}
    store.close()
    said = " ".join(caplog.messages)
    assert str(file) in said
    assert spoilt in ((file.with_name("index.sqlite3.damaged-1").read_bytes(), b"") if "damaged-1" in said else (b"",))


def middle_leaf(file: Path, table: str) -> tuple[int, int]:
    """Return offset and size of a page in the middle of a large table."""
    with closing(sqlite3.connect(file)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    page = file.read_bytes()[(root - 1) * size : root * size]
    assert page[0] in (2, 5), f"{table} is small"
    place = 12 + 2 * (int.from_bytes(page[3:5], "big") // 2)
    cell = int.from_bytes(page[place : place + 2], "big")
    return (int.from_bytes(page[cell : cell + 4], "big") - 1) * size, size


@pytest.mark.parametrize("table", ["listings", "articles", "files", "payloads"])
def test_page_in_the_middle_of_a_large_table_costs_no_listing_time(table: str, file: Path, store: Store) -> None:
    many = [good(f"{number:03}") for number in range(600)]
    refresh(store, NOON)
    refresh(store, LATER, *many)
    with store.reading(LATER) as view:
        before = dict(view.listings())
    store.close()
    overwrite(file, *middle_leaf(file, table))
    mending.note(file, "a broken page")
    store = open_store(f"sqlite:///{file}")
    refresh(store, LAST)
    assert len(titles(store, LAST)) > 450  # the articles before the page and those behind it
    refresh(store, LAST, *many)
    with store.reading(LAST) as view:
        assert dict(view.listings()) == before
    store.close()


def test_values_that_no_index_has_are_not_believed(before: dict[str, object], file: Path, content: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            """
            INSERT INTO listings VALUES ('short', 5), ('00000000000000000000000000000000', 'noon');
            INSERT INTO listings VALUES ('00000000000000000000000000000001', -5);
            INSERT INTO collections VALUES (90, 'planets', 'mars', 'mars', 'Mars', 1, 1, NULL, 0);
            INSERT INTO collections VALUES (91, 'topics', 'venus', 'venus', CAST(x'ff' AS TEXT), 1, 1, NULL, 0);
            INSERT INTO collections VALUES (92, 'topics', 'pluto', 'pluto', 'Pluto', 1, 'late', NULL, 0);
            INSERT INTO former_slugs VALUES ('topics', 'nobody', 93);
            INSERT INTO marks VALUES ('broken', 'token', x'c1');
            INSERT INTO topic_files VALUES ('_data/topics/broken.yaml', x'c1', NULL);
            INSERT INTO files VALUES (94, 'other.md', 1, 1, x'00', 'refused', 'perhaps', NULL, NULL);
            INSERT INTO files SELECT 95, path, 1, 1, x'00', state, takedown, key, NULL FROM files WHERE id = 1;
            UPDATE meta SET value = 'many' WHERE name = 'revision';
            """
        )
    store = mended(file, content)
    assert remembered(store) == before
    with store.reading(LAST) as view:
        assert view.mark("broken") is None
        assert view.state().revision == 1
    store.close()


def test_damage_is_said_once_and_what_becomes_of_it(
    file: Path, content: Path, before: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    overwrite(file, 0, 100)
    reason = "file is not a database"
    taken = "6 listing times, 7 topics and other collections, 1 marks of who follows, 5 articles"
    store = open_store(f"sqlite:///{file}")
    for _ in range(2):
        with pytest.raises(IndexDamagedError) as error:
            titles(store, LAST)
        assert str(error.value) == f"{file}: the index is damaged ({reason}); the next refresh makes it anew, or run feeds index"
    FeedService(store).refresh(content, FINGERPRINT, LAST)
    assert caplog.messages == [
        str(error.value),
        f"{file}: was damaged ({reason}) and is made anew; the damaged one is kept as {file}.damaged-1; taken over from it: {taken}",
    ]
    assert remembered(store) == before
    store.close()


@pytest.mark.usefixtures("history")
def test_no_more_than_a_few_damaged_files_are_kept(file: Path, content: Path) -> None:
    for number in range(5):
        file.write_text(f"damage {number + 1}\n" * 100)
        store = open_store(f"sqlite:///{file}")
        FeedService(store).refresh(content, FINGERPRINT, LAST)
        store.close()
    kept = sorted(file.parent.glob("index.sqlite3*"))
    assert [path.name for path in kept] == ["index.sqlite3", *(f"index.sqlite3.damaged-{number}" for number in (3, 4, 5))]
    assert [path.read_text().split("\n")[0] for path in kept[1:]] == ["damage 3", "damage 4", "damage 5"]


@pytest.mark.usefixtures("history")
def test_server_gives_what_it_has_until_the_index_is_made_anew_and_then_turns_to_it(
    config: Config, clock: Clock, content: Path, file: Path, service: FeedService
) -> None:
    client = create_app(config, clock, check_seconds=0).test_client()
    clock.moment = LAST
    last_good = client.get("/topics/ai/feed.atom").data
    for path in sorted(file.parent.glob("index.sqlite3*")):
        path.write_bytes(b"no database any more" * 1000)
    assert client.get("/topics/ai/feed.atom").data == last_good
    missing = client.get("/feed.rss")
    assert (missing.status_code, missing.headers["Retry-After"]) == (503, "5")
    write_article(content, "new")
    service.refresh(content, config.fingerprint(), LAST)
    assert b"Title of new" in client.get("/topics/ai/feed.atom").data
    assert client.get("/feed.rss").status_code == 200


def test_one_makes_the_index_anew_and_the_others_leave_it_to_it(file: Path, content: Path, before: dict[str, object]) -> None:
    mending.note(file, "a broken page")
    first, second = (open_store(f"sqlite:///{file}") for _ in range(2))
    with first.refreshing(LAST) as refreshing:
        refreshing.abandon()
        with pytest.raises(IndexBusyError):
            FeedService(second).refresh(content, FINGERPRINT, LAST)
    FeedService(second).refresh(content, FINGERPRINT, LAST)
    assert remembered(first) == remembered(second) == before
    first.close()
    second.close()


def test_refresh_of_what_is_left_of_a_damaged_index_is_waited_for(store: Store, file: Path, content: Path) -> None:
    """Who refreshes it has not met the damage, which somebody else did."""
    FeedService(store).refresh(content, FINGERPRINT, NOON)
    other = open_store(f"sqlite:///{file}")
    with store.refreshing(NOON) as refreshing:
        mending.note(file, "a broken page")
        with pytest.raises(IndexBusyError):
            FeedService(other).refresh(content, FINGERPRINT, NOON)
        refreshing.finish(FINGERPRINT)
    FeedService(other).refresh(content, FINGERPRINT, NOON)
    assert not file.with_name("index.sqlite3.to-mend").exists()
    other.close()


def test_index_stays_as_it_is_until_a_new_one_is_complete(file: Path, content: Path, before: dict[str, object]) -> None:
    mending.note(file, "a broken page")
    store = open_store(f"sqlite:///{file}")
    service = FeedService(store)
    content.rename(content.with_name("away"))
    with pytest.raises(FolderError):
        service.refresh(content, FINGERPRINT, LAST)
    assert remembered(store) == before
    assert [path.name for path in file.parent.glob("index.sqlite3.*")] == ["index.sqlite3.to-mend"]
    content.with_name("away").rename(content)
    service.refresh(content, FINGERPRINT, LAST, parts=("a.md",))  # which is not enough for a new one
    assert remembered(store) == before
    store.close()


def test_what_cannot_be_read_now_or_is_refused_since_stays_what_it_was(
    file: Path, content: Path, store: Store, service: FeedService
) -> None:
    for name in ("a", "closed/b"):
        write_article(content, name)
    service.refresh(content, FINGERPRINT, NOON)
    write_article(content, "a", publishedDateTime="yesterday")
    (content / "closed").chmod(0)
    mending.note(file, "a broken page")
    with permissions_hold():
        service.refresh(content, FINGERPRINT, LATER)
    (content / "closed").chmod(0o755)
    assert sorted(titles(store, LATER)) == ["Title of a", "Title of closed/b"]
    assert file.with_name("index.sqlite3.damaged-1").exists()


def test_loss_of_most_articles_is_refused_to_a_new_index_too(file: Path, content: Path, store: Store, service: FeedService) -> None:
    refresh(store, NOON, *(good(str(number)) for number in range(101)))
    mending.note(file, "a broken page")
    with pytest.raises(MassLossError):
        service.refresh(content, FINGERPRINT, LATER)
    assert len(titles(store, LATER)) == 101


def test_check_of_a_damaged_index_says_what_a_new_one_would_be_and_makes_none(file: Path, content: Path, before: dict[str, object]) -> None:
    mending.note(file, "a broken page")
    store = open_store(f"sqlite:///{file}")
    assert FeedService(store).check(content, LAST).counts == before["counts"]
    assert not file.with_name("index.sqlite3.damaged-1").exists()
    store.close()


def test_leavings_of_a_process_that_was_killed_at_it_are_in_nobodys_way(file: Path, content: Path, before: dict[str, object]) -> None:
    for name in (".new", ".new-wal", ".new-shm", ".salvage", ".salvage-wal"):
        file.with_name(f"{file.name}{name}").write_bytes(b"half a database" * 1000)
    overwrite(file, 0, PAGE)
    store = mended(file, content)
    assert remembered(store) == before
    store.close()
    assert sorted(path.name for path in file.parent.glob("index.sqlite3*")) == ["index.sqlite3", "index.sqlite3.damaged-1"]


def test_word_that_was_left_of_another_file_counts_no_more(file: Path, store: Store) -> None:
    refresh(store, NOON, good())
    mending.note(file, "a broken page")
    store.close()
    file.with_name("other").write_bytes(file.read_bytes())
    file.with_name("other").replace(file)
    store = open_store(f"sqlite:///{file}")
    refresh(store, LATER, good("b"))
    assert len(titles(store, LATER)) == 2
    store.close()


@pytest.mark.usefixtures("history")
def test_broken_log_of_a_database_that_is_open_is_met_and_mended(file: Path, content: Path) -> None:
    store, reader = (open_store(f"sqlite:///{file}") for _ in range(2))
    service = FeedService(store)
    with reader.reading(LAST) as view:
        view.state()  # so that the log is kept
        write_article(content, "new")
        service.refresh(content, FINGERPRINT, LAST)
        overwrite(Path(f"{file}-wal"), 0, Path(f"{file}-wal").stat().st_size)
    for path in (store, reader):
        with suppress(StoreError):
            remembered(path)
    service.refresh(content, FINGERPRINT, LAST)
    assert "Title of new" in titles(reader, LAST)
    store.close()
    reader.close()


@pytest.mark.usefixtures("history")
def test_broken_log_is_as_if_the_last_refresh_had_not_been(file: Path, content: Path) -> None:
    store, reader = (open_store(f"sqlite:///{file}") for _ in range(2))
    with reader.reading(LAST) as view:
        view.state()
        write_article(content, "new")
        FeedService(store).refresh(content, FINGERPRINT, LAST)
        database, log = file.read_bytes(), bytearray(Path(f"{file}-wal").read_bytes())
    store.close()
    reader.close()
    log[200:300] = b"\xff" * 100
    file.write_bytes(database)
    Path(f"{file}-wal").write_bytes(log)
    store = open_store(f"sqlite:///{file}")
    assert "Title of new" not in titles(store, LAST)
    FeedService(store).refresh(content, FINGERPRINT, LAST)
    assert "Title of new" in titles(store, LAST)
    store.close()


def test_bug_is_no_damage(store: Store, file: Path) -> None:
    refresh(store, NOON, good())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), store.reading(NOON):
            _ = 1 // 0
    assert not file.with_name("index.sqlite3.to-mend").exists()


@pytest.mark.parametrize("payload", [b"\xc1", b"", b"\xa3\xff\xff\xff"])
def test_article_that_cannot_be_decoded_is_damage(store: Store, file: Path, payload: bytes) -> None:
    refresh(store, NOON, good())
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE payloads SET payload = ?", (payload,))
        connection.commit()
    with pytest.raises(IndexDamagedError):
        titles(store, NOON)


def test_value_that_no_index_has_is_damage_where_pages_are_broken(store: Store, file: Path) -> None:
    refresh(store, NOON, *(good(str(number)) for number in range(50)))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE articles SET listed_at = ?", (2**60,))
        connection.execute("UPDATE memberships SET listed_at = ?", (2**60,))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.raises(OSError, match="too large"):
        titles(store, NOON)
    store.close()
    spoil(file, "word_index_data")
    store = open_store(f"sqlite:///{file}")
    with pytest.raises(IndexDamagedError):
        titles(store, NOON)
    store.close()

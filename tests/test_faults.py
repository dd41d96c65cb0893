"""What faults of a machine do to an index and to who serves it: no space, no permission, a lock, a database server that goes away."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from feeds.config import Config
from feeds.content.folder import FolderError
from feeds.errors import IndexAwayError, IndexBusyError, StoreError
from feeds.intake import Stage
from feeds.metering import Meter
from feeds.model import State
from feeds.reporting import problem_line
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.store.sql import connect_store, open_store
from feeds.watching import Refresher
from feeds.web import create_app

from .builders import DAY, NOON, good, refresh, titles, write_article
from .conftest import Clock
from .postgres import Postgres
from .privileges import permissions_hold
from .processes import free_port, running, wait_for

LATER = NOON + DAY
MINUTE = timedelta(minutes=1)
FINGERPRINT = "settings"
FEEDS = [sys.executable, "-m", "feeds"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite3"


@contextmanager
def unwritable(*places: Path) -> Iterator[None]:
    """Let nobody write to folders or files, not even root, for a while."""
    modes = {place: place.stat().st_mode for place in places}
    for place, mode in modes.items():
        place.chmod(mode & 0o555)
    try:
        with permissions_hold():
            yield
    finally:
        for place, mode in modes.items():
            place.chmod(mode)


def test_refresh_without_space_is_one_error_and_is_made_up_for_when_there_is_some(
    file: Path, content: Path, service: FeedService, store: Store
) -> None:
    write_article(content, "a")
    service.refresh(content, FINGERPRINT, NOON)
    for number in range(20):
        write_article(content, f"new/{number}", "word " * 5000)
    most = file.stat().st_size + 100_000  # bytes of any file
    command = ["prlimit", f"--fsize={most}", *FEEDS, "index", str(content), "--database", f"sqlite:///{file}"]
    for _ in range(2):
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (found.returncode, found.stdout, found.stderr) == (1, "", f"feeds: sqlite:///{file}: disk I/O error\n")
        assert titles(store, LATER) == ["Title of a"]
    service.refresh(content, FINGERPRINT, LATER)
    assert len(titles(store, LATER)) == 21


def test_folder_of_articles_that_cannot_be_written_is_all_right(content: Path, service: FeedService, store: Store) -> None:
    article = write_article(content, "a")
    with unwritable(content, article):
        service.refresh(content, FINGERPRINT, NOON)
    assert titles(store, NOON) == ["Title of a"]


def test_index_in_a_folder_that_cannot_be_written_is_served_and_not_refreshed(content: Path, tmp_path: Path) -> None:
    folder = tmp_path / "read only"
    url = f"sqlite:///{folder}/index.sqlite3"
    with closing(open_store(url)) as store:
        refresh(store, NOON, good())
    reader = open_store(url)
    with unwritable(folder, folder / "index.sqlite3"):
        client = create_app(Config(database=url), lambda: LATER, check_seconds=0).test_client()
        assert b"Title of a" in client.get("/feed.rss").data
        with closing(open_store(url)) as store, pytest.raises(StoreError, match=r"index.sqlite3: attempt to write a readonly database"):
            FeedService(store).refresh(content, FINGERPRINT, LATER)
    with closing(open_store(url)) as store:  # somebody else may write it
        refresh(store, LATER, good("b"))
    with unwritable(folder):
        assert b"Title of b" in client.get("/feed.rss").data
    reader.close()


def test_index_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "read only"
    folder.mkdir()
    with unwritable(folder), pytest.raises(StoreError, match=r"read only/index.sqlite3: unable to open database file"):
        open_store(f"sqlite:///{folder}/index.sqlite3")


def test_damaged_index_that_cannot_be_made_anew_is_an_error_that_says_why(file: Path, content: Path, store: Store) -> None:
    store.close()
    file.write_bytes(b"no database any more" * 1000)
    store = open_store(f"sqlite:///{file}")
    with unwritable(file.parent), pytest.raises(StoreError) as error:
        FeedService(store).refresh(content, FINGERPRINT, LATER)
    assert str(error.value) == f"{file}: is damaged, and can't be made anew: Permission denied"
    FeedService(store).refresh(content, FINGERPRINT, LATER)
    store.close()


def test_subfolder_that_may_not_be_looked_into_keeps_its_articles_and_is_told(content: Path, service: FeedService, store: Store) -> None:
    write_article(content, "a")
    write_article(content, "closed/b")
    service.refresh(content, FINGERPRINT, NOON)
    (content / "closed").chmod(0)
    write_article(content, "c")
    with permissions_hold():
        result = service.refresh(content, FINGERPRINT, LATER)
        checked = service.check(content, LATER)
    reason = "closed: can't be read: Permission denied; its 1 known files stay as they were"
    assert (result.gone, result.troubles, service.health(LATER).troubles) == (0, (reason,), (reason,))
    assert checked.counts[State.SHOWN] == len(titles(store, LATER)) == 3
    (content / "closed").chmod(0o755)
    shutil.rmtree(content / "closed")
    service.refresh(content, FINGERPRINT, LATER)
    assert (len(titles(store, LATER)), service.health(LATER).troubles) == (2, ())


def test_folder_that_vanishes_while_it_is_read_changes_nothing(content: Path, service: FeedService, store: Store) -> None:
    for number in range(5):
        write_article(content, str(number), title="Old")
    service.refresh(content, FINGERPRINT, NOON)
    for number in range(5):
        write_article(content, str(number), title="New")

    def unmount(stage: Stage, done: int, _: int) -> None:
        if stage is Stage.READ and done == 1:
            content.rename(content.with_name("away"))

    with pytest.raises(FolderError, match="can't be read as a folder: No such file or directory"):
        service.refresh(content, FINGERPRINT, LATER, progress=unmount)
    assert set(titles(store, LATER)) == {"Old"}
    content.with_name("away").rename(content)
    service.refresh(content, FINGERPRINT, LATER)
    assert set(titles(store, LATER)) == {"New"}


def test_file_that_is_replaced_while_it_is_read_is_what_it_is_in_the_end(content: Path, service: FeedService, store: Store) -> None:
    """By another file, as editors save, and by other bytes in the same file, as `cat >` does."""
    for name in ("a", "b"):
        write_article(content, name, title="Old")

    def save(stage: Stage, done: int, _: int) -> None:
        if stage is Stage.READ:
            write_article(content / ".saved", "a", title=f"New {'a' * done}").replace(content / "a.md")
            write_article(content, "b", title=f"New {'b' * done}")

    service.refresh(content, FINGERPRINT, NOON, progress=save)
    service.refresh(content, FINGERPRINT, LATER)
    assert sorted(titles(store, LATER)) == ["New aa", "New bb"]
    assert service.refresh(content, FINGERPRINT, LATER).read == 0


def test_last_good_version_is_served_and_told_by_check_the_log_and_readyz(
    config: Config, content: Path, clock: Clock, service: FeedService, caplog: pytest.LogCaptureFixture
) -> None:
    write_article(content, "a")
    refresher = Refresher(service, config, clock, Meter(config.counts_folder))
    refresher.refresh()
    client = create_app(config, clock, check_seconds=0).test_client()
    (content / "a.md").write_text("---\ntitle: [\n---\n")
    refresher.refresh()
    line = "a.md:3: is no YAML: did not find expected node content; the last good version stays served"
    assert b"Title of a" in client.get("/feed.rss").data
    assert f"refused: {line}" in caplog.messages
    assert f"refused_files: {line}" in client.get("/readyz").text.splitlines()
    (report,) = service.check(content, LATER).reports
    assert [problem_line(report.path, problem) for problem in report.problems] == [line]


def test_file_that_may_not_be_read_keeps_its_last_good_version_and_is_told(content: Path, service: FeedService, store: Store) -> None:
    path = write_article(content, "a")
    service.refresh(content, FINGERPRINT, NOON)
    write_article(content, "a", title="New")
    path.chmod(0)
    with permissions_hold():
        for _ in range(2):
            service.refresh(content, FINGERPRINT, LATER)
        checked = service.check(content, LATER)
    (report,) = service.health(LATER).refused
    assert report.problems[0].reason == "can't be read: Permission denied; the last good version stays served"
    assert checked.reports == (report,)
    assert titles(store, LATER) == ["Title of a"]
    path.chmod(0o644)
    service.refresh(content, FINGERPRINT, LATER)
    assert (titles(store, LATER), service.health(LATER).refused) == (["New"], ())


def test_server_whose_index_is_damaged_goes_on_with_a_new_one_and_says_so(file: Path, content: Path, tmp_path: Path) -> None:
    write_article(content, "a")
    port = free_port()
    options = ["--port", str(port), "--database", f"sqlite:///{file}", "--refresh-seconds", "1"]
    with running([*FEEDS, "serve", str(content), *options], port, tmp_path) as program:
        program.wait_until_ready()
        assert program.get("/feed.rss").status == 200  # by the one worker, so that it has it
        for path in sorted(file.parent.glob("index.sqlite3*")):
            with path.open("r+b") as stream:
                stream.write(b"no database any more" * 1000)
        write_article(content, "b")

        def shown() -> bool:
            answer = program.get("/feed.rss")
            assert answer.status == 200
            return "Title of b" in answer.text

        wait_for(shown)
        said = program.output()
    assert said.count(f"{file}: was damaged") == 1
    assert file.with_name("index.sqlite3.damaged-1").is_file()
    assert "Traceback" not in said


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Have somebody else write into an index for as long as it takes."""
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_index_that_somebody_else_locks_is_served_and_refreshed_when_it_is_free(
    config: Config, content: Path, clock: Clock, service: FeedService, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_article(content, "a")
    service.refresh(content, config.fingerprint(), NOON)
    refresher = Refresher(service, config, clock, Meter(config.counts_folder))
    client = create_app(config, clock, check_seconds=0).test_client()
    write_article(content, "b")
    with locked(file):
        for minutes in range(20):
            clock.moment = NOON + minutes * MINUTE
            assert not refresher.refresh()
            assert b"Title of a" in client.get("/feed.rss").data
        assert caplog.messages == ["not refreshed for 6 minutes: another process refreshes the index right now"]
    assert refresher.refresh()
    assert b"Title of b" in client.get("/feed.rss").data
    with locked(file):
        clock.moment += 6 * MINUTE
        assert not refresher.refresh()
    assert len(caplog.messages) == 2  # it is news again


def test_command_says_that_the_index_is_locked(content: Path, file: Path, store: Store) -> None:
    refresh(store, NOON, good())
    with locked(file), pytest.raises(IndexBusyError, match="another process refreshes the index right now"):
        FeedService(store).refresh(content, FINGERPRINT, NOON)


@pytest.fixture
def remote(postgres: Postgres) -> Iterator[str]:
    """The URL of a database with an empty index, on a server that tests stop."""
    with postgres.database() as url:
        yield url


def test_server_of_the_database_that_goes_away_is_missed_by_nobody_who_asks_for_what_is_known(
    postgres: Postgres, remote: str, content: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    config = Config(database=remote, title="Example News")
    store = open_store(remote)
    service = FeedService(store)
    write_article(content, "a")
    service.refresh(content, config.fingerprint(), clock())
    client = create_app(config, clock, check_seconds=0).test_client()
    last_good = client.get("/feed.rss")
    with postgres.stopped():
        clock.moment += MINUTE
        again = client.get("/feed.rss", headers={"If-None-Match": last_good.headers["ETag"]})
        missing = client.get("/topics/ai/feed.rss")
        assert (client.get("/feed.rss").data, again.status_code) == (last_good.data, 304)
        assert (missing.status_code, missing.headers["Retry-After"]) == (503, "5")
        assert client.get("/readyz").status_code == 200
        with pytest.raises(IndexAwayError):
            service.refresh(content, config.fingerprint(), clock())
    write_article(content, "b")
    service.refresh(content, config.fingerprint(), clock())
    assert b"Title of b" in client.get("/feed.rss").data
    assert client.get("/topics/ai/feed.rss").status_code == 200
    assert len([message for message in caplog.messages if "last good answers" in message]) == 1
    store.close()


def test_refresh_during_which_the_server_of_the_database_restarts_is_as_if_it_had_not_been(
    postgres: Postgres, remote: str, content: Path
) -> None:
    store = open_store(remote)
    service = FeedService(store)
    write_article(content, "a")
    service.refresh(content, FINGERPRINT, NOON)
    for number in range(3):
        write_article(content, str(number))

    def restart(stage: Stage, *_: int) -> None:
        if stage is Stage.WRITE:
            with postgres.stopped():
                pass

    with pytest.raises(IndexAwayError):
        service.refresh(content, FINGERPRINT, LATER, progress=restart)
    assert titles(store, LATER) == ["Title of a"]
    service.refresh(content, FINGERPRINT, LATER)
    assert len(titles(store, LATER)) == 4
    store.close()


def test_workers_that_start_while_the_server_of_the_database_is_away_answer_when_it_comes(
    postgres: Postgres, remote: str, content: Path, clock: Clock
) -> None:
    write_article(content, "a")
    with closing(open_store(remote)) as store:
        FeedService(store).refresh(content, FINGERPRINT, NOON)
    with postgres.stopped():
        client = create_app(Config(database=remote), clock, check_seconds=0).test_client()
        refused = client.get("/feed.rss")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        with pytest.raises(IndexAwayError):
            open_store(remote)
    assert client.get("/feed.rss").status_code == 200


def test_index_whose_server_was_away_at_the_start_is_made_by_the_first_refresh(postgres: Postgres, content: Path) -> None:
    write_article(content, "a")
    with postgres.database("template0") as bare:
        with postgres.stopped():
            store = connect_store(bare)
        FeedService(store).refresh(content, FINGERPRINT, NOON)
        assert titles(store, NOON) == ["Title of a"]
        store.close()

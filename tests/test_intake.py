"""What a refresh reads, keeps and refuses: parts of a folder, mass loss, files that can't be looked at, what is new about refused ones.

What faults of a machine do to a running program is in test_faults.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from feeds.content.folder import FolderError, Scan
from feeds.errors import IndexBusyError, MassLossError
from feeds.intake import ALL, RefreshResult, Stage
from feeds.model import EVERYTHING, FileFacts, FileReport, Kind, Level, Problem, State
from feeds.reading import Here
from feeds.service import FeedService
from feeds.store.base import Store
from feeds.store.prepared import prepare

from .builders import NOON, good, outcome, refresh, titles, write_article, write_topic

HOUR = timedelta(hours=1)
LATER = NOON + HOUR
FINGERPRINT = "settings"
BROKEN = Problem("is no RFC 3339 timestamp such as 2020-12-03T01:04:00Z", 4, "publishedDateTime", Level.ERROR)
COUNT = 400  # as many as a folder needs to be looked through for a moment
KEPT = Problem(f"{BROKEN.reason}; the last good version stays served", 4, "publishedDateTime", Level.ERROR)


def fill(store: Store, count: int) -> None:
    """Put so many articles into an index, in files `0.md` and so on."""
    refresh(store, NOON, *(good(str(number)) for number in range(count)))


def known(store: Store, parts: Iterable[str]) -> list[str]:
    with store.refreshing(NOON) as refreshing:
        refreshing.abandon()
        return sorted(path for path, *_ in refreshing.known_files(parts))


@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ([""], ["a-b.md", "a.md", "a/b.md", "a/b/c.md", "a0.md"]),
        (["a"], ["a/b.md", "a/b/c.md"]),
        (["a.md", "a/b.md"], ["a.md", "a/b.md"]),
        (["a/b", "nothing"], ["a/b/c.md"]),
        ([], []),
    ],
)
def test_known_files_of_parts_are_those_files_and_those_below_them(store: Store, parts: list[str], paths: list[str]) -> None:
    refresh(store, NOON, *(outcome(path) for path in ("a.md", "a/b.md", "a/b/c.md", "a-b.md", "a0.md")))

    assert known(store, parts) == paths


def test_articles_are_lost_where_no_file_has_them_any_more(store: Store) -> None:
    refresh(store, NOON, good("a"), good("a", "again.md"), good("b"), good("c"), good("d"))
    with store.refreshing(LATER) as refreshing:
        assert refreshing.article_count() == 5
        refreshing.put(
            [
                (FileFacts(1, 1, b"1"), prepare(good("b", "moved.md"))),
                (FileFacts(1, 1, b"2"), prepare(outcome("c.md", state=State.HIDDEN, id=good("c").id))),
                (FileFacts(1, 1, b"3"), prepare(outcome("d.md"))),
            ]
        )
        refreshing.forget(["a.md", "b.md"])
        lost_without_takedown = refreshing.lost()
        refreshing.abandon()

    assert lost_without_takedown == 2  # c and d


def test_part_of_a_folder_is_brought_up_to_date_and_nothing_else(service: FeedService, store: Store, content: Path) -> None:
    for name in ("a", "b", "deep/c", "deep/d"):
        write_article(content, name)
    service.refresh(content, FINGERPRINT, NOON)
    for name in ("a", "b", "deep/c"):
        write_article(content, name, title=f"New {name}")
    (content / "deep" / "d.md").unlink()

    result = service.refresh(content, FINGERPRINT, LATER, parts=("a.md", "deep"))
    assert (result.read, result.gone) == (2, 1)
    assert sorted(titles(store, LATER)) == ["New a", "New deep/c", "Title of b"]
    assert service.refresh(content, FINGERPRINT, LATER).read == 1


def test_file_that_is_said_to_have_changed_is_read_whatever_its_size_and_time(service: FeedService, store: Store, content: Path) -> None:
    file = write_article(content, title="Old")
    service.refresh(content, FINGERPRINT, NOON)
    facts = file.stat()
    with file.open("r+b") as stream:
        stream.write(file.read_bytes().replace(b"Old", b"New"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    assert service.refresh(content, FINGERPRINT, NOON).read == 0
    assert service.refresh(content, FINGERPRINT, NOON, parts=("a.md",)).read == 1
    assert titles(store, NOON) == ["New"]


def test_file_that_other_parsers_read_is_read_again(service: FeedService, store: Store, content: Path) -> None:
    facts = write_article(content, "a").stat()
    write_article(content, "b")
    service.refresh(content, FINGERPRINT, NOON)
    with store.refreshing(NOON) as refreshing:
        refreshing.put([(FileFacts(facts.st_size, facts.st_mtime_ns, b"\x00"), prepare(good("a", title="As they had it")))])
        refreshing.finish(FINGERPRINT)

    assert service.refresh(content, FINGERPRINT, LATER).read == 1
    assert sorted(titles(store, LATER)) == ["Title of a", "Title of b"]


def test_part_behind_a_link_is_found_by_a_look_at_everything(service: FeedService, store: Store, content: Path) -> None:
    (content / "link").symlink_to("real")
    write_article(content, "real/a")
    assert service.refresh(content, FINGERPRINT, NOON).has_links
    write_article(content, "real/a", title="New")

    assert service.refresh(content, FINGERPRINT, NOON, parts=("link/a.md",)).read == 1
    assert titles(store, NOON) == ["New"]


@pytest.mark.parametrize(
    ("part", "name"), [("_data/topics/ai.yaml", "New"), ("_data", "New"), ("a.md", "Old"), ("_data/topics-too", "Old")]
)
def test_topic_data_is_read_with_the_parts_that_have_it(service: FeedService, content: Path, part: str, name: str) -> None:
    write_topic(content, "ai", name="Old")
    service.refresh(content, FINGERPRINT, NOON)
    write_topic(content, "ai", name="New")
    service.refresh(content, FINGERPRINT, NOON, parts=(part,))

    assert [topic.name for topic in service.collections(Kind.TOPIC, NOON)] == [name]


@pytest.mark.parametrize("left", [0, 49])
def test_loss_of_more_than_half_of_many_articles_is_refused(service: FeedService, store: Store, content: Path, left: int) -> None:
    fill(store, 101)
    for number in range(left):
        write_article(content, str(number))

    with pytest.raises(MassLossError) as error:
        service.refresh(content, FINGERPRINT, LATER)
    assert str(error.value) == (
        f"{101 - left} of 101 articles would be gone at once; if that is meant, run feeds index --allow-mass-delete"
    )
    assert len(titles(store, LATER)) == 101
    assert service.health(LATER).failure == str(error.value)
    assert service.health(LATER).state.refreshed_at == NOON


@pytest.mark.parametrize(("count", "left"), [(100, 0), (101, 51)])
def test_loss_of_few_articles_or_of_half_is_everyday_work(service: FeedService, store: Store, content: Path, count: int, left: int) -> None:
    fill(store, count)
    for number in range(left):
        write_article(content, str(number))

    assert service.refresh(content, FINGERPRINT, LATER).gone == count - left
    assert len(titles(store, LATER)) == left


def test_mass_loss_that_is_allowed_happens_and_ends_the_trouble(service: FeedService, store: Store, content: Path) -> None:
    fill(store, 101)
    with pytest.raises(MassLossError):
        service.refresh(content, FINGERPRINT, LATER)

    service.refresh(content, FINGERPRINT, LATER, may_lose=ALL)
    assert titles(store, LATER) == []
    assert service.health(LATER).failure is None


def test_other_articles_in_as_many_files_are_a_loss_too(service: FeedService, store: Store, content: Path) -> None:
    """A link to releases that leads to another site now, for instance."""
    fill(store, 101)
    for number in range(101):
        write_article(content, f"other/{number}")

    with pytest.raises(MassLossError, match=r"^101 of 101 articles would be gone at once"):
        service.refresh(content, FINGERPRINT, LATER)
    assert len(titles(store, LATER)) == 101


def test_files_that_lost_their_text_are_a_loss_too(service: FeedService, store: Store, content: Path) -> None:
    fill(store, 101)
    for number in range(101):
        (content / f"{number}.md").write_bytes(b"")

    with pytest.raises(MassLossError):
        service.refresh(content, FINGERPRINT, LATER)


def test_files_that_moved_and_articles_that_are_taken_down_are_no_loss(service: FeedService, store: Store, content: Path) -> None:
    for number in range(101):
        write_article(content, f"old/{number}")
    service.refresh(content, FINGERPRINT, NOON)
    (content / "old").rename(content / "new")
    for number in range(60):
        write_article(content, f"new/{number}", webUrl=f"https://news.example.com/old/{number}", published=False)

    assert service.refresh(content, FINGERPRINT, LATER).gone == 101
    assert len(titles(store, LATER)) == 41


def test_mass_loss_in_a_part_is_refused_as_well(service: FeedService, store: Store, content: Path) -> None:
    fill(store, 101)

    with pytest.raises(MassLossError):
        service.refresh(content, FINGERPRINT, LATER, parts=tuple(f"{number}.md" for number in range(101)))


def test_check_of_a_folder_that_lost_everything_says_so_in_numbers(service: FeedService, store: Store, content: Path) -> None:
    fill(store, 101)

    assert sum(service.check(content, LATER).counts.values()) == 0
    assert len(titles(store, LATER)) == 101


def test_folder_that_is_away_is_a_trouble_until_it_is_back(service: FeedService, content: Path) -> None:
    write_article(content)
    service.refresh(content, FINGERPRINT, NOON)
    content.rename(content.with_name("away"))
    reason = f"{content}: can't be read as a folder: No such file or directory"

    for _ in range(2):
        with pytest.raises(FolderError) as error:
            service.refresh(content, FINGERPRINT, LATER)
        assert str(error.value) == reason
        assert service.health(LATER).failure == reason
    content.with_name("away").rename(content)
    service.refresh(content, FINGERPRINT, LATER)
    assert service.health(LATER).failure is None


def test_folder_that_another_one_replaces_while_it_is_read_changes_nothing(service: FeedService, store: Store, content: Path) -> None:
    write_article(content, "a", title="Old")
    service.refresh(content, FINGERPRINT, NOON)
    other = content.with_name("other")
    shutil.copytree(content, other)
    write_article(content, "a", title="New")

    def swap(stage: Stage, done: int, _: int) -> None:
        if stage is Stage.READ and done:
            content.rename(content.with_name("away"))
            other.rename(content)

    with pytest.raises(FolderError, match="another folder took its place while it was read"):
        service.refresh(content, FINGERPRINT, LATER, progress=swap)
    assert titles(store, LATER) == ["Old"]


def test_files_that_move_during_a_look_are_not_gone(service: FeedService, content: Path) -> None:
    first, last = content / "a", content / "z"
    for folder in (first, last):
        folder.mkdir()
    for number in range(COUNT):
        write_article(last, f"{number}")
    service.refresh(content, FINGERPRINT, NOON)

    def move(path: Path, folder: Path) -> None:
        path.rename(folder / path.name)

    for origin, target in ((last, first), (first, last)) * 3:
        with ThreadPoolExecutor(1) as mover:

            def begin(stage: Stage, *_: int, origin: Path = origin, target: Path = target) -> None:
                if stage is Stage.SCAN:
                    for path in origin.iterdir():
                        mover.submit(move, path, target)

            refreshed = service.refresh(content, FINGERPRINT, NOON, progress=begin)
        assert refreshed.counts[State.SHOWN] == COUNT


def test_nothing_is_gone_while_every_look_sees_another_folder_and_that_is_not_settled(
    service: FeedService, store: Store, content: Path
) -> None:
    gone, moving = write_article(content, "gone"), write_article(content, "moving")
    service.refresh(content, FINGERPRINT, NOON)
    gone.unlink()

    class AfterEachLook(Here):
        def scan(self, parts: tuple[str, ...] = EVERYTHING) -> Scan:
            nonlocal moving
            found = super().scan(parts)
            moving = moving.rename(content / f"{moving.stem}-on.md")
            return found

    refreshed = service.refresh(AfterEachLook(content), FINGERPRINT, NOON)
    assert (titles(store, NOON), refreshed.is_settled) == (["Title of gone", "Title of moving"], False)
    assert service.refresh(content, FINGERPRINT, NOON).is_settled
    assert titles(store, NOON) == ["Title of moving"]


@pytest.mark.parametrize(("looks", "left"), [(6, []), (100, ["Title of gone"])])
def test_single_refresh_looks_again_until_files_are_moved_no_more_or_all_the_time(
    service: FeedService, store: Store, content: Path, looks: int, left: list[str]
) -> None:
    gone, moving = write_article(content, "gone"), write_article(content, "moving")
    service.refresh(content, FINGERPRINT, NOON)
    gone.unlink()

    class AfterSomeLooks(Here):
        def scan(self, parts: tuple[str, ...] = EVERYTHING) -> Scan:
            nonlocal looks, moving
            found = super().scan(parts)
            looks -= 1
            if looks >= 0:
                moving = moving.rename(content / f"{moving.stem}-on.md")
            return found

    refreshed = service.refresh_to_the_end(AfterSomeLooks(content), FINGERPRINT, NOON)
    assert titles(store, NOON) == [*left, "Title of moving"]
    assert refreshed.is_settled == (not left)


def test_result_of_two_refreshes_tells_what_both_did() -> None:
    def report(path: str, reason: str) -> FileReport:
        return FileReport(path, State.REFUSED, (Problem(reason),))

    first = RefreshResult(
        1, 2, True, {State.SHOWN: 1}, (report("a", "1"), report("b", "1"), report("c", "1")), ("d", "e"), ("old",), True, False
    )
    second = RefreshResult(10, 20, False, {State.SHOWN: 2}, (report("b", "2"), report("d", "2")), ("c", "f"), ("new",))
    assert first.followed_by(second) == RefreshResult(
        11, 22, True, {State.SHOWN: 2}, (report("a", "1"), report("b", "2"), report("d", "2")), ("e", "f"), ("new",)
    )


@pytest.mark.parametrize(("parts", "left"), [(EVERYTHING, ["Title of a"]), (("a.md", "b.md"), [])])
def test_nothing_is_gone_where_a_file_left_its_place_before_it_was_read_but_what_is_said_to_be(
    service: FeedService, store: Store, content: Path, parts: tuple[str, ...], left: list[str]
) -> None:
    known = write_article(content, "a")
    service.refresh(content, FINGERPRINT, NOON)
    known.unlink()
    passing = write_article(content, "b")

    def take_away(stage: Stage, *_: int) -> None:
        if stage is Stage.READ:
            passing.unlink(missing_ok=True)

    refreshed = service.refresh(content, FINGERPRINT, NOON, parts=parts, progress=take_away)
    assert (titles(store, NOON), refreshed.is_settled) == (left, not left)
    assert service.refresh(content, FINGERPRINT, NOON).is_settled
    assert titles(store, NOON) == []


def test_refresh_by_somebody_else_is_no_trouble(service: FeedService, store: Store, content: Path) -> None:
    with store.refreshing(NOON), pytest.raises(IndexBusyError):
        service.refresh(content, FINGERPRINT, NOON)

    assert service.health(NOON).failure is None


def test_file_that_becomes_refused_is_told_once_and_told_when_it_is_mended(service: FeedService, content: Path) -> None:
    write_article(content, "a")
    write_article(content, "b", publishedDateTime="yesterday")
    new = FileReport("b.md", State.REFUSED, (BROKEN,))
    kept = FileReport("a.md", State.REFUSED, (KEPT,))
    assert service.refresh(content, FINGERPRINT, NOON).refused == (new,)
    write_article(content, "a", publishedDateTime="tomorrow")

    broken = service.refresh(content, FINGERPRINT, NOON)
    assert (broken.refused, broken.mended) == ((kept,), ())
    assert service.health(NOON).refused == (kept, new)
    again = service.refresh(content, FINGERPRINT, NOON)
    assert (again.refused, again.mended) == ((), ())
    write_article(content, "a")
    (content / "b.md").unlink()
    mended = service.refresh(content, FINGERPRINT, NOON)
    assert (mended.refused, mended.mended) == ((), ("a.md", "b.md"))
    assert service.health(NOON).refused == ()


def test_progress_is_heard_of_every_stage_and_every_file(service: FeedService, content: Path) -> None:
    write_article(content, "a")
    write_article(content, "b")
    heard: list[tuple[Stage, int, int]] = []

    def hear(stage: Stage, done: int, total: int) -> None:
        heard.append((stage, done, total))

    service.refresh(content, FINGERPRINT, NOON, progress=hear)
    assert heard == [(Stage.SCAN, 0, 0), (Stage.READ, 0, 2), (Stage.READ, 1, 2), (Stage.READ, 2, 2), (Stage.WRITE, 0, 0)]


def test_index_that_was_never_refreshed_has_nothing_to_look_at(service: FeedService) -> None:
    health = service.health(datetime.fromisoformat("2024-05-17T12:00:00Z"))
    assert (health.state.refreshed_at, health.failure, health.troubles, health.refused) == (None, None, (), ())

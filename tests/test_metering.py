"""What several processes count, together: nothing twice, nothing lost with a process that ends."""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from feeds.metering import BUCKETS, Counts, Meter, Tally

from .processes import wait_for

FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; {} subscribers; like FeedFetcher-Google)"


def count_in_child(folder: Path, subscribers: int) -> None:
    """Count as a worker does that was forked from a process with a meter of its own."""
    meter = Meter(folder)
    meter.request("topics rss 200", 0.002, "hit")
    meter.claim("topics", "ai", "/topics/ai/feed.rss?", FEEDLY.format(subscribers))
    meter.pinged("accepted", 1)
    meter.flush()


def in_child(folder: Path, subscribers: int) -> None:
    # The child's parent is this process, so this process plays the server, with a meter of the same server below.
    child = multiprocessing.get_context("fork").Process(target=count_in_child, args=(folder, subscribers))
    child.start()
    child.join(20)
    assert child.exitcode == 0


def of_children(folder: Path) -> Counts:
    """Return what the children of this process counted, as one more of them sees it."""
    reader, writer = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=lambda: writer.send(Meter(folder).total()))
    child.start()
    found = reader.recv()
    child.join(20)
    assert isinstance(found, Counts)
    return found


def test_processes_are_added_up_and_the_last_word_counts(tmp_path: Path) -> None:
    for subscribers in (5, 9, 7):
        in_child(tmp_path, subscribers)

    for _ in range(2):  # what was left by ended ones is counted once
        total = of_children(tmp_path)
        assert total.requests == {"topics rss 200": 3}
        assert (total.answers, sum(total.buckets), total.pings) == ({"hit": 3}, 3, {"accepted": 3})
        assert [word.subscribers for word in total.words.values()] == [7]
    assert [path.name for path in (tmp_path / str(os.getpid())).iterdir() if not path.name.startswith(".")] == ["ended"]


def test_forked_process_leaves_what_its_parent_counted_to_the_parent(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    meter.request("topics rss 200", 0.002, "hit")

    child = multiprocessing.get_context("fork").Process(target=meter.flush)
    child.start()
    child.join(20)

    assert not (tmp_path / str(os.getpid())).exists()
    assert meter.total().requests == {"topics rss 200": 1}


def test_next_server_knows_what_aggregators_said_to_the_one_before(tmp_path: Path) -> None:
    in_child(tmp_path, 5)
    gone = multiprocessing.get_context("fork").Process(target=int)
    gone.start()
    gone.join(20)
    (tmp_path / str(os.getpid())).rename(tmp_path / str(gone.pid))

    total = of_children(tmp_path)

    assert [word.subscribers for word in total.words.values()] == [5]
    assert total.requests == {}
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.isdigit()) in (
        [str(os.getpid())],
        sorted([str(os.getpid()), str(gone.pid)]),
    )


def test_lists_of_one_feed_count_each_and_so_do_formats(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    for place, feed_id, count in (("a.rss", "1", 3), ("a.rss", "2", 4), ("a.atom", "1", 5), ("a.rss", "1", 2)):
        meter.claim("topics", "ai", place, f"Feedbin feed-id:{feed_id} - {count} subscribers")
    assert sum(word.subscribers for word in meter.total().words.values()) == 2 + 4 + 5


def test_counts_are_bounded_whoever_claims_what(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    for number in range(20_100):
        meter.claim("topics", "ai", "a.rss", f"Reader feed-id:{number} - 1 subscribers")
    assert len(meter.total().words) == 20_000


def test_what_was_counted_is_written_without_being_asked(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    meter.request("topics rss 200", 0.002, "hit")
    assert wait_for((tmp_path / str(os.getppid()) / str(os.getpid())).is_file)


def test_where_nothing_can_be_written_a_process_counts_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    meter = Meter(tmp_path / "file" / "counts")
    meter.request("topics rss 200", 9.0, "miss")
    assert [meter.total().requests for _ in range(2)] == [{"topics rss 200": 1}] * 2
    assert len(caplog.messages) == 1


def test_file_of_another_version_counts_nothing(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    meter.refreshed(1.5)
    (tmp_path / str(os.getppid()) / "ended").write_bytes(b"\x00rubbish")
    assert (meter.total().refreshes, meter.total().refresh_seconds) == (1, 1.5)


def test_requests_of_many_threads_are_counted_each_once_whoever_asks_meanwhile() -> None:
    tally, threads, requests = Tally(), 8, 3001
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # threads take turns all the time
    try:
        with ThreadPoolExecutor() as pool:
            for _ in range(threads):
                pool.submit(lambda: [tally.add(0.75) for _ in range(requests)])
            seen = [tally.counts("topics rss 200", "hit").requests["topics rss 200"] for _ in range(100)]
    finally:
        sys.setswitchinterval(before)
    counts = tally.counts("topics rss 200", "hit")
    assert seen == sorted(seen)
    assert counts.requests == {"topics rss 200": threads * requests}
    assert counts.answers == {"hit": threads * requests}
    assert counts.seconds == 0.75 * threads * requests
    assert [count for count in counts.buckets if count] == [counts.buckets[BUCKETS.index(1.0)]]

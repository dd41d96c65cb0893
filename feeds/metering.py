"""What a server counts, and the same of all its processes together. Knows files and processes; knows no HTTP and no index.

Each process counts in memory, where that costs next to nothing, and writes what it has into a file of its own every
second. Whoever wants to know adds up all files; what a process that has ended left is added to a file for those, once.
The counts of one server are in one folder, named after the process that started all the others.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakSet

import msgspec

from feeds.subscribers import claim_of

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
_FLUSH_SECONDS = 1.0
_FORGET_SECONDS = 7 * 86_400  # an aggregator that asks no more has no more readers
_FRESH_SECONDS = 3600  # for so long the same word needs not be written again
_MOST_CLAIMS = 20_000
_MOST_ADDED = 1000  # requests: counted together, in a third of a millisecond
_ENDED = "ended"
_log = logging.getLogger("feeds")


class Word(msgspec.Struct):
    """What an aggregator said last of a feed, and when."""

    subscribers: int
    said_at: float


class Counts(msgspec.Struct):
    """What was counted. The requests are by kind of feed, format and status, with spaces between."""

    requests: dict[str, int] = {}
    buckets: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0
    answers: dict[str, int] = {}  # by what the cache did for them
    refreshes: int = 0
    refresh_seconds: float = 0.0
    pings: dict[str, int] = {}
    words: dict[str, Word] = {}  # by kind, slug, aggregator and list of it

    def add(self, other: Counts) -> None:
        """Count in what another process counted; of words the later one stands."""
        self.requests = dict(Counter(self.requests) + Counter(other.requests))
        self.pings = dict(Counter(self.pings) + Counter(other.pings))
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]
        self.seconds += other.seconds
        self.answers = dict(Counter(self.answers) + Counter(other.answers))
        self.refreshes += other.refreshes
        self.refresh_seconds += other.refresh_seconds
        for key, word in other.words.items():
            if key not in self.words or self.words[key].said_at < word.said_at:
                self.words[key] = word


_encode = msgspec.msgpack.encode
_decoder = msgspec.msgpack.Decoder(Counts)


class _Flusher:
    """The thread of a process that writes what its meters counted."""

    def __init__(self) -> None:
        self.is_running = False

    def start(self) -> None:
        self.is_running = True
        threading.Thread(target=self._run, name="feeds-metering", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_FLUSH_SECONDS)
            for meter in list(_meters):
                meter.flush()

    def stop(self) -> None:
        """Know that there is no thread: a child process has none of its parent's."""
        self.is_running = False


_flusher = _Flusher()


class Tally:
    """The requests of one kind, format and status for which the cache did the same; any thread may add to it."""

    __slots__ = ("_added", "_buckets", "_lock", "_seconds")

    def __init__(self) -> None:
        self._added = deque[float]()  # and not counted yet
        self._lock = threading.Lock()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count a request that took so long, and wait for nobody: a thread whose turn ends while it has a lock keeps all others."""
        self._added.append(seconds)
        if len(self._added) >= _MOST_ADDED and self._lock.acquire(blocking=False):
            try:
                self._count()
            finally:
                self._lock.release()

    def counts(self, labels: str, cache: str) -> Counts:
        """Return what was added."""
        with self._lock:
            self._count()
            count = sum(self._buckets)
            return Counts({labels: count}, list(self._buckets), self._seconds, {cache: count})

    def _count(self) -> None:
        for _ in range(len(self._added)):
            seconds = self._added.popleft()
            self._buckets[bisect_left(BUCKETS, seconds)] += 1
            self._seconds += seconds


class Meter:
    """Counts in this process; any thread may."""

    def __init__(self, folder: Path, server: int | None = None) -> None:
        """Count in `folder`, for the server that the process `server` is: None for one that started this process itself."""
        self._home = folder
        self._server = server
        self.start_anew()
        _meters.add(self)

    def start_anew(self) -> None:
        """Forget what was counted: in a child process, that is the parent's."""
        self._counts = Counts()  # of all but requests
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._written = _encode(Counts())
        self._is_alone = False  # nobody can read what we write

    def tally(self, labels: str, cache: str) -> Tally:
        """Return where to count requests of a kind of feed, a format and a status, for which the cache did the same."""
        if not _flusher.is_running:
            _flusher.start()
        found = self._tallies.get((labels, cache))
        if found is None:
            with self._lock:
                found = self._tallies.setdefault((labels, cache), Tally())
        return found

    def request(self, labels: str, seconds: float, cache: str) -> None:
        """Count a request: the kind of feed, the format and the status, how long it took, what the cache did."""
        self.tally(labels, cache).add(seconds)

    def claim(self, kind: str, slug: str, place: str, user_agent: str) -> None:
        """Take what an aggregator says of the feed at a place; nothing else of it is kept."""
        said = claim_of(user_agent)
        if said is None:
            return
        key = "\n".join((kind, slug, said.aggregator, said.feed_id, place))
        now = time.time()
        with self._lock:
            words = self._counts.words
            known = words.get(key)
            if known is not None and known.subscribers == said.subscribers and now - known.said_at < _FRESH_SECONDS:
                return
            if known is None and len(words) >= _MOST_CLAIMS:
                del words[next(iter(words))]
            words.pop(key, None)  # the latest words are last
            words[key] = Word(said.subscribers, now)

    def refreshed(self, seconds: float) -> None:
        """Count a refresh of the index."""
        with self._lock:
            self._counts.refreshes += 1
            self._counts.refresh_seconds += seconds
        self.flush()

    def pinged(self, result: str, times: int) -> None:
        """Count pings of the hub by what came of them, a word of a few."""
        if times:
            with self._lock:
                self._counts.pings[result] = self._counts.pings.get(result, 0) + times
            self.flush()

    def flush(self) -> None:
        """Write what was counted, so that the other processes can read it."""
        with self._writing:
            written = _encode(self._counted())
            if self._is_alone or written == self._written:
                return
            self._written = written
            try:
                _write(self._folder() / str(os.getpid()), written)
            except OSError as error:
                self._is_alone = True
                _log.warning("each process counts for itself alone: %s", error)

    def _counted(self) -> Counts:
        with self._lock:
            counted = Counts()
            counted.add(self._counts)
            tallies = list(self._tallies.items())
        for (labels, cache), tally in tallies:
            counted.add(tally.counts(labels, cache))
        return counted

    def total(self) -> Counts:
        """Return what all processes of this server counted, those that ended too."""
        self.flush()
        total = Counts()
        if self._is_alone:
            total.add(self._counted())
            return total
        try:
            with _locked(self._folder()) as folder:
                _bury(folder)
                for path in folder.iterdir():
                    if path.name.isdigit() or path.name == _ENDED:
                        total.add(_read(path))
        except OSError as error:
            _log.warning("what other processes count can't be read: %s", error)
        oldest = time.time() - _FORGET_SECONDS
        total.words = {key: word for key, word in total.words.items() if word.said_at >= oldest}
        return total

    def _folder(self) -> Path:
        folder = self._home / str(self._server or os.getppid())
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            self._inherit(folder)
        return folder

    def _inherit(self, folder: Path) -> None:
        """Take what aggregators said to a server before this one; its other counts went with it."""
        said = Counts()
        for before in self._home.iterdir():
            if before != folder and before.name.isdigit() and not _is_alive(int(before.name)):
                for path in before.iterdir():
                    said.add(Counts(words=_read(path).words))
                    path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    before.rmdir()
        if said.words:
            _write(folder / _ENDED, _encode(said))


_meters: WeakSet[Meter] = WeakSet()


def _after_fork() -> None:
    _flusher.stop()
    for meter in list(_meters):
        meter.start_anew()


os.register_at_fork(after_in_child=_after_fork)


def _bury(folder: Path) -> None:
    """Add what ended processes counted to the file for those."""
    left = [path for path in folder.iterdir() if path.name.isdigit() and not _is_alive(int(path.name))]
    if left:
        ended = _read(folder / _ENDED)
        for path in left:
            ended.add(_read(path))
        _write(folder / _ENDED, _encode(ended))
        for path in left:
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: Path) -> Counts:
    """Return what stands in a file; nothing where it went, or is of another version."""
    try:
        return _decoder.decode(path.read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError):
        return Counts()


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{threading.get_ident()}")
    beside.write_bytes(content)
    beside.replace(path)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder

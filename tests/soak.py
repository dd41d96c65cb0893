"""A server under mixed load while its folder changes all the time: who asks, who edits, and what must hold whatever happens.

For each URL and coding an ETag stands for one body; each edit is seen through all workers; Last-Modified moves with each;
what is renamed comes back; what is scheduled shows when it is due; nothing is ever an error.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from random import Random

import brotli
import zstandard

from .builders import source

PATIENCE_SECONDS = 20  # until a change is seen; later it is lost
_PAUSE_SECONDS = 0.05
_AGREEING = 12  # answers in a row that show a change, so that all of a few workers gave some of them
_AHEAD = timedelta(seconds=3)  # of a scheduled article
_CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: bytes(zstandard.ZstdDecompressor().decompressobj().decompress(body)),
}
_PAGES = ("/", "/topics/", "/topics/ai/", "/search/?topic=ai", "/feeds.opml", "/sitemap.xml")
_FEEDS = ("/feed", "/topics/ai/feed", "/topics/edited/feed", "/topics/added/feed", "/topics/renamed/feed", "/topics/scheduled/feed")


@dataclass(frozen=True)
class Got:
    """What a poll came to; the body without its coding."""

    status: int
    etag: str
    modified_at: datetime | None
    body: bytes


@dataclass
class Soak:
    """The state of it all; any thread adds to it."""

    port: int
    content: Path
    index_command: list[str]  # brings the index up to date beside the server
    faults: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)
    _bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)  # their hashes, by URL and ETag
    _held: list[dict[tuple[str, str], Got]] = field(default_factory=list)  # by poller, URL and coding
    _first_edit: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, seconds: float, pollers: int, first_edit: int = 0) -> None:
        """Poll and edit for so long; what was found is in `faults` then. No two runs may begin with the same edit."""
        self.over.clear()
        self._first_edit = first_edit
        jobs: list[Callable[[], None]] = [self._edit, self._add_and_delete, self._rename, self._schedule, self._index]
        jobs += [partial(self._poll, number) for number in range(pollers)]
        threads = [threading.Thread(target=self._guarded, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        self.over.wait(seconds)
        self.over.set()
        for thread in threads:
            thread.join()
        self._guarded(self._compare_held)

    def _compare_held(self) -> None:
        """Whoever goes by Last-Modified alone has what there is, or gets it; at the latest when the last change is in the index."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for (url, coding), last in [each for held in self._held for each in held.items()]:
            while last.modified_at is not None and self.ask(url, coding, _since(last.modified_at)).status == 304:
                now = self.ask(url, coding)
                if now.etag == last.etag:
                    break
                if time.monotonic() > deadline:
                    self.faults.append(f"{url}: 304 since {last.modified_at}, but {last.etag} has become {now.etag}")
                    break
                time.sleep(_PAUSE_SECONDS)

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            self.faults.append(repr(error))

    def ask(self, url: str, coding: str = "", headers: dict[str, str] | None = None, connection: HTTPConnection | None = None) -> Got:
        """Ask for a URL, and compare what comes with all that came before."""
        used = connection or HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            used.request("GET", url, headers={"Accept-Encoding": coding or "identity", **(headers or {})})
            response = used.getresponse()
            raw = response.read()
        finally:
            if connection is None:
                used.close()
        said = response.headers
        etag, modified = said.get("ETag", ""), said.get("Last-Modified")
        with self._lock:
            self.statuses[f"{response.status}"] += 1
            if response.status not in (200, 304, 404):
                self.faults.append(f"{url}: {response.status}")
            if response.status == 200:
                known = self._bodies.setdefault((url, etag), hashlib.sha256(raw).digest())
                if known != hashlib.sha256(raw).digest():
                    self.faults.append(f"{url}: {etag} stands for two bodies")
        body = _CODINGS[said.get("Content-Encoding", "")](raw) if response.status == 200 else b""
        if response.status == 200:
            with self._lock:  # and what is in the codings is the same
                plain = self._bodies.setdefault((url, f"plain {etag.partition('-')[0].strip(chr(34))}"), hashlib.sha256(body).digest())
                if plain != hashlib.sha256(body).digest():
                    self.faults.append(f"{url}: {etag} holds another body than other codings")
        return Got(response.status, etag, None if modified is None else parsedate_to_datetime(modified), body)

    def _poll(self, number: int) -> None:
        """Ask as readers and programs do: again and again, mostly for what they have, sometimes for a slice that nobody has."""
        dice = Random(number)  # noqa: S311 - repeatable on purpose
        held: dict[tuple[str, str], Got] = {}
        self._held.append(held)
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)) as connection:
            while not self.over.is_set():
                url, coding = dice.choice(_PAGES) if dice.random() < 0.1 else self._feed(dice), dice.choice(tuple(_CODINGS))
                last, headers = held.get((url, coding)), dict[str, str]()
                if last is not None and dice.random() < 0.7:
                    headers = {"If-None-Match": dice.choice((last.etag, f'"x", W/{last.etag}'))}
                elif last is not None and last.modified_at is not None and dice.random() < 0.5:
                    headers = _since(last.modified_at)
                if dice.random() < 0.1:
                    connection.close()  # the next one may come to another worker
                got = self.ask(url, coding, headers, connection)
                if got.status == 304 and last is not None and "If-None-Match" in headers and got.etag != last.etag:
                    self.faults.append(f"{url}: 304 for {last.etag} with {got.etag}")
                if got.status == 200:
                    held[url, coding] = got

    def _feed(self, dice: Random) -> str:
        extension = dice.choice(("rss", "atom", "json"))
        if dice.random() < 0.1:
            return f"/search/feed.{extension}?min_quality={dice.randrange(100)}&limit={dice.choice((10, 20, 100))}"
        return f"{dice.choice(_FEEDS)}.{extension}"

    def _edit(self) -> None:
        """Change an article again and again: each state is seen through all workers, with a later Last-Modified."""
        modified_at, number = datetime(1970, 1, 1, tzinfo=UTC), self._first_edit
        while not self.over.is_set():
            number += 1
            self._write("edited", title=f"Edited {number}", topics=["Edited"])
            seen = self._seen(f"edit {number}", "/topics/edited/feed.atom", partial(_shows, f"Edited {number}<"))
            if seen is not None and seen.modified_at is not None:
                # It is no later than the clock, so edits within a second may share one; in the next it has moved.
                is_settled = datetime.now(UTC) - seen.modified_at > timedelta(seconds=2)
                if seen.modified_at < modified_at or (is_settled and seen.modified_at == modified_at):
                    self.faults.append(f"edit {number}: Last-Modified went from {modified_at} to {seen.modified_at}")
                modified_at = seen.modified_at

    def _add_and_delete(self) -> None:
        number = self._first_edit
        while not self.over.is_set():
            number += 1
            name = f"added-{number}"
            path = self._write(name, topics=["Added"])
            self._seen(f"{name} added", "/topics/added/feed.json", partial(_shows, f'Title of {name}"'))
            path.unlink()
            self._seen(f"{name} deleted", "/topics/added/feed.json", partial(_lacks, f'Title of {name}"'))

    def _rename(self) -> None:
        """Move a file to and fro. Who looks through the folder meanwhile may see it in neither place; the next look has it."""
        path = self._write("renamed", topics=["Renamed"])
        while not self.over.is_set():
            self._seen(f"renamed to {path}", "/topics/renamed/feed.rss", partial(_shows, "Title of renamed<"))
            folder = self.content / f"folder-{time.monotonic_ns() % 3}"
            folder.mkdir(exist_ok=True)
            path = path.rename(folder / path.name)
            self.edits["renames"] += 1

    def _schedule(self) -> None:
        """Write articles ahead of their time: none shows before it."""
        number, url = self._first_edit, "/topics/scheduled/feed.rss"
        while not self.over.is_set():
            number += 1
            due_at = datetime.now(UTC).replace(microsecond=0) + _AHEAD
            self._write(f"due-{number}", topics=["Scheduled"], publishedDateTime=f"{due_at:%Y-%m-%dT%H:%M:%SZ}")
            shown = f"Title of due-{number}<"
            while datetime.now(UTC) < due_at - timedelta(seconds=0.5):
                if _shows(shown, self.ask(url)) and datetime.now(UTC) < due_at:
                    self.faults.append(f"due-{number} showed before its time")
                time.sleep(_PAUSE_SECONDS)
            self._seen(f"due-{number}", url, partial(_shows, shown))

    def _index(self) -> None:
        """Have another process bring the index up to date, again and again; it may find the server at it."""
        while not self.over.wait(1):
            ended = subprocess.run(self.index_command, cwd=self.content.parent, capture_output=True, text=True, check=False)
            self.edits["refreshes beside"] += 1
            if ended.returncode != 0 and "another process" not in ended.stderr:
                self.faults.append(f"feeds index: {ended.stderr}")

    def _write(self, name: str, **fields: object) -> Path:
        """Write an article as editors do, whole or not at all."""
        beside, path = self.content / f".{name}", self.content / f"{name}.md"
        beside.write_text(source("", name, **fields), "utf-8")
        beside.rename(path)
        return path

    def _seen(self, what: str, url: str, shows: Callable[[Got], bool]) -> Got | None:
        """Wait until a change shows through all workers; return the last answer that shows it."""
        deadline, agreeing = time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < deadline:
            got = self.ask(url)
            agreeing = agreeing + 1 if shows(got) else 0
            if agreeing >= _AGREEING:
                self.edits["changes"] += 1
                return got
            if agreeing == 0:
                time.sleep(_PAUSE_SECONDS)
        self.faults.append(f"{what}: not seen after {PATIENCE_SECONDS} seconds")
        return None


def _since(moment: datetime) -> dict[str, str]:
    return {"If-Modified-Since": f"{moment:%a, %d %b %Y %H:%M:%S GMT}"}


def _shows(text: str, got: Got) -> bool:
    return text.encode() in got.body


def _lacks(text: str, got: Got) -> bool:
    return got.status == 200 and text.encode() not in got.body

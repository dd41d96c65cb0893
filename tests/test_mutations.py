"""Nothing leaks and nothing breaks: over a whole site, and over copies of its articles that were damaged in every way.

The site is the one of the fixture `corpus`, real or generated. What must not leak is found here without the program's
own reading: every twelve characters of a `secured` value, and title, URLs and excerpt of what is unpublished, unless a
published file says the same. The index is searched as bytes, so overwritten and deleted rows count too.
"""

from __future__ import annotations

import dataclasses
import html
import json
import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import unquote

import pytest
import yaml
from lxml import etree

from feeds.config import Config
from feeds.feed import FeedAddress, FeedOptions, RelatedOption
from feeds.metering import Meter
from feeds.model import FileReport, Kind, Level, State
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.watching import Refresher

from .builders import NOON, SITE, source

PART = 12  # characters of a payload that are too many
RUN = re.compile(rf"[A-Za-z0-9+/=;]{{{PART},}}")
PAYLOAD = re.compile(r"^\s*secured: *[\"']?([^\"'\n]+)", re.MULTILINE)
UNPUBLISHED = re.compile(r"^(?:published: *(?:false|no|off)|(?:draft|removed|deleted): *(?:true|yes|on))\b", re.MULTILINE | re.IGNORECASE)
UNREADABLE = re.compile(r"^(?:published: perhaps|removed: \[)", re.MULTILINE)
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
SAYS_NO_PLACE = ("has no `---` line that ends the front matter", "is larger than 1 MiB")


def parts(text: str) -> set[str]:
    """Return every twelve characters in a row that a payload could have."""
    return {run[place : place + PART] for run in RUN.findall(text) for place in range(len(run) - PART + 1)}


def meant(text: str) -> str:
    """Return a text with the escapes of JSON, XML, HTML and URLs resolved."""
    return unquote(html.unescape(html.unescape(text.replace('\\"', '"').replace("\\\\", "\\"))))


@dataclass(frozen=True)
class Secrets:
    """What no output may hold."""

    payload_parts: frozenset[str]
    sayings: frozenset[str]  # titles, URLs and excerpts of unpublished articles

    def leaked_into(self, output: str) -> set[str]:
        text = meant(output)
        return (parts(text) & self.payload_parts) | self._said_in(text)

    def but_for(self, published: Iterable[str]) -> Secrets:
        """Return the secrets without what published files say themselves."""
        return dataclasses.replace(self, sayings=self.sayings - self._said_in(meant("\n".join(published))))

    def _said_in(self, text: str) -> set[str]:
        searched = text.encode()  # much faster than text
        return {saying for saying in self.sayings if saying.encode() in searched}


def secrets(texts: Iterable[str]) -> Secrets:
    """Return what is secret in unharmed article files."""
    payload_parts: set[str] = set()
    sayings: set[str] = set()
    for text in texts:
        for payload in PAYLOAD.findall(text):
            payload_parts |= parts(payload)
        if UNPUBLISHED.search(text):
            fields = yaml.load(text.partition("\n---")[0], yaml.CSafeLoader)
            sayings.update(meant(fields[key]).strip() for key in ("title", "excerpt", "webUrl", "originalUrl") if key in fields)
    return Secrets(frozenset(payload_parts), frozenset(sayings))


def without_related(text: str) -> str:
    """Return an article file without the stories it points to: hidden ones are left out of feeds."""
    return re.sub(r"^related:\n(?: .*\n)*", "", text, flags=re.MULTILINE)


def article_files(corpus: Path) -> list[Path]:
    return sorted(path for path in corpus.rglob("*.md") if re.search(r"^title:", path.read_text("utf-8"), re.MULTILINE))


def entries(service: FeedService) -> str:
    """Return what all feeds say, each of them well-formed; what several say alike once."""
    said: set[bytes] = set()
    addresses = [FeedAddress(options=FeedOptions(limit=200, related=RelatedOption.ENTRIES))]
    addresses += [FeedAddress(kind, collection.slug) for kind in Kind for collection in service.collections(kind, NOON)]
    for address in addresses:
        for extension in FORMATS:
            body = service.document(address, extension, SITE, NOON).body
            json.loads(body) if extension == "json" else etree.fromstring(body)
            said.update(re.split(rb'(?=<item>|<entry>|\{"id":)', body))
    return b"\n".join(said).decode()


def index_text(config: Config) -> str:
    """Return the bytes of the index, those of its logs and counts too, as text; letters outside ASCII as UTF-8."""
    database = Path((config.database or "").removeprefix("sqlite:///"))
    beside = sorted(path for path in database.parent.rglob("*") if str(path).startswith(str(database)) and path.is_file())
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in beside)


def messages(reports: Iterable[FileReport]) -> str:
    return "\n".join(
        f"{report.path}:{problem.line}: {problem.field}: {problem.reason}" for report in reports for problem in report.problems
    )


def test_nothing_secret_of_a_site_is_in_its_index_its_feeds_or_any_message(
    corpus: Path, config: Config, service: FeedService, caplog: pytest.LogCaptureFixture
) -> None:
    texts = [path.read_text("utf-8") for path in article_files(corpus)]
    published = [text for text in texts if not UNPUBLISHED.search(text)]
    secret = secrets(texts)
    assert len(secret.payload_parts) > 100_000
    assert len(secret.sayings) > 100
    with caplog.at_level("INFO"):
        Refresher(service, dataclasses.replace(config, content=corpus), lambda: NOON, Meter(config.counts_folder)).refresh()
    outside_of_feeds = "\n".join((caplog.text, messages(service.check(corpus, NOON).reports), index_text(config)))
    assert secret.but_for(published).leaked_into(outside_of_feeds) == set()
    assert secret.but_for(map(without_related, published)).leaked_into(entries(service)) == set()


Mutation = Callable[[str, str, Random], str | bytes]  # of an article file, given another one


def at_any_place(text: str, piece: str, dice: Random) -> str:
    place = dice.randrange(len(text))
    return text[:place] + piece + text[place:]


def with_line(text: str, line: str) -> str:
    """Return an article file with one more line of front matter."""
    return text.replace("---\n", f"---\n{line}\n", 1)


def with_value(text: str, key: str, value: str) -> str:
    """Return an article file in which a key has another value, or has one now."""
    without = re.sub(rf"^{key}:.*\n(?: .*\n)*", "", text, flags=re.MULTILINE)
    return with_line(without, f"{key}: {value}")


def truncated(text: str, _other: str, dice: Random) -> str:
    return text[: dice.randrange(len(text))]


def spliced(text: str, other: str, dice: Random) -> str:
    return text[: dice.randrange(len(text))] + other[dice.randrange(len(other)) :]


def spliced_in_a_payload(text: str, other: str, dice: Random) -> str:
    end = dice.choice((len(text), dice.randrange(len(text))))
    return text[:end] + other[other.index("\nsecured:") + dice.randrange(12, 400) :]


def wrong_type(text: str, _other: str, dice: Random) -> str:
    keys = (
        "title excerpt publishedDateTime originalUrl webUrl type quality published provider topics images related actions length id locale"
    )
    values = ("[a, {b: c}]", "{a: {b: c}}", "7", "no", "1:30", "2024-04-11", "''", "|\n  a\n   b", "!!binary AA", "-.inf", "[[]]", "{}")
    return with_value(text, dice.choice(keys.split(" ")), dice.choice(values))


def controls(text: str, _other: str, dice: Random) -> str:
    for _ in range(20):
        text = at_any_place(text, dice.choice("\x00\x01\x07\x08\x0b\x1b\x1f\x7f\x85\u2028\ufeff\uffff"), dice)
    return text


def huge(text: str, _other: str, dice: Random) -> str:
    key = dice.choice(("title", "excerpt", "originalUrl", "publishedDateTime", "quality", "topics", "featuredContent", "id", "length"))
    return with_value(text, key, dice.choice(("9", "x", "https://a.example/", "[a, ")) * dice.choice((5_000, 100_000)))


def huge_file(text: str, _other: str, _dice: Random) -> str:
    return text + "x" * 1024 * 1024


def bad_utf8(text: str, _other: str, dice: Random) -> bytes:
    place = dice.randrange(len(text))
    return text[:place].encode() + dice.choice((b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80")) + text[place:].encode()


def utf16(text: str, _other: str, _dice: Random) -> bytes:
    return text.encode("utf-16")


def brackets(text: str, _other: str, dice: Random) -> str:
    nest = dice.choice(("[", "{a: ", "- ", "![", "<b>", "> ", "(")) * 50_000
    return dice.choice((with_value(text, "topics", nest), with_line(text, nest), text + nest))


def alias_bomb(text: str, _other: str, _dice: Random) -> str:
    lines = ["a0: &a0 [x, x]", *(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]" for level in range(1, 40))]
    return with_line(text, "\n".join((*lines, "topics2: *a39")))


def duplicate_key(text: str, _other: str, dice: Random) -> str:
    line = dice.choice(re.findall(r"^\w+:.*$", text.partition("\n---")[0], re.MULTILINE))
    return text.replace(line, f"{line}\n{line}", 1)


def hostile_url(text: str, _other: str, dice: Random) -> str:
    scheme = dice.choice(("javascript:alert(1)//", "data:text/html,", "file:///", "//", "http:///", "https://[", "https://a b/", "\\\\"))
    return re.sub("https?://", lambda match: dice.choice((scheme, match[0])), text)


def bad_date(text: str, _other: str, dice: Random) -> str:
    dates = ("0000-00-00", "2023-02-30", "9999-12-31T23:59:60-14:00", "yesterday", "-1", "1e9", "2024-13-01T00:00:00Z", "12/03/2020", "[]")
    return with_value(text, "publishedDateTime", dice.choice(dates))


def lost_quote(text: str, _other: str, dice: Random) -> str:
    place = dice.choice([match.start() for match in re.finditer('"', text)])
    return text[:place] + text[place + 1 :]


def lost_line_ends(text: str, _other: str, dice: Random) -> str:
    return re.sub("\n", lambda _: dice.choice(("\n", "\r\n", "\r", "\n\t", "\n ", " ")), text)


def unpublished(text: str, _other: str, dice: Random) -> str:
    line = dice.choice(("published: false", "draft: true", "removed: yes", "deleted: true", "published: perhaps", "removed: [1]"))
    return with_line(re.sub(r"^published:.*\n", "", text, flags=re.MULTILINE), line)


def unpublished_and_broken(text: str, other: str, dice: Random) -> str:
    return with_line(unpublished(text, other, dice), dice.choice(("broken: [", "a: b: c", "\tx", "@", "'")))


MUTATIONS: tuple[Mutation, ...] = (
    truncated, spliced, spliced_in_a_payload, wrong_type, controls, huge, huge_file, bad_utf8, utf16, brackets, alias_bomb,
    duplicate_key, hostile_url, bad_date, lost_quote, lost_line_ends, unpublished, unpublished_and_broken,
)  # fmt: skip
COPIES = 12 * len(MUTATIONS)


@dataclass(frozen=True)
class Copy:
    """An article, another one that may be mixed into it, and what became of it."""

    path: str
    before: str
    other: str
    after: bytes

    @property
    def text(self) -> str:
        """What can be read of it, without the middle of a huge one."""
        text = CONTROLS.sub("", self.after.decode("utf-16" if self.after[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace"))
        return text if len(text) < 100_000 else text[:50_000] + text[-50_000:]

    @property
    def is_taken_down(self) -> bool:
        """Whether its front matter, as far as it can be told, says that it is not to be seen, or says it badly."""
        head = re.split(r"\n(?:---|\.\.\.)[ \t]*\r?\n", self.text, maxsplit=1)[0]
        return UNPUBLISHED.search(head) is not None or UNREADABLE.search(head) is not None


def damaged_copies(corpus: Path) -> list[Copy]:
    """Return copies of articles, damaged in every way, the same ones for the same site."""
    dice = Random(17)  # noqa: S311 - repeatable on purpose
    texts = [path.read_text("utf-8") for path in article_files(corpus)]
    copies = []
    for number, before in enumerate(dice.sample(texts, COPIES)):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        other = dice.choice(texts)
        after = mutation(before, other, dice)
        copies.append(Copy(f"{number:03}-{mutation.__name__}.md", before, other, after if isinstance(after, bytes) else after.encode()))
    return copies


def add_what_is_no_file(folder: Path) -> int:
    """Put things into a folder that are named like articles, and return how many of them are candidates all the same."""
    os.mkfifo(folder / "fifo.md")
    (folder / "hostname.md").symlink_to("/etc/hostname")
    (folder / "root").symlink_to("/")
    (folder / "up").symlink_to("..")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "loop").symlink_to("loop")
    (folder / "folder.md").mkdir()
    (folder / "folder.md" / "inner.md").write_text(source(name="inner"), "utf-8")
    (folder / "same.md").symlink_to("folder.md/inner.md")
    return 2


@pytest.mark.parametrize("was_good", [False, True], ids=["new", "good before"])
def test_damaged_copies_break_nothing_and_leak_nothing(
    *,
    was_good: bool,
    corpus: Path,
    content: Path,
    config: Config,
    service: FeedService,
    caplog: pytest.LogCaptureFixture,
    listening: socket.socket,
) -> None:
    copies = damaged_copies(corpus)
    if was_good:
        for copy in copies:
            (content / copy.path).write_text(copy.before, "utf-8")
        service.refresh(content, config.fingerprint(), NOON)
    for copy in copies:
        (content / copy.path).write_bytes(copy.after)
    listening.bind("socket.md")
    candidates = len(copies) + add_what_is_no_file(content)
    with caplog.at_level("INFO"):
        Refresher(service, config, lambda: NOON, Meter(config.counts_folder)).refresh()
    assert "not refreshed" not in caplog.text

    result = service.check(content, NOON)
    assert sum(result.counts.values()) == candidates
    assert min(result.counts[State.SHOWN], result.counts[State.HIDDEN], result.counts[State.REFUSED]) >= 5
    assert len({report.path for report in result.reports}) == len(result.reports)
    states = Counter(report.state for report in result.reports)
    assert [states[state] for state in (State.HIDDEN, State.SKIPPED, State.REFUSED)] == [
        result.counts[state] for state in (State.HIDDEN, State.SKIPPED, State.REFUSED)
    ]
    assert [report.path for report in result.reports if report.state is State.REFUSED and not is_told(report)] == []

    visible = [copy for copy in copies if not copy.is_taken_down]
    published = [text for copy in visible for text in ((copy.text, copy.before) if was_good else (copy.text,))]
    taken_down = [with_line(copy.before, "published: false") for copy in copies if copy.is_taken_down]
    secret = dataclasses.replace(
        secrets(taken_down), payload_parts=secrets(text for copy in copies for text in (copy.before, copy.other)).payload_parts
    )
    said = "\n".join((caplog.text, messages(result.reports), index_text(config), entries(service)))
    assert secret.but_for(published).leaked_into(said) == set()


def is_told(report: FileReport) -> bool:
    """Whether a person can act on what is said about a refused file: why, and where if that can be known."""
    errors = [problem for problem in report.problems if problem.level is Level.ERROR]
    return bool(errors) and all(
        len(problem.reason.splitlines()) == 1 and (problem.line or problem.field or problem.reason.startswith(SAYS_NO_PLACE))
        for problem in errors
    )


@pytest.fixture
def listening(content: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket to be bound in the content folder; the working folder is that one, for paths of sockets are short."""
    monkeypatch.chdir(content)
    with socket.socket(socket.AF_UNIX) as listener:
        yield listener

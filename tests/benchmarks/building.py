"""How long an export takes, made anew and after one article changed, beside Hugo and Pelican that write the same feeds.

    python -m tests.benchmarks.building --sizes 1000 10000 --rounds 5 --keep FOLDER

Everything is a whole command, from its start to its end, and all take turns within a round. `lean` are the newest articles of each topic
in RSS and Atom, which is what the others write; `whole` is everything. Made anew means without an index and without the files of
before: all read every article. `of index` is ours with an index and without the files, as after `feeds index`, beside what the
others take anew. Afterwards an article gets another title, and each builds again. What all of them wrote is read back and compared.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from lxml import etree

from feeds.content.loader import load
from feeds.model import ArticleQuery, Kind
from feeds.service import FeedService
from feeds.store.sql import IN_MEMORY, open_store
from tests.benchmarks.generators import ENTRIES, Generator, Shown, hugo, pelican
from tests.benchmarks.measuring import compile_as_pip_does
from tests.builders import candidates
from tests.corpus import write_corpus

_BIN = Path(sys.executable).parent
_OURS = {"lean": ("--only", "topics", "--formats", "rss,atom"), "whole": ()}
_CHANGED = "Changed"
_TITLES = {"rss": "channel/item/title", "atom": "{*}entry/{*}title"}


@dataclass(frozen=True, slots=True)
class Build:
    """A command that makes a folder; `new` is what has to be away for it to be made anew."""

    name: str
    command: tuple[str, ...]
    public: Path
    articles: Path
    new: tuple[Path, ...]

    def seconds(self) -> float:
        started = time.perf_counter()
        subprocess.run(self.command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    def clear(self, *places: Path) -> None:
        """Remove what has to be away, or some of it."""
        for place in places or self.new:
            for path in place.parent.glob(f"{place.name}*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000], help="numbers of article files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder for the made-up sites, to be used again")
    parser.add_argument("--only", nargs="+", choices=["lean", "whole", "Hugo", "Pelican"], default=["lean", "whole", "Hugo", "Pelican"])
    given = parser.parse_args()
    compile_as_pip_does()
    head = "".join(f" {name:>10} {'/ Hugo':>8} {'/ Pelican':>10}" for name in ("anew s", "of index s", "1 new s"))
    print(f"{'files':>7} {'':8}{head} {'written':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        for size in given.sizes:
            _measure(given.keep or Path(scratch), Path(scratch), size, given.rounds, given.only)


def _measure(sites: Path, scratch: Path, size: int, rounds: int, names: Sequence[str]) -> None:
    content = sites / f"content-{size}"
    if not content.is_dir():
        write_corpus(content, size)
    expected = _expected(content)
    generators = {
        "Hugo": lambda: hugo(sites / f"hugo-{size}", content, expected.shown),
        "Pelican": lambda: pelican(sites / f"pelican-{size}", content, expected.shown, _BIN / "pelican"),
    }
    builds = [_ours(name, content, scratch, options) for name, options in _OURS.items() if name in names]
    builds += [_theirs(make()) for name, make in generators.items() if name in names]
    anew, indexed, again = ({build.name: list[float]() for build in builds} for _ in range(3))
    written: dict[str, int] = {}
    for number in range(rounds):
        for build in builds:
            build.clear()
            anew[build.name].append(build.seconds())
            _compare(build, expected.titles)
            if build.name in _OURS:
                build.clear(build.public)
                indexed[build.name].append(build.seconds())
                _compare(build, expected.titles)
        with ExitStack() as stack:
            before = {build.name: _files(build.public) for build in builds if number == 0}
            for articles in {build.articles for build in builds}:
                stack.enter_context(_changed(articles / expected.newest))
            for build in builds:
                again[build.name].append(build.seconds())
                _compare(build, expected.titles_after())
                if build.name in before:
                    written[build.name] = _written(build, before[build.name])
    for build in builds:
        said = [_line(anew[build.name], anew), _line(indexed[build.name], anew), _line(again[build.name], again)]
        print(f"{size:7} {build.name:8}{''.join(said)} {written[build.name]:8}", flush=True)


def _line(seconds: Sequence[float], of_all: Mapping[str, list[float]]) -> str:
    if not seconds:
        return " " * 31
    own = median(seconds)
    ratios = [f"{own / median(of_all[peer]):.3f}" if peer in of_all else "" for peer in ("Hugo", "Pelican")]
    return f" {own:10.2f} {ratios[0]:>8} {ratios[1]:>10}"


def _ours(name: str, content: Path, scratch: Path, options: Sequence[str]) -> Build:
    out, index = scratch / f"{name}-out", scratch / f"{name}.sqlite3"
    command = [str(_BIN / "feeds"), "build", str(out), "--content", str(content), "--base-url", "https://feeds.example.org"]
    return Build(name, (*command, "--database", f"sqlite:///{index}", *options), out, content, (out, index))


def _theirs(generator: Generator) -> Build:
    return Build(generator.name, generator.command, generator.public, generator.articles, (generator.public,))


@dataclass(frozen=True, slots=True)
class Expected:
    """What all have to write: the articles that are shown, by their files, and the titles of each topic's feed, by its slug."""

    shown: Mapping[str, Shown]
    titles: Mapping[str, list[str]]
    newest: str  # the file of the article that will change

    def titles_after(self) -> dict[str, list[str]]:
        """Return the titles when that article has another one."""
        old = self.shown[self.newest].title
        return {slug: sorted(_CHANGED if title == old else title for title in titles) for slug, titles in self.titles.items()}


def _expected(content: Path) -> Expected:
    now = datetime.now(UTC).replace(microsecond=0)
    store = open_store(IN_MEMORY)
    try:
        FeedService(store).refresh(content, None, now)
        with store.reading(now) as view:
            listed = view.articles(ArticleQuery(limit=None))
            of_topics = {found.slug: view.articles(ArticleQuery(Kind.TOPIC, found.slug, ENTRIES)) for found in view.collections(Kind.TOPIC)}
    finally:
        store.close()
    # No two articles of the made-up sites have the same title.
    files = {file.outcome.article.title: file.path for file in load(candidates(content), {}) if file.outcome and file.outcome.article}
    shown = {
        files[one.article.title]: Shown(
            one.article.id, one.article.title, tuple(label.slug for label in one.topics), one.article.updated_at
        )
        for one in listed
    }
    titles = {slug: sorted(one.article.title for one in found) for slug, found in of_topics.items() if found}
    return Expected(shown, titles, files[listed[0].article.title])


def _compare(build: Build, titles: Mapping[str, list[str]]) -> None:
    """Read what a build wrote: exactly the feeds of these topics, with exactly these entries."""
    for extension, path in _TITLES.items():
        found = {file.parent.name: etree.parse(file).getroot() for file in build.public.glob(f"topics/*/feed.{extension}")}
        said = {slug: sorted(str(title.text) for title in root.iterfind(path)) for slug, root in found.items()}
        if {slug: entries for slug, entries in said.items() if entries} != titles:
            raise SystemExit(f"{build.name}: its {extension} feeds are not what they have to be")


@contextmanager
def _changed(file: Path) -> Iterator[None]:
    """Give an article another title for a while."""
    text = file.read_text("utf-8")
    file.write_text(re.sub("^(title): .*", rf"\1: {_CHANGED}", text, count=1, flags=re.IGNORECASE | re.MULTILINE), "utf-8")
    try:
        yield
    finally:
        file.write_text(text, "utf-8")


def _files(public: Path) -> dict[Path, tuple[int, bytes]]:
    """Return when each file was written, in nanoseconds, and the digest of its bytes."""
    return {file: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).digest()) for file in public.rglob("*.*") if file.is_file()}


def _written(build: Build, before: Mapping[Path, tuple[int, bytes]]) -> int:
    """Return how many files were written; ours have to be those alone whose bytes differ."""
    after = _files(build.public)
    written = {file for file, facts in after.items() if file not in before or facts[0] != before[file][0]}
    if build.name in _OURS and any(after[file][1] == before[file][1] for file in written if file in before):
        raise SystemExit(f"{build.name}: files were written that did not have to change")
    return len(written)


if __name__ == "__main__":
    main()

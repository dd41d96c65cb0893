"""How fast `feeds serve` answers, beside what else could: a bare WSGI callable with the same bytes, Flask's hello world, nginx, Django.

    python -m tests.benchmarks.serving --articles 100000 --rounds 5 --keep FOLDER

Needs wrk, nginx and Django: apt-get install wrk nginx; pip install -e '.[test,benchmark]'. All servers run at once, with two workers each,
and are asked in turn over loopback, so that whatever else the machine does hits all of them; the figures are medians of the rounds.
The feed has 50 entries as news sites have them: titles, excerpts, pictures, topics, one body in nine.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from feeds.config import Config
from tests.benchmarks import servers
from tests.benchmarks.measuring import Sample, compile_as_pip_does, first_answer_seconds, load, middle, processes, pss_mb, require
from tests.benchmarks.sites import indexed_site
from tests.processes import Program, free_port

FEED = "/feed.rss?related=none"
WAYS = {"200": {}, "gzip": {"Accept-Encoding": "gzip"}, "br": {"Accept-Encoding": "gzip, br"}, "304": {}}
_SLICES = Path(__file__).parent / "slices.lua"
_CONNECTIONS = 32
_MAKING = 4  # connections that ask for what has to be made; more would only wait for each other
_QUESTIONS = 20_000  # more slices than a run asks for
_ENOUGH = 20  # requests until each worker has surely made the answer once


@dataclass(frozen=True, slots=True)
class Asked:
    """One way of asking a server, and what came of it."""

    who: str
    way: str
    program: Program
    path: str
    headers: Mapping[str, str]
    samples: list[Sample] = field(default_factory=list)

    def run(self, seconds: int, number: int) -> None:
        """Take a sample, the `number`-th."""
        if self.way == "slice":
            os.environ["FIRST"] = str(number * _QUESTIONS)
            sample = load(self.program.base_url + self.path, self.headers, seconds, _MAKING, _SLICES)
        else:
            sample = load(self.program.base_url + self.path, self.headers, seconds, _CONNECTIONS)
        self.samples.append(sample)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each run of wrk")
    parser.add_argument("--ways", nargs="+", choices=[*WAYS, "slice"], default=[*WAYS, "slice"])
    parser.add_argument("--urls", type=int, default=2000, help="feed URLs to ask for before memory is looked at; 0: none")
    parser.add_argument("--starts", type=int, default=5, help="starts of each to measure; 0: none")
    parser.add_argument("--keep", type=Path, help="folder for the made-up site, to be used again")
    given = parser.parse_args()
    compile_as_pip_does()
    require("wrk", "nginx")
    if importlib.util.find_spec("django") is None:
        sys.exit("missing: Django; pip install -e '.[test,benchmark]'")
    with tempfile.TemporaryDirectory() as scratch:
        config = indexed_site((given.keep or Path(scratch)).resolve(), given.articles)
        if given.rounds:
            _measure_rates(config, Path(scratch), given.ways, given.rounds, given.seconds)
        if given.urls:
            _measure_memory(config, Path(scratch), given.urls)
        if given.starts:
            _measure_starts(config, Path(scratch), given.starts)


def _measure_rates(config: Config, folder: Path, ways: list[str], rounds: int, seconds: int) -> None:
    with ExitStack() as stack:
        asked = list(_asked(config, folder, ways, stack))
        for number in range(rounds):
            for each in asked:
                each.run(seconds, number)
    ours = {each.way: middle(each.samples) for each in asked if each.who == "feeds"}
    hello = next(middle(each.samples) for each in asked if each.who == "hello")
    print(f"\n{'':6} {'':8} {'requests/s':>10} {'p50 ms':>7} {'p99 ms':>7}   feeds beside it: rate, p99")
    for each in asked:
        found, mine = middle(each.samples), ours.get(each.way, ours.get("200"))
        line = f"{each.way:6} {each.who:8} {found.per_second:10.0f} {found.p50_ms:7.2f} {found.p99_ms:7.2f}"
        if each.who == "feeds":
            print(f"{line}   beside hello: {found.per_second / hello.per_second:.2f}")
        elif mine is not None and each.who != "hello":
            print(f"{line}   {mine.per_second / found.per_second:.2f} {mine.p99_ms / found.p99_ms:.2f}")
        else:
            print(line)


def _asked(config: Config, folder: Path, ways: list[str], stack: ExitStack) -> Iterator[Asked]:
    """Start all servers; yield each of them with each way of asking, in the order of a round."""
    ours = stack.enter_context(servers.feeds(config, folder / "feeds"))
    plain, entries = ours.get(FEED).body, ours.get(FEED.replace("rss", "json")).body
    print(f"the feed: {len(plain)} bytes" + "".join(f", {way} {len(ours.get(FEED, WAYS[way]).body)}" for way in ("gzip", "br")))
    others = {
        "nginx": stack.enter_context(servers.nginx({"feed.rss": plain}, folder / "nginx")),
        "django": stack.enter_context(servers.django(entries, folder / "django")),
    }
    for way in ways:
        if way == "slice":
            yield Asked("feeds", way, ours, "/", {})
            yield Asked("django", way, others["django"], "/search/feed.rss", {})
            continue
        headers = _conditional(ours) if way == "304" else WAYS[way]
        for _ in range(_ENOUGH):
            ours.get(FEED, headers)
        yield Asked("feeds", way, ours, FEED, headers)
        bare = stack.enter_context(servers.bare(ours.get(FEED, headers), folder / f"bare-{way}"))
        yield Asked("bare", way, bare, FEED, headers)
        for name, program in others.items():
            if way != "br":  # neither has it
                yield Asked(name, way, program, FEED, _conditional(program) if way == "304" else headers)
    yield Asked("hello", "hello", stack.enter_context(servers.hello(folder / "hello")), "/", {})


def _conditional(program: Program) -> Mapping[str, str]:
    """Return what a poll says that has seen the feed."""
    headers = {"Accept-Encoding": "gzip"}
    headers["If-None-Match"] = program.get(FEED, headers).headers["etag"]
    if program.get(FEED, headers).status != 304:
        sys.exit(f"{program.base_url}{FEED}: answers no 304")
    return headers


def _measure_memory(config: Config, folder: Path, count: int) -> None:
    with servers.feeds(config, folder / "many") as program:
        urls = list(_urls(program, count))
        for url in urls:
            for _ in range(servers.WORKERS):
                if program.get(url, {"Accept-Encoding": "gzip"}).status != 200:
                    sys.exit(f"{url}: was not answered well")
        print(f"\nPSS after {len(urls)} feed URLs, each asked {servers.WORKERS} times; the parent, then the workers:", end="")
        print("".join(f" {pss_mb(process):.1f} MB" for process in processes(program.process.pid)))


def _urls(program: Program, count: int) -> Iterator[str]:
    """Yield so many different URLs: every topic in each format, with parameters, and slices."""
    opml = program.get("/feeds.opml").text
    slugs = [rest.partition("/")[0] for rest in opml.replace("xmlUrl", "\n").split("/topics/") if "/feed.rss" in rest][: count // 10]
    named = [
        f"/topics/{slug}/feed.{extension}{options}"
        for options in ("", "?limit=10", "?limit=100", "?images=inline", "?related=none", "?limit=20&images=both")
        for slug in slugs
        for extension in ("rss", "atom", "json")
    ][: count // 2]
    yield from named
    for number in range(count - len(named)):
        topic, limit = slugs[number % len(slugs)], (10, 50)[number % 2]
        yield f"/search/feed.rss?topic={topic}&min_quality={number % 100}&min_heat={number // 100}&limit={limit}"


def _measure_starts(config: Config, folder: Path, starts: int) -> None:
    ours, hello = list[float](), list[float]()
    first = partial(first_answer_seconds, folder=folder)
    for _ in range(starts):
        port = free_port()
        ours.append(first(servers.feeds_command(config, port), port, FEED, environ={}))
        port = free_port()
        hello.append(first(servers.rival_command("hello", port), port, "/", environ=servers.rival_environ()))
    mine, other = median(ours), median(hello)
    print(f"\nstart to first answer: feeds {mine:.2f} s, Flask hello world {other:.2f} s: {mine / other:.2f}")


if __name__ == "__main__":
    main()

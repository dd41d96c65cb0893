"""Nothing leaks and nothing breaks: over a whole site, and over copies of its articles that were damaged in every way.

The site is the one of the fixture `corpus`, real or generated. What must not leak is found here without the program's
own reading: every twelve characters of a `secured` value, and title, URLs and excerpt of what is unpublished, unless a
published file says the same. The index is searched as bytes, so overwritten and deleted rows count too.
"""

from __future__ import annotations

import html
import json
import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
import yaml
from lxml import etree

from feeds.config import Config
from feeds.content import folder
from feeds.model import FeedAddress, FeedOptions, FileReport, Kind, Level, RelatedOption, Site, State
from feeds.render import FORMATS
from feeds.service import FeedService
from feeds.urls import web_url
from feeds.watching import refresh_and_log

from .builders import NOON, SITE, source

PART = 12  # characters of a payload that are too many
RUN = re.compile(rf"[A-Za-z0-9+/=;]{{{PART},}}")
PAYLOAD = re.compile(r"^\s*secured: *[\"']?([^\"'\n]+)", re.MULTILINE)
UNPUBLISHED = re.compile(r"^(?:published: *(?:false|no|off)|(?:draft|removed|deleted): *(?:true|yes|on))\b", re.MULTILINE | re.IGNORECASE)
SAYS_NO_PLACE = ("has no `---` line that ends the front matter", "is larger than 1 MiB")


def parts(text: str) -> set[str]:
    """Return every twelve characters in a row that a payload could have."""
    return {run[place : place + PART] for run in RUN.findall(text) for place in range(len(run) - PART + 1)}


def readings(text: str) -> str:
    """Return a text as it stands, and with the escapes of XML, HTML and JSON resolved."""
    plain = text.replace('\\"', '"').replace("\\\\", "\\")
    once = html.unescape(plain)
    return "\n".join((text, plain, once, html.unescape(once)))


@dataclass(frozen=True)
class Secrets:
    """What no output may hold."""

    payload_parts: frozenset[str]
    sayings: frozenset[str]  # titles, URLs and excerpts of unpublished articles

    def leaked_into(self, output: str) -> set[str]:
        text = readings(output)
        return (parts(text) & self.payload_parts) | {saying for saying in self.sayings if saying in text}

    def but_for(self, published: Iterable[str]) -> Secrets:
        """Return the secrets without what published files say themselves."""
        said = readings("\n".join(published))
        return replace(self, sayings=frozenset(saying for saying in self.sayings if saying not in said))


def secrets(texts: Iterable[str]) -> Secrets:
    """Return what is secret in unharmed article files."""
    payload_parts: set[str] = set()
    sayings: set[str] = set()
    for text in texts:
        for payload in PAYLOAD.findall(text):
            payload_parts |= parts(payload)
        if UNPUBLISHED.search(text):
            fields = yaml.load(text.split("\n---")[0], yaml.CSafeLoader)
            urls = [fields[key] for key in ("webUrl", "originalUrl") if key in fields]
            sayings.update(html.unescape(html.unescape(fields[key])).strip() for key in ("title", "excerpt"))
            sayings.update(urls, map(web_url, urls))
    return Secrets(frozenset(payload_parts), frozenset(sayings))


def without_related(text: str) -> str:
    """Return an article file without the stories it points to: hidden ones are left out of feeds."""
    return re.sub(r"^related:\n(?: .*\n)*", "", text, flags=re.MULTILINE)


def article_files(corpus: Path) -> list[Path]:
    return sorted(path for path in corpus.rglob("*.md") if re.search(r"^title:", path.read_text("utf-8"), re.MULTILINE))


def feeds(service: FeedService, site: Site) -> dict[str, bytes]:
    """Return the bytes of every feed, each well-formed."""
    found = {}
    addresses = [FeedAddress(options=FeedOptions(limit=200, related=RelatedOption.ENTRIES))]
    addresses += [FeedAddress(kind, collection.slug) for kind in Kind for collection in service.collections(kind, NOON)]
    for address in addresses:
        for extension in FORMATS:
            body = service.document(address, extension, site, NOON).body
            json.loads(body) if extension == "json" else etree.fromstring(body)
            found[f"{address} {extension}"] = body
    return found


def index_text(config: Config) -> str:
    """Return the bytes of the index, those of its logs too, as text; letters outside ASCII as UTF-8."""
    database = Path((config.database or "").removeprefix("sqlite:///"))
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in sorted(database.parent.glob(f"{database.name}*")))


def messages(reports: Iterable[FileReport]) -> str:
    return "\n".join(
        f"{report.path}:{problem.line}: {problem.field}: {problem.reason}" for report in reports for problem in report.problems
    )


def test_nothing_secret_of_a_site_is_in_its_index_its_feeds_or_any_message(
    corpus: Path, config: Config, service: FeedService, caplog: pytest.LogCaptureFixture
) -> None:
    config = replace(config, content=corpus)
    texts = [path.read_text("utf-8") for path in article_files(corpus)]
    published = [text for text in texts if not UNPUBLISHED.search(text)]
    secret = secrets(texts)
    assert len(secret.payload_parts) > 100_000
    assert len(secret.sayings) > 100
    with caplog.at_level("DEBUG"):
        refresh_and_log(service, config, NOON)
    said = {"log": caplog.text, "messages": messages(service.check(corpus, NOON).reports), "index": index_text(config)}
    in_files = secret.but_for(published)
    assert {name: found for name, text in said.items() if (found := in_files.leaked_into(text))} == {}
    in_entries = secret.but_for(map(without_related, published))
    assert {name: found for name, body in feeds(service, SITE).items() if (found := in_entries.leaked_into(body.decode()))} == {}

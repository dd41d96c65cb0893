"""The files of a site's `_data/topics` -> TopicFacts. Knows the keys of such a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from feeds.content import filebytes
from feeds.content.fields import Complaint, Fields, as_problems, read_mapping
from feeds.content.folder import Candidate
from feeds.content.frontmatter import MAX_BYTES
from feeds.content.pictures import images
from feeds.content.yamltree import YamlError
from feeds.identity import slug
from feeds.model import Level, Problem, TopicFacts


class LoadedTopic(msgspec.Struct, frozen=True, gc=False):
    """A file of `_data/topics`; `facts` is None where it is broken."""

    path: str
    facts: TopicFacts | None
    problems: tuple[Problem, ...]


def parse_topic(data: bytes) -> tuple[TopicFacts | None, tuple[Problem, ...]]:
    """Return what the file says of its topic, or None, and what is wrong with it; never raises."""
    if len(data) > MAX_BYTES:
        return None, (Problem("is larger than 1 MiB", level=Level.ERROR),)
    try:
        text = data.decode("utf-8-sig")
        written = read_mapping(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, (Problem("is not UTF-8", line, level=Level.ERROR),)
    except YamlError as error:
        return None, (Problem(error.reason, error.line, level=Level.ERROR),)
    complaints: list[Complaint] = []
    fields = Fields(written.values, complaints)
    name = fields.required_line("name", Level.ERROR)
    if name is None:
        return None, as_problems(complaints, written, 1)
    facts = TopicFacts(
        slug=slug(fields.line_of_text("_id") or name),
        name=name,
        short_name=fields.line_of_text("shortname"),
        parent=fields.line_of_text("parent"),
        description=fields.paragraphs("description"),
        images=images(fields),
    )
    return facts, as_problems(complaints, written, 1)


def load_topics(candidates: Iterable[Candidate]) -> Iterator[LoadedTopic]:
    """Yield what the files of the site's `_data/topics` say (see `folder.topic_data_files`)."""
    yield from map(_load_topic, candidates)


def _load_topic(candidate: Candidate) -> LoadedTopic:
    try:
        found = filebytes.read(candidate.file)
    except OSError as error:
        return LoadedTopic(candidate.path, None, (Problem(f"can't be read: {error.strerror}", level=Level.ERROR),))
    facts, problems = parse_topic(b"" if found is None else found.data)
    return LoadedTopic(candidate.path, facts, problems)

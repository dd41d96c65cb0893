"""What is read again: files whose size or time moved are read, and parsed where their bytes did."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from msgspec.structs import replace

from feeds.content.changes import PARSERS, changed
from feeds.content.folder import Candidate, topic_data_files
from feeds.content.loader import LoadedFile, load
from feeds.content.topicdata import LoadedTopic, load_topics
from feeds.model import FileFacts, FileStamp, Level, Outcome, Problem, State, TopicFacts

from .builders import candidates, write_article


def facts(candidate: Candidate) -> FileFacts:
    digest = PARSERS + hashlib.blake2b(Path(os.fsdecode(candidate.file)).read_bytes(), digest_size=16).digest()
    return FileFacts(candidate.size, candidate.modified_ns, digest)


def stamp(candidate: Candidate) -> FileStamp:
    return candidate.path, candidate.size, candidate.modified_ns


def only(content: Path) -> Candidate:
    (candidate,) = candidates(content)
    return candidate


def test_file_that_is_not_known_has_changed(content: Path) -> None:
    write_article(content)
    candidate = only(content)
    assert changed([stamp(candidate)], set()) == [stamp(candidate)]


def test_file_of_known_size_and_time_has_not_changed(content: Path) -> None:
    write_article(content)
    candidate = only(content)
    assert changed([stamp(candidate)], {stamp(candidate)}) == []


def test_file_of_another_size_or_time_has_changed(content: Path) -> None:
    write_article(content)
    candidate = only(content)
    path, size, modified_ns = stamp(candidate)
    known = {(path, size + 1, modified_ns), (path, size, modified_ns - 1), ("b.md", size, modified_ns)}
    assert changed([stamp(candidate)], known) == [stamp(candidate)]


def test_file_that_other_parsers_read_is_parsed_again(content: Path) -> None:
    write_article(content)
    candidate = only(content)
    known = {"a.md": replace(facts(candidate), digest=b"\x00" + facts(candidate).digest[1:])}
    assert [loaded.outcome is None for loaded in load([candidate], known)] == [False]


def test_file_is_loaded_with_its_facts_and_outcome(content: Path) -> None:
    (content / "a.md").write_text("# Readme\n")
    candidate = only(content)
    assert list(load([candidate], {})) == [
        LoadedFile("a.md", facts(candidate), Outcome("a.md", State.SKIPPED, problems=(Problem("has no front matter"),)))
    ]


def test_file_of_the_same_bytes_is_not_parsed_again(content: Path) -> None:
    path = write_article(content)
    known = facts(only(content))
    os.utime(path, ns=(1, 1))
    candidate = only(content)
    assert list(load([candidate], {"a.md": known})) == [LoadedFile("a.md", replace(known, modified_ns=1), None)]


def test_file_of_other_bytes_is_parsed_again(content: Path) -> None:
    write_article(content)
    known = facts(only(content))
    write_article(content, title="Other")
    (loaded,) = load(candidates(content), {"a.md": known})
    assert loaded.outcome is not None
    assert loaded.outcome.article is not None
    assert loaded.outcome.article.title == "Other"


def test_file_that_vanished_meanwhile_is_left_out(content: Path) -> None:
    write_article(content, "a")
    write_article(content, "b")
    found = candidates(content)
    (content / "a.md").unlink()
    assert [loaded.path for loaded in load(found, {})] == ["b.md"]


def test_file_that_cannot_be_read_is_refused_and_tried_again(content: Path) -> None:
    write_article(content)
    candidate = only(content)
    (content / "a.md").unlink()
    (content / "a.md").symlink_to("a.md")
    (loaded,) = load([candidate], {})
    problem = Problem("can't be read: Too many levels of symbolic links", level=Level.ERROR)
    assert loaded.outcome == Outcome("a.md", State.REFUSED, problems=(problem,))
    assert changed([stamp(candidate)], {("a.md", loaded.facts.size, loaded.facts.modified_ns)}) == [stamp(candidate)]
    assert list(load([candidate], {"a.md": loaded.facts})) == [LoadedFile("a.md", loaded.facts, None)]  # and that is no change


def test_topics_are_loaded_by_file_name(content: Path) -> None:
    topics = content / "_data" / "topics"
    topics.mkdir(parents=True)
    (topics / "2-ai.yaml").write_text("_id: ai\nname: AI\n")
    (topics / "1-broken.yaml").write_text("name: [\n")
    assert list(load_topics(topic_data_files(content))) == [
        LoadedTopic("_data/topics/1-broken.yaml", None, (Problem("is no YAML: did not find expected node content", 2, level=Level.ERROR),)),
        LoadedTopic("_data/topics/2-ai.yaml", TopicFacts("ai", "AI"), ()),
    ]


def test_topic_that_cannot_be_read_says_so(content: Path) -> None:
    topics = content / "_data" / "topics"
    topics.mkdir(parents=True)
    (topics / "1.yaml").write_text("name: AI\n")
    (topics / "2.yaml").write_text("name: ML\n")
    loaded = load_topics(topic_data_files(content))
    assert next(loaded) == LoadedTopic("_data/topics/1.yaml", TopicFacts("ai", "AI"), ())
    (topics / "2.yaml").unlink()
    (topics / "2.yaml").symlink_to("2.yaml")
    problem = Problem("can't be read: Too many levels of symbolic links", level=Level.ERROR)
    assert next(loaded) == LoadedTopic("_data/topics/2.yaml", None, (problem,))


def test_site_without_topic_data_has_no_topics(content: Path) -> None:
    assert list(load_topics(topic_data_files(content))) == []

"""What a site's data says of a topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.content.topicdata import parse_topic
from feeds.model import Image, Level, Problem, TopicFacts


def error(reason: str, line: int | None = None, field: str | None = None) -> Problem:
    return Problem(reason, line, field, Level.ERROR)


def test_file_says_all_of_a_topic() -> None:
    text = """\
taxonomy: topic
_id: computer-vision
name: Computer Vision
shortname: Vision &amp; co
parent: AI
description: >
  What computers
  see.
keywords: [cameras]
images:
  - url: /vision.png
    width: 50
    height: 40
secured: Qm9yZWQ3cm9ib3Rz
"""
    facts = TopicFacts("computer-vision", "Computer Vision", "Vision & co", "AI", "What computers see.", (Image("/vision.png", 50, 40),))
    assert parse_topic(text.encode()) == (facts, ())


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("name: AI", TopicFacts("ai", "AI")),
        ("name: C++", TopicFacts("c-plus-plus", "C++")),
        ("\ufeff---\r\nname: AI\r\n", TopicFacts("ai", "AI")),
        ("_id: Two Words\nname: AI", TopicFacts("two-words", "AI")),
        ("_id: ''\nname: no", TopicFacts("no", "no")),
        ("_id: ~\nname: 5G\nparent:\ndescription: ''\nimages: []", TopicFacts("5g", "5G")),
    ],
)
def test_slug_is_the_id_or_made_of_the_name(text: str, facts: TopicFacts) -> None:
    assert parse_topic(text.encode()) == (facts, ())


def test_other_bad_values_are_left_out_with_a_warning() -> None:
    facts, problems = parse_topic(b"name: AI\nparent: [a]\nimages: [{url: x.png}]")
    assert facts == TopicFacts("ai", "AI")
    assert problems == (
        Problem("is a list or a mapping, not a single value", 2, "parent"),
        Problem("is not an absolute http or https URL", 3, "images[0].url"),
    )


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", error("is missing or empty", 1, "name")),
        (b"_id: ai", error("is missing or empty", 1, "name")),
        (b"_id: ai\nname: ' '", error("is missing or empty", 2, "name")),
        (b"_id: ai\nname: [AI]", error("is a list or a mapping, not a single value", 2, "name")),
        (b"name: " + b"x" * 201, error("is longer than 200 characters", 1, "name")),
        (b"- AI", error("is not a mapping of `key: value` lines", 1)),
        (b"a: b\nname: \xff", error("is not UTF-8", 2)),
        (b"a: b\nname: \x01", error("is no YAML: it holds characters that YAML does not allow", 2)),
        (b"name: AI\nname: AI", error("has the key `name` twice", 2)),
        (b"name: AI\n#".ljust(1024 * 1024 + 1), error("is larger than 1 MiB")),
    ],
)
def test_broken_file_says_nothing_but_why(data: bytes, problem: Problem) -> None:
    assert parse_topic(data) == (None, (problem,))


@given(st.one_of(st.binary(), st.text().map(lambda text: f"name: {text}".encode())))
def test_any_bytes_are_facts_or_problems(data: bytes) -> None:
    facts, problems = parse_topic(data)
    assert (facts is None) == any(problem.level is Level.ERROR for problem in problems)

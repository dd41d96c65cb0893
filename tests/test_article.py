"""What becomes of an article file. `data/articles` has one small file for each behaviour, with its outcome beside it.

An outcome is written as JSON without the fields that are absent or empty. What files in a folder can't show (sizes,
any bytes whatever) follows as tests of its own.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from feeds import text
from feeds.content.article import parse_article
from feeds.content.values import moment
from feeds.model import Level, Outcome, Problem, State, Takedown

from .builders import front_matter, source
from .conftest import REPOSITORY
from .corpus import articles

DATA = Path(__file__).parent / "data" / "articles"
EXPECTED = ".expected.json"
FILES = sorted(file for file in DATA.iterdir() if not file.name.endswith(EXPECTED))


def present(value: Any) -> Any:
    """Return JSON without its nulls and empty arrays."""
    if isinstance(value, dict):
        return {key: present(inner) for key, inner in value.items() if inner not in (None, [])}
    return [present(inner) for inner in value] if isinstance(value, list) else value


def parsed(front_matter_text: str, body: str = "") -> Outcome:
    """Return what becomes of a file that is complete but for these lines."""
    return parse_article("2024-05-17-a.md", f"---\ntitle: A\nwebUrl: https://news.example/a\n{front_matter_text}\n---\n{body}".encode())


def reasons(outcome: Outcome) -> list[tuple[str | None, str]]:
    return [(problem.field, problem.reason) for problem in outcome.problems]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_becomes_what_stands_beside_it(file: Path) -> None:
    expected = json.loads((DATA / f"{file.stem}{EXPECTED}").read_text("utf-8"))
    outcome = parse_article(file.name, file.read_bytes())
    assert present(json.loads(msgspec.json.encode(outcome))) == expected


def test_every_expectation_has_its_file() -> None:
    assert {file.name.removesuffix(EXPECTED) for file in DATA.glob(f"*{EXPECTED}")} == {file.stem for file in FILES}


def test_reference_article_keeps_its_identity() -> None:
    (file,) = (REPOSITORY / "seeds").iterdir()
    outcome = parse_article(file.name, file.read_bytes())
    assert outcome.article is not None
    assert outcome.id == outcome.article.id == "urn:uuid:4b5f5ef0-4767-5462-83f4-d7afa954f321"
    assert [story.title for story in outcome.article.related] == [
        "Massachusetts Bill Puts Limit on Facial Scan Technology",
        "Wisconsin Capital Bans City’s Facial Recognition Use",
    ]
    assert outcome.problems == ()


def test_path_tells_the_date_in_any_folder() -> None:
    outcome = parse_article("2020/2024-04-11-a.md", source(publishedDateTime=None).encode())
    assert outcome.article is not None
    assert outcome.article.published_at.isoformat() == "2024-04-11T00:00:00+00:00"


def test_date_of_a_folder_is_none_of_its_files() -> None:
    outcome = parse_article("2024-04-11-a/b.md", source(publishedDateTime=None).encode())
    assert reasons(outcome) == [("publishedDateTime", "is missing, and the file name does not start with a date")]


def test_file_of_more_than_a_mebibyte_is_refused_and_its_takedown_counts() -> None:
    text_of_file = source(published=False) + "x" * 1024 * 1024
    assert parse_article("a.md", text_of_file.encode()) == Outcome(
        "a.md", State.REFUSED, takedown=Takedown.FILE, problems=(Problem("is larger than 1 MiB", level=Level.ERROR),)
    )


def test_list_counts_up_to_a_hundred_values() -> None:
    outcome = parsed("topics: [" + ",".join(f"t{number}" for number in range(101)) + "]")
    assert outcome.article is not None
    assert outcome.article.topics == tuple(f"t{number}" for number in range(100))
    assert reasons(outcome) == [("topics", "has more than 100 values; the rest is ignored")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"category: {'x' * 201}", ("category", "is longer than 200 characters")),
        (f"topics: [{'x' * 201}]", ("topics", "is longer than 200 characters")),
        (f"provider: {{name: {'x' * 201}}}", ("provider.name", "is longer than 200 characters")),
        (f"excerpt: {'x' * 20_001}", ("excerpt", "is longer than 20000 characters")),
        (f"id: urn:{'x' * 4100}", ("id", "is no absolute IRI; the identity is computed from the URL")),
        (f"featuredContent: {'x' * 10_001}", ("featuredContent", "is longer than 10000 characters")),
        ("quality: 1000000000", ("quality", "is no whole number of at most nine digits")),
        ("images: [{url: /a, width: 100001}]", ("images[0].width", "is no whole number from 1 to 100000")),
        (f"images: [{{url: /{'x' * 4100}}}]", ("images[0].url", "is longer than 4096 characters")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_value_beyond_its_bound_is_left_out_with_a_warning(line: str, problem: tuple[str, str]) -> None:
    outcome = parsed(line)
    assert (outcome.state, reasons(outcome)) == (State.SHOWN, [problem])
    assert outcome == Outcome(outcome.path, State.SHOWN, outcome.article, outcome.id, problems=outcome.problems)


def test_body_that_is_too_much_is_left_out_with_a_warning() -> None:
    outcome = parsed("", "x" * 300_000)
    assert outcome.article is not None
    assert outcome.article.content_html is None
    assert reasons(outcome) == [("body", "is longer than 262144 characters; it is left out")]


@pytest.mark.parametrize(
    "key",
    ["remove", "removedd", "Removed", "romoved", "draf", "daft", "DRAFT", "publishd", "pubilshed", "published_", "deleted ", "dleted"],
)
def test_key_one_slip_from_a_visibility_key_is_noticed(key: str) -> None:
    outcome = parsed(f"'{key}': true")
    assert reasons(outcome) == [(key, "is no known key; is one of published, draft, removed, deleted meant?")]


@pytest.mark.parametrize("key", ["publisher", "publishedDateTime", "drift net", "related", "delay", "moved", "raft5", "de"])
def test_other_key_is_not_taken_for_a_mistyped_one(key: str) -> None:
    assert [reason for field, reason in reasons(parsed(f"'{key}': 2024-04-11")) if "meant" in reason] == []


@pytest.mark.parametrize(
    ("line", "takedown"),
    [
        ("published: false", Takedown.FILE),
        ("'published' : no # soon", Takedown.FILE),
        ("published: !!bool false", Takedown.FILE),
        ("published: true", Takedown.NONE),
        ("published:", Takedown.NONE),
        ("published: # yes", Takedown.NONE),
        ("draft: yes", Takedown.FILE),
        ("draft: 'no'", Takedown.NONE),
        ('"removed": True', Takedown.IDENTITY),
        ("removed: false", Takedown.NONE),
        ("removed: perhaps", Takedown.FILE),
        ("deleted: on", Takedown.IDENTITY),
        ("deleted: on\npublished: perhaps", Takedown.IDENTITY),
        ("  removed: true", Takedown.NONE),  # of something nested
        ("unpublished: true", Takedown.NONE),
    ],
)
def test_takedown_is_read_out_of_a_file_that_is_no_yaml(line: str, takedown: Takedown) -> None:
    outcome = parsed(f"topics: {{\n{line}\n: [")
    assert (outcome.state, outcome.takedown) == (State.REFUSED, takedown)


@pytest.mark.parametrize(
    ("rest", "takedown"),
    [
        ("  title: A\n  removed: true\n  bad: [\n---\n", Takedown.IDENTITY),
        ("# note\n\n  title: A\n  related:\n    published: false\n  bad: [\n---\n", Takedown.NONE),
        ('{"title": "A", "published": false, "bad": [\n---\n', Takedown.FILE),
        ("{\n  title: A,\n  published: true,\n  removed: true,\n  bad: [\n---\n", Takedown.IDENTITY),
        ("{title: A, published: true, bad: [\n---\n", Takedown.NONE),
        ("# nothing else\n", Takedown.NONE),
    ],
)
def test_takedown_is_read_out_of_a_broken_file_however_that_is_indented(rest: str, takedown: Takedown) -> None:
    outcome = parse_article("a.md", f"---\n{rest}".encode())
    assert (outcome.state, outcome.takedown) == (State.REFUSED, takedown)


# Payloads as they are: base64, a semicolon, base64 of sixteen bytes.
VECTOR = "Zm9sZGluZ3JvYm90czEyMw=="
PAYLOAD = f"Qm9yZWQ3cm9ib3RzZm9sZHNoaXJ0czEyMzQ1Njc4OTA+/AbCdEf0123456789==;{VECTOR}"


@pytest.mark.parametrize("start", range(0, len(PAYLOAD) - 12, 5))
@pytest.mark.parametrize("place", ['excerpt: "Robots {}"', "ampWebUrl: https://news.example/{}", "topics:\n  - '{}'"])
def test_end_of_a_payload_that_another_field_has_caught_refuses_the_file(place: str, start: int) -> None:
    outcome = parsed(place.format(PAYLOAD[start:]))
    assert outcome.article is None
    assert [problem.field for problem in outcome.problems] == ["secured"]


@pytest.mark.parametrize("start", range(0, PAYLOAD.index(";") - 5, 5))
def test_end_of_a_payload_is_known_in_the_middle_of_a_text(start: int) -> None:
    assert parsed(f"excerpt: Robots {PAYLOAD[start:]} fold").article is None
    assert parsed("", f"Robots `{PAYLOAD[start:]}` fold").article is None


@pytest.mark.parametrize("end", range(12, len(PAYLOAD), 5))
def test_start_of_a_payload_that_another_field_has_caught_refuses_the_file(end: int) -> None:
    assert parsed(f'excerpt: "Robots\n  secured: \\"{PAYLOAD[:end]}"').article is None


@pytest.mark.parametrize(
    "body",
    [
        "All of it is secured: organisations and administrators/operators agree.",
        "Use `integrity=sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC`.",
        'Let `key = "c29tZSBvdGhlciB2ZWN0bw=="` be.',
        "[a](https://news.example/gHiJkL9876543210/q?x=1&amp;c29tZSBvdGhlciB2ZWN0bw==)",
    ],
)
def test_what_only_resembles_a_payload_is_shown(body: str) -> None:
    assert parsed("secured: " + PAYLOAD, body).state is State.SHOWN


def test_generated_articles_are_good_and_always_the_same() -> None:
    generated = list(articles(300))
    assert generated == list(articles(300))
    outcomes = [parse_article(path, content.encode()) for path, content in generated]
    assert {outcome.state for outcome in outcomes} == {State.SHOWN, State.HIDDEN}
    assert {problem.field for outcome in outcomes for problem in outcome.problems} == {"published", "draft", "removed"}


@given(st.binary())
def test_any_bytes_come_to_an_outcome(data: bytes) -> None:
    assert parse_article("a.md", data).path == "a.md"


@given(st.text(), st.text())
def test_any_front_matter_and_body_come_to_an_outcome(yaml_text: str, body: str) -> None:
    outcome = parse_article("2024-05-17-a.html", f"---\n{yaml_text}\n---\n{body}".encode())
    assert (outcome.article is not None) == (outcome.state is State.SHOWN)


DIGITS = st.sampled_from([*"0123456789", *"000112", "٣"])


@given(
    st.lists(DIGITS, min_size=14, max_size=14),
    st.sampled_from(["{}{}{}{}-{}{}-{}{}T{}{}:{}{}:{}{}Z", "{}{}{}{}-W{}-{}{}T{}{}{}{}.{}{}{}Z"]),
)
@example(list("20240229235960"), "{}{}{}{}-{}{}-{}{}T{}{}:{}{}:{}{}Z")
@example(list("20240229240000"), "{}{}{}{}-{}{}-{}{}T{}{}:{}{}:{}{}Z")
def test_usual_moment_is_read_as_any_other(digits: list[str], form: str) -> None:
    written = form.format(*digits)
    assert read(written) == read(f"{written} ")


def read(written: str) -> datetime | str:
    try:
        return moment(written)
    except ValueError as error:
        return str(error)


KEYS = re.findall(
    r"\w+",
    """title webUrl originalUrl publishedDateTime updatedDateTime excerpt featuredContent category type topics provider name domain
    images url width height related actions authors length quality heat locale id published removed deleted draft secured ampWebUrl""",
)
ODD = st.one_of(
    st.sampled_from(
        ["no", "~", "1:30", "0o10", "2024-04-11", "-.inf", "<<", "!!binary x", "&a b", "*a", "|", ">-", "[", "{a: ", "- ", "''", '"', "@"]
    ),
    st.text(max_size=8),
    st.sampled_from(
        [
            "https://news.example/a",
            "//a/b",
            "http://[",
            "/x",
            "PT5M",
            "9" * 30,
            "download",
            "<iframe src='https://a.example/'>",
            "\x85",
            "\u2028",
        ]
    ),
)
VALUES = st.recursive(
    ODD,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=4).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=6,
)
LINES = st.lists(st.tuples(st.sampled_from(["", "", "", "  ", "- ", "\t"]), st.sampled_from(KEYS), VALUES), max_size=8)


@given(LINES)
def test_anything_like_yaml_comes_to_an_outcome_whose_refusal_has_a_reason(lines: list[tuple[str, str, str]]) -> None:
    written = "\n".join(f"{indent}{key}: {value}" for indent, key, value in lines)
    outcome = parse_article("a.md", f"---\ntitle: A\nwebUrl: https://news.example/a\n{written}\n---\n".encode())
    assert (outcome.state is State.REFUSED) <= any(problem.level is Level.ERROR for problem in outcome.problems)
    assert all(problem.reason and "\n" not in problem.reason for problem in outcome.problems)


@given(st.text(max_size=300), st.text(max_size=300), st.lists(st.text(min_size=1, max_size=30), max_size=4))
def test_written_text_is_read_back_but_for_its_cleaning(title: str, excerpt: str, topics: list[str]) -> None:
    written = yaml.safe_dump(front_matter(title=title, excerpt=excerpt, topics=topics))
    outcome = parse_article("a.md", f"---\n{written}---\n".encode())
    if not text.one_line(title):
        assert outcome.state is State.REFUSED
        return
    assert outcome.article is not None
    assert outcome.article.title == text.one_line(title)
    assert (outcome.article.excerpt or "") == text.plain_text(excerpt)
    assert set(outcome.article.topics) <= {text.one_line(topic) for topic in topics}

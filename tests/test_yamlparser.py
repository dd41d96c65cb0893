"""YAML as it was written: nothing is guessed of a scalar, and what could hurt is refused with its line."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from feeds.content.yamlparser import parse_mapping
from feeds.content.yamltree import Mapping, Node, Scalar, Sequence, YamlError


def plain(node: Node) -> Any:
    """Return the text of a tree without its lines."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.items.items()}


def refusal(text: str) -> tuple[str, int | None]:
    with pytest.raises(YamlError) as refused:
        parse_mapping(text)
    return refused.value.reason, refused.value.line


def test_tree_knows_its_lines() -> None:
    text = "# news\ntitle: A\nprovider:\n  name: B\n  note: null\ntopics:\n- C\n"
    assert parse_mapping(text) == Mapping(
        items={
            "title": Scalar("A", 2),
            "provider": Mapping({"name": Scalar("B", 4)}, {"name": 4, "note": 5}, 4),
            "topics": Sequence((Scalar("C", 7),), 7),
        },
        lines={"title": 2, "provider": 3, "topics": 6},
        line=2,
    )


@pytest.mark.parametrize(
    "scalar", ["no", "1:30", "2024-04-11", "2024-04-11 08:00", "010", "1_000", "0x1F", "1e3", ".nan", "true", "5.0", "=", "<<"]
)
def test_scalar_is_the_text_in_the_file(scalar: str) -> None:
    assert plain(parse_mapping(f"a: {scalar}")) == {"a": scalar}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", {}),
        ("# nothing", {}),
        ("~", {}),
        ("--- {a: b}", {"a": "b"}),
        ("a: ~\nb: null\nc:\nd: NULL\ne: ''\nf: 'null'\ng: !!null null", {"e": "", "f": "null"}),
        ("a: [~, b, null, '']", {"a": ["b", ""]}),
        ('a: "x\\ty\\u00e9\\x07"', {"a": "x\tyé\x07"}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("a: >-\n  one\n  two\n", {"a": "one two"}),
        ("a: one\n  two", {"a": "one two"}),
        ("? a\n: b", {"a": "b"}),
        ("a: &anchor b", {"a": "b"}),
        ("a: !!float 3\nb: !tag c", {"a": "3", "b": "c"}),
        ("secured: x\nb: {secured: [y], c: d}\ne: [{secured: z}]", {"b": {"c": "d"}, "e": [{}]}),
    ],
)
def test_text_becomes_a_tree(text: str, tree: dict[str, Any]) -> None:
    assert plain(parse_mapping(text)) == tree


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("title: A: B", "is no YAML: mapping values are not allowed in this context; a value that holds `: ` needs quotes", 1),
        (
            "a: b\nc: @d",
            "is no YAML: found character that cannot start any token; indent with spaces, and quote a value that starts with @ or `",
            2,
        ),
        (
            "a:\n\tb: c",
            "is no YAML: found character that cannot start any token; indent with spaces, and quote a value that starts with @ or `",
            2,
        ),
        ('a: "b" c', "is no YAML: did not find expected key; is a quote or an indentation wrong just above?", 1),
        ("a: 'b\nc: d\n", "is no YAML: a quote that opens here is not closed", 1),
        ("a: b\nc: [d", "is no YAML: did not find expected ',' or ']'", 3),
        ('a: "\\q"', "is no YAML: found unknown escape character", 1),
        ("%FOO\n--- {}", "is no YAML: found unknown directive name", 1),
        ("a: b\nc: \x01", "is no YAML: it holds characters that YAML does not allow", 2),
        ("a: b\n--- {c: d}", "holds a second YAML document", 2),
        ("a: b\n...\n---\nc: d", "holds a second YAML document", 3),
        ("\n- a", "is not a mapping of `key: value` lines", 2),
        ("just text", "is not a mapping of `key: value` lines", 1),
        ("a: b\nc: *a", "uses an alias (`*name`); write the value out", 2),
        ("a: b\n*a : c", "has a key that is not plain text", 2),
        ("a: b\n? [c]\n: d", "has a key that is not plain text", 2),
        ("a: b\n'a': c", "has the key `a` twice", 2),
        ("a:\na: c", "has the key `a` twice", 2),
        ("b:\n  a: 1\n  a: 2", "has the key `a` twice", 3),
        ("secured: x\nsecured: y", "has the key `secured` twice", 2),
        ('"x y": 1\n"x y": 2', "has a key twice", 2),
        ("%TAG !a! b\n" * 102, "is no YAML: too many lines start with %", None),
    ],
)
def test_what_is_refused_has_a_reason_and_a_line(text: str, reason: str, line: int | None) -> None:
    assert refusal(text) == (reason, line)


def test_sixty_four_levels_are_read() -> None:
    assert list(parse_mapping(f"a: {'[' * 63}{']' * 63}").items) == ["a"]


@pytest.mark.parametrize("text", ["a: " + "[" * 64, "a: " + "[" * 50_000, "a: " + "{b: " * 50_000, "a:\n" + "- " * 50_000])
def test_deeper_levels_are_refused_before_anything_is_built(text: str) -> None:
    assert refusal(text)[0] == "is nested deeper than 64 levels"


@given(st.text())
def test_any_text_is_a_tree_or_refused_with_a_reason(text: str) -> None:
    reason = "is a tree"
    try:
        parse_mapping(text)
    except YamlError as error:
        reason = error.reason
    assert reason.startswith(("is ", "has ", "holds ", "uses "))


TREES = st.recursive(
    st.text(max_size=20),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8).filter(lambda key: key != "secured"), TREES, min_size=1, max_size=4), st.booleans())
def test_written_tree_is_read_back(tree: dict[str, Any], flow: bool) -> None:
    assert plain(parse_mapping(yaml.safe_dump(tree, default_flow_style=flow))) == without_secured(tree)


def without_secured(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: without_secured(value) for key, value in tree.items() if key != "secured"}
    return [without_secured(item) for item in tree] if isinstance(tree, list) else tree

"""Plain YAML is read without a parser: what is read so says what the parser says, and everything else is left to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.content import frontmatter
from feeds.content.plainyaml import line_of, scan
from feeds.content.yamlparser import parse_mapping
from feeds.content.yamltree import YamlError, values

from .conftest import REPOSITORY
from .corpus import articles

KEYS = st.sampled_from(["title", "a", "b-c", "_d", "secured", "null", "images"])
SCALARS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    (
        *("x", "A b", "null", "~", "no", "1:30", "C#", "a: b", "a #b", "- x", "https://a.example/?b=c&d#e", "2024-04-11 08:00"),
        *("é 人", "a:", "*x", "@x", "x ", "{", "[a]", "|", "? x", "!x", "%x"),
    )
)
VALUES = st.one_of(
    SCALARS,
    SCALARS.map(lambda text: f'"{text}"'),
    st.sampled_from(['""', '"', '"a: "b"', '"a \\"b\\" \\\\c \\/d"', '"\\n"', "'a'", "'a''b'", '"a" ', '"a" # b', '"a', '"a\tb"']),
    st.just(""),
)
LINES = st.builds(
    lambda indent, dash, key, value: f"{' ' * indent}{dash}{key}{value}",
    st.integers(0, 5) | st.sampled_from([0, 0, 2, 4]),
    st.sampled_from(["", "", "", "- ", "-", "- - "]),
    KEYS.map(lambda key: f"{key}: ") | KEYS.map(lambda key: f"{key}:") | st.just(""),
    VALUES,
)
TEXTS = st.lists(LINES, max_size=8).map(lambda lines: "".join(f"{line}\n" for line in lines))


@given(TEXTS | st.text())
def test_what_is_read_without_a_parser_is_what_the_parser_reads(text: str) -> None:
    found = scan(text)
    assert found is None or found == values(parse_mapping(text))


@given(TEXTS)
def test_keys_stand_where_the_parser_finds_them(text: str) -> None:
    found = scan(text)
    assert found is None or {key: line_of(text, key) for key in found} == parse_mapping(text).lines


@given(st.data())
def test_a_change_of_one_character_is_read_as_the_parser_reads_it(data: st.DataObject) -> None:
    text = frontmatter.split((REPOSITORY / "seeds" / "000_ff9743790476918e.txt").read_bytes()).yaml  # type: ignore[union-attr]
    place = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:place]
        + data.draw(st.sampled_from(["", "\n", " ", '"', ":", ": ", "-", "#", "\t", "'", "\\", "é", "\u2028"]))
        + text[place + 1 :]
    )
    found = scan(changed)
    assert found is None or found == values(parse_mapping(changed))


def test_articles_as_sites_write_them_need_no_parser() -> None:
    texts = [frontmatter.split(text.encode()).yaml for _, text in articles(100)]  # type: ignore[union-attr]
    assert all(scan(text) == values(parse_mapping(text)) for text in texts)


@pytest.mark.parametrize("file", sorted((Path(__file__).parent / "data" / "articles").glob("*.md")), ids=lambda file: file.stem)
def test_odd_files_are_read_as_the_parser_reads_them(file: Path) -> None:
    try:
        parts = frontmatter.split(file.read_bytes())
        found = None if parts is None else scan(parts.yaml)
    except frontmatter.FrontMatterError:
        return
    assert found is None or (parts is not None and found == values(parse_mapping(parts.yaml)))


@pytest.mark.parametrize(
    "text",
    [
        *("a: b", "a: b\r\n", "a: [b]\n", "a: |\n  b\n", "a: b\n  c\n", "- a\n", "a: b\na: c\n", "secured:\n  - a\n"),
        *("a:\n- b\n c: d\n", "a: 'b'\n", "a:\tb\n", "a:\n  b\n", "a:\n  -\n"),
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(text: str) -> None:
    assert scan(text) is None


def test_what_the_parser_refuses_is_never_read() -> None:
    for text in ("a: b\n  c: d\n", "a: &x b\nc: *x\n", "a: b: c\n"):
        assert scan(text) is None
        with pytest.raises(YamlError):
            parse_mapping(text)

"""Where front matter starts and ends, and what is no article file at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.content.frontmatter import MAX_BYTES, FrontMatter, FrontMatterError, split


@pytest.mark.parametrize(
    ("data", "yaml", "body"),
    [
        (b"---\na: b\n---\nBody\n", "a: b\n", "Body"),
        (b"---\na: b\n---", "a: b\n", ""),
        (b"---\na: b\n...\n\n\nBody", "a: b\n", "Body"),
        (b"---\n---\nBody", "", "Body"),
        (b"\xef\xbb\xbf---\na: b\n---\n", "a: b\n", ""),
        (b"---\r\na: b\r\n---\r\nOne\r\nTwo\r\n", "a: b\r\n", "One\r\nTwo"),
        (b"--- \t\na: b\n--- \t\nBody", "a: b\n", "Body"),
        (b"---\na: b\n---\n---\nBody\n---\n", "a: b\n", "---\nBody\n---"),
        (b"---\na: b\n----\n--- x\n ---\n---\n", "a: b\n----\n--- x\n ---\n", ""),
        ("---\na: é\n---\né".encode(), "a: é\n", "é"),
    ],
)
def test_file_has_two_parts(data: bytes, yaml: str, body: str) -> None:
    assert split(data) == FrontMatter(yaml, body, None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"---",
        b"# Readme\n---\n",
        b"\n---\na: b\n---\n",
        b" ---\na: b\n---\n",
        b"----\na: b\n---\n",
        b"--- a\n---\n",
        b"\xff\xfea\x00",
        b"-\x00-\x00-\x00\n\x00",
    ],
)
def test_other_file_has_no_front_matter(data: bytes) -> None:
    assert split(data) is None


def test_control_characters_are_removed_and_their_first_line_is_told() -> None:
    assert split(b"---\na: b\nc: \x1bd\x00\ne: \x07\n---\n\x00") == FrontMatter("a: b\nc: d\ne: \n", "\x00", 3)


@pytest.mark.parametrize(
    ("data", "reason", "line", "readable"),
    [
        (b"---\na: b\n", "has no `---` line that ends the front matter", None, "a: b\n"),
        (b"---\na: b\n---\nc\xe9\n", "is not UTF-8", 4, "---\na: b\n---\nc\ufffd\n"),
        (b"---\n\xff", "is not UTF-8", 2, "---\n\ufffd"),
        (b"\xff\xfe" + "---\na: b\n".encode("utf-16-le"), "is UTF-16; save it as UTF-8", 1, "---\na: b\n"),
        (b"\xfe\xff" + "---\na: b\n".encode("utf-16-be"), "is UTF-16; save it as UTF-8", 1, "---\na: b\n"),
    ],
)
def test_file_that_cannot_be_split_says_why_and_what_can_be_read(data: bytes, reason: str, line: int | None, readable: str) -> None:
    with pytest.raises(FrontMatterError) as error:
        split(data)
    assert (error.value.reason, error.value.line, error.value.readable) == (reason, line, readable)


def test_file_of_a_mebibyte_is_read_and_one_byte_more_is_too_much() -> None:
    data = b"---\na: b\n---\n".ljust(MAX_BYTES, b"x")
    assert split(data) == FrontMatter("a: b\n", "x" * (MAX_BYTES - 13), None)
    with pytest.raises(FrontMatterError, match="is larger than 1 MiB") as error:
        split(data + b"x")
    assert error.value.readable == data.decode()


def test_large_file_without_front_matter_is_no_article() -> None:
    assert split(b"x" * (MAX_BYTES + 1)) is None


OPENINGS = st.sampled_from([b"", b"---\n", b"\xef\xbb\xbf---\r\n", b"\xff\xfe-\0-\0-\0"])
CLOSINGS = st.sampled_from([b"", b"\n---\n", b"\n...\r\n"])


@given(OPENINGS, st.binary(), CLOSINGS)
def test_any_bytes_are_split_or_refused_with_a_reason(opening: bytes, data: bytes, closing: bytes) -> None:
    reason = "is split"
    try:
        split(opening + data + closing)
    except FrontMatterError as error:
        reason = error.reason
    assert reason.startswith(("is ", "has "))

"""How what happens is told: one event a line, whole, without control characters and without keys."""

from __future__ import annotations

import json
import logging
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feeds.logs import LINE_BYTES, Access, JsonLines, TextLines

KEY = 'quote"and\\backslash'
POLL = Access("192.0.2.0/24", "GET", "/feed.rss", "limit=20", 304, 0, 0.00042, "hit", "Feedly/1.0")
ANY_TEXT = st.text(st.characters(exclude_categories=()))
LONG_TEXT = st.builds(lambda text, times: text * times, ANY_TEXT, st.sampled_from([1, 1000]))


def record(message: Any, *arguments: object, fault: BaseException | None = None) -> logging.LogRecord:
    about = None if fault is None else (type(fault), fault, fault.__traceback__)
    made = logging.LogRecord("feeds", logging.WARNING, "module.py", 1, message, arguments, about)
    made.created = 1_715_947_200.25
    made.process = 7
    return made


def raised(text: str) -> BaseException:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_event_is_an_object_of_json() -> None:
    said = {"time": "2024-05-17T12:00:00.250Z", "level": "warning", "logger": "feeds", "process": 7}
    assert json.loads(JsonLines().format(record("refused: %s", "a.md"))) == said | {"message": "refused: a.md"}


def test_request_is_an_object_of_json_with_a_member_for_each_fact() -> None:
    said = json.loads(JsonLines().format(record("%s", POLL)))
    assert {name: said[name] for name in list(said)[4:]} == {
        "client": "192.0.2.0/24",
        "method": "GET",
        "path": "/feed.rss",
        "query": "limit=20",
        "status": 304,
        "size": 0,
        "seconds": 0.00042,
        "cache": "hit",
        "user_agent": "Feedly/1.0",
    }


def test_request_is_a_line_for_people() -> None:
    assert TextLines().format(record("%s", POLL)) == '192.0.2.0/24 "GET /feed.rss?limit=20" 304 0 0.0004 hit "Feedly/1.0"'
    nobody = Access(None, "GET", "/", "", 200, 12, 0.5, "miss", 'a "b" \\')
    assert TextLines().format(record("%s", nobody)) == r'- "GET /" 200 12 0.5000 miss "a \"b\" \\"'


def test_fault_of_ours_is_told_with_its_place() -> None:
    fault = raised("a\x1bb")
    text = TextLines().format(record("stopped", fault=fault)).splitlines()
    assert (text[0], text[-1]) == ("stopped", r"ValueError: a\x1bb")
    said = json.loads(JsonLines().format(record("stopped", fault=fault)))
    assert said["exception"].splitlines() == text[1:]


@example(text="\ud800\x7f\x9b\u2028\r\n", extra="\U0001f600" * 3000)
@given(text=LONG_TEXT, extra=LONG_TEXT)
def test_whatever_is_told_is_one_short_line_of_json_without_controls(text: str, extra: str) -> None:
    access = Access(None, text, extra, text, 200, 1, 0.1, "hit", extra)
    for told in (record("%s", access), record("%s", text), record("%s", extra, fault=raised(text))):
        line = JsonLines((KEY,)).format(told)
        said = json.loads(line)
        assert isinstance(said, dict)
        assert len(line.encode()) < LINE_BYTES
        assert line.isascii()
        assert line.isprintable()
        assert not [value for value in said.values() if isinstance(value, str) and _has_controls(value.replace("\n", ""))]


@given(text=ANY_TEXT)
def test_whatever_is_told_is_one_line_of_text_without_controls(text: str) -> None:
    line = TextLines((KEY,)).format(record("%s", text))
    assert not _has_controls(line)


@pytest.mark.parametrize("lines", [TextLines((KEY,)), JsonLines((KEY,))])
def test_key_is_in_no_line(lines: logging.Formatter) -> None:
    access = Access(None, KEY, f"/{KEY}", KEY, 200, 1, 0.1, "hit", f"a{KEY}z")
    for told in (record("%s", access), record(f"x{KEY}"), record("stopped", fault=raised(KEY))):
        line = lines.format(told)
        assert "[key]" in line
        assert "backslash" not in line


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)


def test_end_of_a_long_fault_is_what_is_kept() -> None:
    said = json.loads(JsonLines().format(record("stopped", fault=raised("x" * 9000 + "the end"))))
    assert said["exception"].endswith("the end")
    assert said["message"] == "stopped"
    assert sys.getsizeof(said["exception"]) > LINE_BYTES / 4

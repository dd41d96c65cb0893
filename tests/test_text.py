"""Plain text: entities decoded twice at most, nothing in it that XML or a terminal can't take."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feeds.text import escape_controls, first_control_character, one_line, plain_text, without_control_characters, xml_text

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("R&amp;D", "R&D"),
        ("it&#8217;s &quot;live&quot;", 'it’s "live"'),
        ("&amp;quot;5x8&amp;quot;", '"5x8"'),
        ("&amp;amp;amp;", "&amp;"),
        ("AT&T & co", "AT&T & co"),
        ("&nbsp;one&nbsp;two&#160;", "one\xa0two"),
        ("&#0;&#x1f;&#128;", "\ufffd€"),
        ("a\x00b\x1b[1mc\x7f\x85d", "ab[1mcd"),
        ("&#27;[0m", "[0m"),
        ("\ud800a\ufffe\uffff", "a"),
        (" \t\n one\r\ntwo \n", "one\r\ntwo"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("👩🏽‍💻 机器 مرحبا", "👩🏽‍💻 机器 مرحبا"),
        ("", ""),
    ],
)
def test_plain_text_is_what_a_person_means(written: str, meant: str) -> None:
    assert plain_text(written) == meant


def test_one_line_has_single_spaces() -> None:
    assert one_line(" One\r\n\ttwo\u2028three&nbsp;&nbsp;four\u3000five ") == "One two three four five"


@given(ANY_TEXT)
def test_plain_text_has_no_control_characters_and_no_white_space_around(text: str) -> None:
    meant = plain_text(text)
    assert meant == meant.strip()
    assert not [character for character in meant if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r"]


@given(ANY_TEXT)
def test_first_control_character_is_the_first_that_is_removed(text: str) -> None:
    place = first_control_character(text)
    if place is None:
        assert without_control_characters(text) == text
    else:
        assert without_control_characters(text[:place]) == text[:place]
        assert without_control_characters(text[place]) == ""


def test_without_control_characters_keeps_tabs_and_line_ends() -> None:
    assert without_control_characters("a\tb\r\nc\x0b\x0cd\x9f") == "a\tb\r\ncd"


@given(ANY_TEXT)
def test_xml_text_can_stand_in_an_xml_document(text: str) -> None:
    element = etree.Element("a")
    element.text = xml_text(text)
    assert (etree.fromstring(etree.tostring(element)).text or "") == xml_text(text)


def test_xml_text_removes_only_what_xml_forbids() -> None:
    assert xml_text("a\x00\x0b\x1f\ud800\ufffe\uffffb\x7f\x85\U0010ffff\t\r\n") == "ab\x7f\x85\U0010ffff\t\r\n"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("one\ntwo\r\tthree", r"one\ntwo\r\tthree"),
        ("\x7f\x9b\x85", r"\x7f\x9b\x85"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("name\udcff.md", r"name\udcff.md"),
        ("Köln 机器 👩🏽‍💻", "Köln 机器 👩🏽‍💻"),
    ],
)
def test_escaped_text_is_safe_on_a_terminal(text: str, escaped: str) -> None:
    assert escape_controls(text) == escaped


@given(ANY_TEXT)
def test_escaped_text_is_one_line_that_can_be_encoded(text: str) -> None:
    escaped = escape_controls(text)
    assert len(escaped.encode().decode().splitlines()) <= 1

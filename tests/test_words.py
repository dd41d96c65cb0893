"""Which words a text is found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.words import indexed_words, sought_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Facial Recognition, again: recognition!", ("facial", "recognition", "again")),
        ("Café CRÈME Ёлка Ωμέγα", ("cafe", "creme", "елка", "ωμεγα")),
        ("Straße ﬁle Ⅳ ①", ("strasse", "file", "iv", "1")),
        ("C++ and C#, not #5", ("c++", "c", "and", "c#", "not", "5")),
        ("a+b=c", ("a+", "a", "b", "c")),
        ("R&D's rock-n-roll", ("r", "d", "s", "rock", "n", "roll")),
        ("人工智能", ("人", "工", "智", "能", "人工", "工智", "智能")),
        ("日本のAI技術", ("日", "本", "の", "日本", "本の", "ai", "技", "術", "技術")),
        ("हिन्दी समाचार", ("हिन्दी", "समाचार")),
        ("مرحبا بالعالم", ("مرحبا", "بالعالم")),
        ("🚀 – … !!! +", ()),
        ("", ()),
    ],
)
def test_words_of_a_text(text: str, words: tuple[str, ...]) -> None:
    assert indexed_words(text) == words


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Crème  café", ("cafe", "creme")),
        ("c++", ("c++",)),
        ("能", ("能",)),
        ("智能", ("智能",)),
        ("人工智能", ("人工", "工智", "智能")),
        ("AI技術", ("ai", "技術")),
        ("!?", ()),
    ],
)
def test_words_of_a_query(query: str, words: tuple[str, ...]) -> None:
    assert sought_words(query) == words


@given(st.text())
def test_every_text_is_found_by_itself(text: str) -> None:
    assert set(sought_words(text)) <= set(indexed_words(text))


@given(st.text(), st.text())
def test_text_is_found_whatever_stands_around_it(text: str, other: str) -> None:
    assert set(indexed_words(text)) <= set(indexed_words(f"{other} {text} {other}"))


@given(st.text())
def test_letter_case_does_not_matter(text: str) -> None:
    assert sought_words(text.upper()) == sought_words(text.upper().lower())


@given(st.text())
def test_words_hold_no_white_space_and_are_not_empty(text: str) -> None:
    assert all(word and not any(character.isspace() for character in word) for word in indexed_words(text))


@pytest.mark.parametrize("letter", ["a", "é", "ж"])
def test_of_a_word_without_end_its_beginning_counts(letter: str) -> None:
    assert sought_words(letter * 5000) == indexed_words(letter * 70) == (indexed_words(letter)[0] * 64,)

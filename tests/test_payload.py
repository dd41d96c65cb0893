"""A payload is found wherever a piece of it stands: the shortcuts find what comparing every piece would find."""

from __future__ import annotations

from string import ascii_letters, digits

from hypothesis import example, given
from hypothesis import strategies as st

from feeds.content.payload import spills

PART = 12
LETTERS = st.text(st.sampled_from("aB0+"), min_size=PART, max_size=60)  # so few that pieces resemble each other


def parts(text: str) -> set[str]:
    return {text[place : place + PART] for place in range(len(text) - PART + 1)}


@given(LETTERS.map(lambda text: f"{text}1"), st.lists(LETTERS | st.text(st.sampled_from("aB0+ ."), max_size=30), max_size=4))
@example("aB0+aB0+aB01", [])
def test_a_payload_spills_exactly_where_a_piece_of_it_is_said(payload: str, said: list[str]) -> None:
    data = f'---\ntitle: A\nsecured: "{payload}"\n---\n'
    assert spills(data.encode(), " ".join(said).encode()) is any(not parts(payload).isdisjoint(parts(text)) for text in said)


@given(LETTERS, st.integers(0, 60), st.integers(0, 60), st.text(st.sampled_from("aB0+ .xyz")), st.text(st.sampled_from("aB0+ .xyz")))
def test_twelve_characters_at_any_place_are_enough(payload: str, start: int, end: int, before: str, behind: str) -> None:
    piece = payload[start:end]
    said = f"{before}{piece}{behind}".encode()
    assert spills(f"---\nsecured: {payload}0\n---\n".encode(), said) or len(piece) < PART


def test_no_place_of_a_payload_is_passed_over() -> None:
    payload = ascii_letters + digits  # no two pieces of it resemble each other
    data = f"---\nsecured: {payload}\n---\n".encode()
    for start in range(len(payload) - PART + 1):
        assert spills(data, f"x {payload[start : start + PART]}".encode())
        assert not spills(data, f"x {payload[start : start + PART - 1]} {payload[start + 1 : start + PART]}".encode())


def test_what_ends_front_matter_as_a_payload_does_needs_no_name() -> None:
    data = b'---\ntitle: A\n  lost: "AbCd0123456789=="  \r\n... \n---\n'
    assert spills(data, b"x AbCd01234567 x")
    assert not spills(data.replace(b"==", b""), b"x AbCd01234567 x")


def test_a_megabyte_that_nearly_ends_as_a_payload_does_is_none() -> None:
    # Where the time grows with the square of the length, as it once did, this takes an hour.
    for filling in (b"a" * 1_000_000 + b" =", b"=" * 1_000_000 + b"x", b"='" * 500_000 + b"x", b"secured" * 150_000):
        assert not spills(b"---\na: " + filling + b"\n---\n", b"said")

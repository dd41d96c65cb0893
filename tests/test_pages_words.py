"""How values read on a page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feeds.pages import words

MAY = datetime(2024, 5, 7, tzinfo=UTC)


def test_numbers_and_moments_read_well() -> None:
    assert (words.number(12345), words.counted(1, "article"), words.counted(2000, "article")) == ("12,345", "1 article", "2,000 articles")
    assert (words.day(MAY), words.month(MAY)) == ("7 May 2024", "May 2024")


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (543, "9:03"), (3723, "1:02:03")])
def test_length_of_a_video_reads_as_on_a_player(seconds: int, text: str) -> None:
    assert words.length(seconds) == text


@pytest.mark.parametrize(("text", "shown"), [("one two", "one two"), ("one two three", "one two…"), ("Donaudampfschiff", "Donauda…")])
def test_long_text_is_cut_between_words_where_it_can_be(text: str, shown: str) -> None:
    assert words.shortened(text, 8 if " " not in text else 10) == shown


@pytest.mark.parametrize(
    ("counts", "path"),
    [([], ""), ([0, 0], ""), ([1, 0, 2], "M0 24v-12h5v12zM12 24v-24h5v24z"), ([1, 1000], "M0 24v-1h5v1zM6 24v-24h5v24z")],
)
def test_bars_show_every_count_above_zero(counts: list[int], path: str) -> None:
    assert words.bars(counts) == path
    assert words.bars_width(counts) == max(1, 6 * len(counts) - 1)

"""How values read on a page: numbers, days, lengths, shortened texts, bars. Pure; knows no markup but the path of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

_BAR = 5  # units wide, and one between
_HIGHEST = 24


def number(count: int) -> str:
    """Return a number with its thousands apart: 12,345."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Return how many there are: 1 article, 2 articles."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def day(moment: datetime) -> str:
    """Return a day as people write it: 7 May 2024."""
    return f"{moment.day} {moment:%b} {moment.year}"


def month(moment: datetime) -> str:
    """Return a month as people write it: May 2024."""
    return f"{moment:%B} {moment.year}"


def length(seconds: int) -> str:
    """Return the length of a video: 9:03, 1:02:03."""
    hours, minutes = divmod(seconds // 60, 60)
    return (f"{hours}:{minutes:02}" if hours else f"{minutes}") + f":{seconds % 60:02}"


def shortened(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, cut between words where it can be, with dots where it was cut."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    return f"{kept.rpartition(' ')[0] or kept}…"


def bars(counts: Sequence[int]) -> str:
    """Return the path of an SVG bar chart, one bar a count; a count above zero is seen however small it is."""
    tallest = max(counts, default=0)
    heights = [0 if not count else max(1, round(count * _HIGHEST / tallest)) for count in counts]
    return "".join(f"M{place * (_BAR + 1)} {_HIGHEST}v-{height}h{_BAR}v{height}z" for place, height in enumerate(heights) if height)


def bars_width(counts: Sequence[int]) -> int:
    """Return how many units wide that chart is; it is always as high."""
    return max(1, len(counts) * (_BAR + 1) - 1)

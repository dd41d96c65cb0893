"""The grammar of `/search/`: what parameters mean, their canonical form, and what is said about bad ones."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds import parameters
from feeds.errors import RequestError
from feeds.feed import DEFAULT_OPTIONS
from feeds.model import Choice, Kind, Slice, SliceOrder

SLUGS = st.from_regex("[a-z]{1,5}", fullmatch=True)
DAYS = st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31))
NUMBERS = st.none() | st.integers(-999_999_999, 999_999_999)
CHOICES = st.builds(Choice, st.sampled_from([Kind.TOPIC, Kind.PROVIDER, Kind.CATEGORY, Kind.TYPE]), SLUGS, st.booleans())


def asked(query: str) -> Slice:
    return parameters.slice_of(parse_qs(query, keep_blank_values=True))


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("", Slice()),
        ("utm_source=x&page=7", Slice()),
        ("topic=ai", Slice((Choice(Kind.TOPIC, "ai"),))),
        ("topic=-ai&provider=x.org", Slice((Choice(Kind.PROVIDER, "x.org"), Choice(Kind.TOPIC, "ai", is_excluded=True)))),
        ("type=video&topic=Computer+Vision", Slice((Choice(Kind.TOPIC, "Computer Vision"), Choice(Kind.TYPE, "video")))),
        ("category=news", Slice((Choice(Kind.CATEGORY, "news"),))),
        ("topic=a&topic=b&topic=a", Slice((Choice(Kind.TOPIC, "a"), Choice(Kind.TOPIC, "b")))),
        ("topic=a&match=all", Slice((Choice(Kind.TOPIC, "a"),), match_all=True)),
        ("match=any", Slice()),
        ("&".join(f"topic={number}" for number in range(20)), Slice(tuple(sorted(Choice(Kind.TOPIC, str(n)) for n in range(20))))),
        ("q=Facial++RECOGNITION", Slice(sought="facial recognition")),
        (f"q={'a' * 200}", Slice(sought="a" * 200)),
        ("min_quality=50&min_heat=-1", Slice(min_quality=50, min_heat=-1)),
        ("since=2024-02-29&until=2024-02-29", Slice(since=date(2024, 2, 29), until=date(2024, 2, 29))),
        ("sort=heat", Slice(order=SliceOrder.HEAT)),
    ],
)  # fmt: skip
def test_parameters_mean(query: str, part: Slice) -> None:
    assert asked(query) == part


@pytest.mark.parametrize(
    ("query", "parameter", "reason"),
    [
        ("topic=", "topic", "is empty"),
        ("provider=-", "provider", "is empty"),
        ("&".join(f"topic={number}" for number in range(21)), "topic", "and provider, category, type may be given 20 times in all"),
        ("match=some", "match", "has to be one of any, all"),
        (f"q={'a' * 201}", "q", "is longer than 200 characters"),
        (f"q={'ß' * 101}", "q", "is longer than 200 characters"),
        ("q=", "q", "has no word to look for"),
        ("q=%21%3F", "q", "has no word to look for"),
        ("q=a&q=b", "q", "is given more than once"),
        ("min_quality=1e3", "min_quality", "has to be a whole number of at most nine digits"),
        ("min_heat=1000000000", "min_heat", "has to be a whole number of at most nine digits"),
        ("min_heat=%D9%A1", "min_heat", "has to be a whole number of at most nine digits"),
        ("since=yesterday", "since", "has to be a day such as 2024-05-17"),
        ("until=2024-02-30", "until", "has to be a day such as 2024-05-17"),
        ("since=20240517", "since", "has to be a day such as 2024-05-17"),
        ("since=2024-W20-5", "since", "has to be a day such as 2024-05-17"),
        ("since=2024-05-18&until=2024-05-17", "until", "is before since"),
        ("sort=date", "sort", "has to be one of heat, quality"),
    ],
)
def test_bad_value_is_named_with_its_reason(query: str, parameter: str, reason: str) -> None:
    with pytest.raises(RequestError) as caught:
        asked(query)

    assert (caught.value.parameter, caught.value.reason) == (parameter, reason)


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("topic=b&topic=a&type=x", "?topic=a&topic=b&type=x"),
        ("topic=a&topic=a&topic=-b", "?topic=-b&topic=a"),
        ("match=all&topic=a", "?topic=a"),
        ("match=all&topic=a&topic=-b", "?topic=-b&topic=a"),
        ("topic=b&match=all&topic=a", "?match=all&topic=a&topic=b"),
        ("q=A%20%20b", "?q=a+b"),
        ("", ""),
    ],
)
def test_equal_slices_have_one_query(query: str, canonical: str) -> None:
    assert parameters.query(DEFAULT_OPTIONS, asked(query)) == canonical


@given(
    st.builds(
        Slice,
        choices=st.lists(CHOICES, max_size=5, unique=True).map(lambda choices: tuple(sorted(choices))),
        sought=st.none() | SLUGS,
        min_quality=NUMBERS,
        min_heat=NUMBERS,
        since=DAYS,
        order=st.none() | st.sampled_from(SliceOrder),
    )
)
def test_slice_comes_back_from_its_query(part: Slice) -> None:
    assert asked(parameters.query(DEFAULT_OPTIONS, part).removeprefix("?")) == part


@given(st.text())
def test_any_query_is_a_slice_or_a_request_error(query: str) -> None:
    try:
        part = asked(query)
    except RequestError:
        return
    assert asked(parameters.query(DEFAULT_OPTIONS, part).removeprefix("?")) == part

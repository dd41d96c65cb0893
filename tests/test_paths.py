"""URL paths: how every document is addressed, and what an address means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds import parameters, paths
from feeds.errors import RequestError
from feeds.feed import LIMITS, PAGE_SIZE, FeedAddress, FeedOptions, ImageOption, PageAddress, RelatedOption
from feeds.identity import slug
from feeds.model import Kind
from feeds.paths import Period

slugs = st.text(min_size=1, max_size=20).map(slug) | st.sampled_from(["example.com", "xn--bcher-kva.example", "news.example.co.uk"])
parts = st.sampled_from(["feed", "2024-05", "2024-05-17", "2024-05-page-3"])
option_sets = st.builds(FeedOptions, st.sampled_from([None, *LIMITS]), st.sampled_from(ImageOption), st.sampled_from(RelatedOption))
addresses = st.one_of(
    st.builds(FeedAddress, part=parts, options=option_sets),
    st.builds(FeedAddress, st.sampled_from([kind for kind in Kind if kind]), slugs, parts, option_sets),
)
every_path = st.one_of(
    st.builds(paths.feed_path, addresses, st.sampled_from(["rss", "atom", "json"])),
    st.builds(lambda address: paths.page_path(address.kind, address.slug), addresses),
    st.just(paths.OPML_PATH),
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc] # year, month, day …


@pytest.mark.parametrize(
    ("kind", "slug", "path"),
    [
        (Kind.ALL, "", "/"),
        (Kind.TOPIC, "computer-vision", "/topics/computer-vision/"),
        (Kind.CATEGORY, "news", "/categories/news/"),
        (Kind.TYPE, "video", "/types/video/"),
        (Kind.PROVIDER, "example.com", "/providers/example.com/"),
        (Kind.TOPIC, "Computer Vision?", "/topics/Computer%20Vision%3F/"),
        (Kind.TOPIC, "人", "/topics/%E4%BA%BA/"),
    ],
)
def test_page_of_a_collection_is_at(kind: Kind, slug: str, path: str) -> None:
    assert paths.page_path(kind, slug) == path


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (PageAddress(month="2024-05"), "/2024-05/"),
        (PageAddress(month="2024-05", number=2), "/2024-05/2/"),
        (PageAddress(Kind.TOPIC), "/topics/"),
        (PageAddress(Kind.PROVIDER, number=2), "/providers/pages/2/"),
        (PageAddress(Kind.TOPIC, "ai", "2024-05", 12), "/topics/ai/2024-05/12/"),
        (PageAddress(Kind.TOPIC, "pages"), "/topics/pages/"),
        (PageAddress(Kind.TOPIC, "2024-05"), "/topics/2024-05/"),
        (PageAddress(Kind.TOPIC, "2024-05", "2024-05"), "/topics/2024-05/2024-05/"),
        (PageAddress(Kind.TOPIC, "a/pages/2"), "/topics/a/pages/2/"),
        (PageAddress(Kind.TOPIC, "a/2024-13"), "/topics/a/2024-13/"),
    ],
)
def test_page_is_found_again_by_its_path(address: PageAddress, path: str) -> None:
    assert paths.page_path(address.kind, address.slug, address.month, address.number) == path
    kind, rest = (address.kind, path.removeprefix(f"/{address.kind}").strip("/"))
    assert paths.page_of(kind, rest) == address


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (FeedAddress(), "/feed.rss"),
        (FeedAddress(part="2024-05"), "/2024-05.rss"),
        (FeedAddress(Kind.TOPIC, "ai"), "/topics/ai/feed.rss"),
        (FeedAddress(Kind.TOPIC, "ai", "2024-05"), "/topics/ai/2024-05.rss"),
        (FeedAddress(Kind.CATEGORY, "news", "2024-05-17"), "/categories/news/2024-05-17.rss"),
        (FeedAddress(Kind.PROVIDER, "example.com", "2024-05-page-2"), "/providers/example.com/2024-05-page-2.rss"),
        (FeedAddress(Kind.TYPE, "video", options=FeedOptions(limit=10)), "/types/video/feed.rss?limit=10"),
        (
            FeedAddress(options=FeedOptions(200, ImageOption.BOTH, RelatedOption.NONE)),
            "/feed.rss?images=both&limit=200&related=none",
        ),
    ],
)
def test_document_is_at(address: FeedAddress, path: str) -> None:
    assert paths.feed_path(address, "rss") == path


def test_stem_of_a_document_has_neither_extension_nor_query() -> None:
    assert paths.stem(FeedAddress(Kind.TOPIC, "ai", "2024-05", FeedOptions(limit=10))) == "/topics/ai/2024-05"


def test_query_of_defaults_is_empty() -> None:
    assert parameters.query(FeedOptions()) == ""


@given(option_sets)
def test_query_is_read_back_as_the_options_it_was_made_from(options: FeedOptions) -> None:
    query = parameters.query(options)

    assert parameters.options(parse_qs(query.removeprefix("?")), page_size=0) == options
    assert query.removeprefix("?").split("&") == sorted(query.removeprefix("?").split("&"))


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("limit=50&images=attach&related=links", ""),
        ("utm_source=reader&page=2", ""),
        ("related=none&limit=20&images=none", "?images=none&limit=20&related=none"),
        ("limit=10&limit=10", "?limit=10"),
    ],
)
def test_equal_queries_have_one_canonical_form(query: str, canonical: str) -> None:
    assert parameters.query(parameters.options(parse_qs(query), PAGE_SIZE)) == canonical


def test_limit_that_a_site_has_anyway_is_no_parameter() -> None:
    options = [parameters.options({"limit": [str(limit)]}, page_size=20) for limit in (20, 50)]
    assert list(map(parameters.query, options)) == ["", "?limit=50"]


@pytest.mark.parametrize(
    ("query", "parameter", "reason"),
    [
        ("limit=11", "limit", "has to be one of 10, 20, 50, 100, 200"),
        ("limit=", "limit", "has to be one of 10, 20, 50, 100, 200"),
        ("limit=010", "limit", "has to be one of 10, 20, 50, 100, 200"),
        ("limit=10&limit=20", "limit", "is given more than once"),
        ("images=Both", "images", "has to be one of attach, inline, both, none"),
        ("images=both&images=none", "images", "is given more than once"),
        ("related=all", "related", "has to be one of links, entries, none"),
    ],
)
def test_bad_value_of_a_known_parameter_is_an_error_that_names_it(query: str, parameter: str, reason: str) -> None:
    with pytest.raises(RequestError) as error:
        parameters.options(parse_qs(query, keep_blank_values=True), PAGE_SIZE)

    assert (error.value.parameter, error.value.reason) == (parameter, reason)


@pytest.mark.parametrize(
    ("path", "base_path", "reference"),
    [
        ("/feed.rss", "/", "feed.rss"),
        ("/", "/", "./"),
        ("/", "/topics/ai/", "../../"),
        ("/topics/ai/", "/topics/ai/", "./"),
        ("/topics/ai/feed.rss", "/topics/ai/", "feed.rss"),
        ("/topics/robots/", "/topics/ai/", "../robots/"),
        ("/categories/news/", "/topics/ai/feed.rss", "../../categories/news/"),
        ("/topics/ai/", "/topics/ai", "ai/"),
    ],
)
def test_page_refers_to_another(path: str, base_path: str, reference: str) -> None:
    assert paths.relative(path, base_path) == reference


@given(every_path, every_path, st.sampled_from(["", "/news", "/a/b"]))
def test_reference_leads_to_its_path_wherever_both_are_mounted(path: str, base_path: str, mount: str) -> None:
    base_url = f"https://example.org{mount}{base_path}"
    reference = paths.relative(path, urlsplit(base_path).path)

    assert urljoin(base_url, reference) == f"https://example.org{mount}{path}"
    assert not reference.startswith("/")


@pytest.mark.parametrize(
    ("moment", "start", "end"),
    [
        (utc(2024, 5, 17, 12), utc(2024, 5, 1), utc(2024, 6, 1)),
        (utc(2024, 5, 1), utc(2024, 5, 1), utc(2024, 6, 1)),
        (utc(2024, 12, 31, 23, 59, 59), utc(2024, 12, 1), utc(2025, 1, 1)),
        (utc(2024, 2, 29), utc(2024, 2, 1), utc(2024, 3, 1)),
        (datetime(2024, 6, 1, 1, tzinfo=timezone(timedelta(hours=2))), utc(2024, 5, 1), utc(2024, 6, 1)),
    ],
)
def test_month_of_a_moment_is_in_utc(moment: datetime, start: datetime, end: datetime) -> None:
    assert paths.month(moment) == Period(start, end)


def test_day_of_a_moment_is_in_utc() -> None:
    moment = datetime(2024, 6, 1, 1, tzinfo=timezone(timedelta(hours=2)))

    assert paths.day(moment) == Period(utc(2024, 5, 31), utc(2024, 6, 1))


@pytest.mark.parametrize(
    ("part", "period"),
    [
        ("2024-05", Period(utc(2024, 5, 1), utc(2024, 6, 1))),
        ("2024-12", Period(utc(2024, 12, 1), utc(2025, 1, 1))),
        ("0999-05", Period(utc(999, 5, 1), utc(999, 6, 1))),
        ("2024-05-17", Period(utc(2024, 5, 17), utc(2024, 5, 18))),
        ("2024-02-29", Period(utc(2024, 2, 29), utc(2024, 3, 1))),
        ("2024-05-page-1", Period(utc(2024, 5, 1), utc(2024, 6, 1), 1)),
        ("2024-05-page-120", Period(utc(2024, 5, 1), utc(2024, 6, 1), 120)),
    ],
)
def test_part_names_a_period(part: str, period: Period) -> None:
    assert paths.period_of(part) == period


@pytest.mark.parametrize(
    "part",
    [
        "feed",
        "2024",
        "2024-5",
        "2024-13",
        "2024-00",
        "0000-01",
        "9999-12",
        "9999-12-31",
        "2023-02-29",
        "2024-05-17-page-1",
        "2024-05-page-0",
        "2024-05-page-01",
        "2024-05-page-1234567",
        "2024-05\n",
        "٢٠٢٤-٠٥",
        "２０２４-05",
    ],
)
def test_part_that_names_no_period_is_none(part: str) -> None:
    assert paths.period_of(part) is None


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9998, 12, 31), timezones=st.just(UTC)), st.integers(1, 999_999))  # noqa: DTZ001 - Hypothesis wants bounds without a zone
def test_period_is_found_by_its_name(moment: datetime, page: int) -> None:
    month = paths.month(moment)

    assert paths.period_of(paths.month_part(month)) == month
    assert paths.period_of(paths.day_part(paths.day(moment))) == paths.day(moment)
    assert paths.period_of(paths.page_part(month, page)) == month._replace(page=page)

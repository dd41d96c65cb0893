"""What a request gets of a finished answer: codings, validators, 304, caching (RFC 9110, 9111)."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from feeds.feed import Document
from feeds.web.answers import Answer, Reply, negotiate

from .builders import NOON

BODY = b"<rss>" + b"news " * 1000 + b"</rss>"
SECOND = timedelta(seconds=1)
AT_NOON = "Fri, 17 May 2024 12:00:00 GMT"


def answer(body: bytes = BODY, modified_at: datetime | None = NOON) -> Answer:
    return Answer(Document(body, "application/rss+xml; charset=utf-8", modified_at), 300, (("Link", "<x>"),))


def reply(said: Answer | None = None, now: datetime = NOON, next_turn_at: datetime | None = None, **headers: str) -> Reply:
    environ = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    return (said or answer()).reply(environ, now, next_turn_at)


def header(said: Reply, name: str) -> str | None:
    return dict(said.headers).get(name)


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("deflate", "identity"),
        ("*", "identity"),
        ("gzip;q=0", "identity"),
        ("identity;q=1, gzip;q=0.5", "identity"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0, *", "br"),
        ("identity;q=0, br;q=0, *;q=0.5", "zstd"),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("deflate, *;q=0", None),
        ("not a coding;;;q=x,,", "identity"),
    ],
)
def test_coding_is_the_one_the_client_likes_best(accept_encoding: str, coding: str | None) -> None:
    assert negotiate(accept_encoding) == coding


@given(st.text())
def test_any_accept_encoding_gets_an_answer(accept_encoding: str) -> None:
    assert negotiate(accept_encoding) in {"br", "zstd", "gzip", "identity", None}


@pytest.mark.parametrize(
    ("coding", "decode"),
    [("gzip", gzip.decompress), ("br", brotli.decompress), ("zstd", zstandard.ZstdDecompressor().decompress), ("identity", bytes)],
)
def test_every_coding_holds_the_same_bytes(coding, decode) -> None:
    said = reply(accept_encoding=coding)

    assert (said.status, decode(said.body)) == ("200 OK", BODY)
    assert header(said, "Content-Encoding") == (None if coding == "identity" else coding)
    assert header(said, "Content-Length") == str(len(said.body))


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "identity"])
def test_two_workers_send_the_same_bytes_and_tag(coding: str) -> None:
    assert reply(answer(), accept_encoding=coding) == reply(answer(), accept_encoding=coding)


def test_each_coding_has_a_strong_tag_of_its_own() -> None:
    tags = [header(reply(accept_encoding=coding), "ETag") for coding in ("identity", "gzip", "br", "zstd")]

    assert len(set(tags)) == 4
    assert all(tag is not None and tag.startswith('"') for tag in tags)


def test_short_body_is_not_compressed() -> None:
    said = reply(answer(b"short"), accept_encoding="gzip")

    assert (said.body, header(said, "Content-Encoding")) == (b"short", None)


def test_client_that_takes_nothing_we_offer_is_told_what_there_is() -> None:
    said = reply(accept_encoding="identity;q=0")

    assert said.status == "406 NOT ACCEPTABLE"
    assert b"gzip" in said.body


TAG = header(reply(), "ETag")


@pytest.mark.parametrize(
    "if_none_match", [TAG, f"W/{TAG}", f'"other", {TAG}', f'W/"other",W/{TAG}', "*"], ids=["same", "weak", "list", "weak list", "any"]
)
def test_known_bytes_are_not_sent_again(if_none_match: str) -> None:
    said = reply(if_none_match=if_none_match)

    assert (said.status, said.body) == ("304 NOT MODIFIED", b"")


@pytest.mark.parametrize("if_none_match", ['"other"', "", "nonsense", f"{TAG}x"[1:]])
def test_other_tags_get_the_bytes(if_none_match: str) -> None:
    assert reply(if_none_match=if_none_match).status == "200 OK"


def test_tag_of_one_coding_is_not_that_of_another() -> None:
    assert reply(if_none_match=str(TAG), accept_encoding="gzip").status == "200 OK"


@pytest.mark.parametrize(
    ("if_modified_since", "status"),
    [
        (AT_NOON, "304 NOT MODIFIED"),
        ("Fri, 17 May 2024 12:00:01 GMT", "304 NOT MODIFIED"),
        ("Fri, 17 May 2024 11:59:59 GMT", "200 OK"),
        ("yesterday", "200 OK"),
        ("", "200 OK"),
    ],
)
def test_time_of_the_last_change_is_compared(if_modified_since: str, status: str) -> None:
    assert reply(if_modified_since=if_modified_since).status == status


def test_tag_counts_before_time() -> None:
    assert reply(if_none_match='"other"', if_modified_since=AT_NOON).status == "200 OK"
    assert reply(if_none_match=str(TAG), if_modified_since="Fri, 17 May 2024 11:00:00 GMT").status == "304 NOT MODIFIED"


def test_not_modified_repeats_what_caches_need() -> None:
    assert sorted(reply(if_none_match="*").headers) == [
        ("Cache-Control", "public, max-age=300, stale-while-revalidate=86400, stale-if-error=86400"),
        ("ETag", TAG),
        ("Last-Modified", AT_NOON),
        ("Link", "<x>"),
        ("Vary", "Accept-Encoding"),
    ]


def test_change_ahead_of_the_clock_is_sent_as_now_and_compared_as_it_is() -> None:
    said = answer(modified_at=NOON + 2 * SECOND)

    assert header(reply(said), "Last-Modified") == AT_NOON
    assert reply(said, if_modified_since=AT_NOON).status == "200 OK"


def test_answer_without_time_goes_by_its_tag_alone() -> None:
    said = answer(modified_at=None)

    assert header(reply(said), "Last-Modified") is None
    assert reply(said, if_modified_since=AT_NOON).status == "200 OK"


@pytest.mark.parametrize(("turns_in", "max_age"), [(None, 300), (1000, 300), (60, 60), (0, 0)])
def test_no_cache_keeps_it_beyond_the_next_turn(turns_in: int | None, max_age: int) -> None:
    said = reply(next_turn_at=None if turns_in is None else NOON + turns_in * SECOND)

    assert str(header(said, "Cache-Control")).startswith(f"public, max-age={max_age}, ")


def test_only_the_codings_that_were_asked_for_are_kept() -> None:
    said = answer()
    assert said.size > len(BODY)
    packed = len(reply(said, accept_encoding="gzip").body)
    assert packed < said.size < packed + 5000
    plain = said.size
    reply(said, accept_encoding="identity")
    assert said.size == plain + len(BODY)


@pytest.mark.parametrize("first", ["gzip", "br", "zstd", "identity"])
def test_a_coding_is_made_from_whatever_is_kept(first: str) -> None:
    said = answer()
    reply(said, accept_encoding=first)
    assert said.body == BODY
    for coding in ("gzip", "br", "zstd", "identity"):
        assert reply(said, accept_encoding=coding) == reply(accept_encoding=coding)

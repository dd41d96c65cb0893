"""Who is who: ids that never change, names that are one, and slugs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.identity import article_id, distinct_slugs, feed_id, fold, identity_key, slug

SLUG = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        (
            "https://www.theroot.com/massachusetts-legislators-vote-to-ban-police-from-using-1845794457",
            "urn:uuid:4b5f5ef0-4767-5462-83f4-d7afa954f321",
        ),
        ("https://news.example/a", "urn:uuid:04480b94-963f-580f-a701-67a4516ecd05"),
        ("https://news.example/", "urn:uuid:d4d7e498-feb4-5ce7-8d34-68f41d4b05e4"),
        ("https://news.example/a?id=7&page=1", "urn:uuid:44baae70-bdb0-5a50-bd04-1dca27269ad2"),
        ("http://news.example:8080/a", "urn:uuid:f95d9483-0987-5c53-864b-0f98e187a306"),
        ("https://新闻.example/机器人", "urn:uuid:09cfff54-6d5c-5537-988e-0bb16bc0591f"),
        ("https://news.example/a?", "urn:uuid:04480b94-963f-580f-a701-67a4516ecd05"),  # there is no query
        ("https://news.example/a//", "urn:uuid:e3635c75-cf00-5609-8bcf-dae7e244d04d"),
    ],
)
def test_identity_of_an_article_is_the_same_for_ever(url: str, identity: str) -> None:
    assert article_id(url) == identity


def test_identity_of_a_feed_is_the_same_for_ever() -> None:
    assert feed_id("https://feeds.example.org", "/topics/ai/feed") == "urn:uuid:34b71e81-d053-538a-9d92-5e923d115100"


HOSTS = st.from_regex(r"[a-z]{1,10}(\.[a-z]{2,5}){1,2}", fullmatch=True)
PATHS = st.from_regex(r"(/[A-Za-z0-9%._~-]{1,8}){0,4}", fullmatch=True)
QUERIES = st.from_regex(r"(\?[a-z]{1,4}=[A-Za-z0-9]{0,5})?", fullmatch=True)


@given(HOSTS, PATHS, QUERIES)
def test_identity_does_not_depend_on_scheme_port_user_fragment_or_last_slash(host: str, path: str, query: str) -> None:
    identity = article_id(f"https://{host}{path}{query}")
    same = [
        f"http://{host}{path}{query}",
        f"https://{host}{path}/{query}",
        f"https://{host.upper()}{path}{query}",
        f"HTTPS://{host}{path}{query}",
        f"https://{host}:443{path}{query}",
        f"http://{host}:80{path}{query}",
        f"https://{host}:{path}{query}",
        f"https://user:secret@{host}{path}{query}",
        f"https://{host}{path}{query}#part",
        f" https://{host}{path}{query} ",
    ]
    assert {article_id(url) for url in same} == {identity}


@given(HOSTS, PATHS, QUERIES)
def test_identity_depends_on_everything_else(host: str, path: str, query: str) -> None:
    others = [
        f"https://{host}:80{path}{query}",
        f"http://{host}:443{path}{query}",
        f"https://www.{host}{path}{query}",
        f"https://{host}{path}x{query}",
        f"https://{host}{path}//{query}",
        f"https://{host}{path}/X?{query}",
        f"https://{host}{path}{query or '?'}&x=1",
    ]
    assert len({article_id(url) for url in (f"https://{host}{path}{query}", *others)}) == len(others) + 1


@given(st.text())
def test_key_of_an_identity_does_not_tell_it(identity: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", identity_key(identity))
    assert identity_key(identity) == identity_key(identity)


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Computer Vision", "computer vision"),
        (" computer \t\n VISION ", "computer vision"),
        ("ＡＩ", "ai"),
        ("Straße", "strasse"),
        ("ﬁnance", "finance"),
        ("Cafe\u0301", "café"),
        ("人工智能", "人工智能"),
    ],
)
def test_spellings_fold_to_one_name(name: str, folded: str) -> None:
    assert fold(name) == folded


@given(st.text())
def test_folding_comes_to_an_end(name: str) -> None:
    assert fold(fold(fold(name))) == fold(fold(name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Computer Vision", "computer-vision"),
        ("AI", "ai"),
        ("C++", "c-plus-plus"),
        ("C#", "c-sharp"),
        ("R&D", "r-d"),
        (".NET 8.0", "net-8-0"),
        ("Énergie", "energie"),
        ("ÉCOLE", "ecole"),
        ("Köln", "koln"),
        ("人工智能", "ren-gong-zhi-neng"),
        ("ＡＩ", "ai"),
        ("  --a--  ", "a"),
        ("x" * 100, "x" * 80),
        ("x" * 79 + " y", "x" * 79),
    ],
)
def test_slug_is_readable(name: str, expected: str) -> None:
    assert slug(name) == expected


@pytest.mark.parametrize("name", ["الذكاء الاصطناعي", "🚀", "日本語", "Ελλάδα", "Москва"])
def test_slug_of_other_scripts_is_readable_too(name: str) -> None:
    assert re.fullmatch("[a-z]+(?:-[a-z]+)*", slug(name))


def test_slug_of_a_name_without_letters_is_its_digest() -> None:
    assert slug("!?") == "8faf83"


@given(st.text())
def test_slug_is_never_empty_and_never_too_long(name: str) -> None:
    assert SLUG.fullmatch(slug(name))
    assert len(slug(name)) <= 80


def test_loser_of_a_slug_gets_a_piece_of_its_digest() -> None:
    wanted = [("c plus plus", "c-plus-plus"), ("c++", "c-plus-plus"), ("ai", "ai")]
    assert distinct_slugs(wanted) == {"c plus plus": "c-plus-plus", "c++": "c-plus-plus-cedb1b", "ai": "ai"}


def test_loser_of_a_long_slug_keeps_within_the_bound() -> None:
    given_slugs = distinct_slugs([("a", "x" * 80), ("b", "x" * 80)])
    assert given_slugs["b"].startswith("x" * 73 + "-")
    assert len(given_slugs["b"]) == 80


def test_slug_of_a_loser_may_be_wanted_by_another() -> None:
    taken = distinct_slugs([("a", "x"), ("b", "x")])["b"]
    given_slugs = distinct_slugs([("c", taken), ("a", "x"), ("b", "x")])
    assert given_slugs["c"] == taken
    assert SLUG.fullmatch(given_slugs["b"])
    assert len(set(given_slugs.values())) == 3


@given(st.lists(st.tuples(st.text(max_size=5).map(fold), st.sampled_from(["a", "b", "a-b", "x" * 80])), unique_by=lambda claim: claim[0]))
def test_no_slug_is_given_twice_and_the_first_claim_counts(wanted: list[tuple[str, str]]) -> None:
    given_slugs = distinct_slugs(wanted)
    assert list(given_slugs) == [name for name, _ in wanted]
    assert len(set(given_slugs.values())) == len(wanted)
    assert all(SLUG.fullmatch(found) and len(found) <= 80 for found in given_slugs.values())
    first = {wish: name for name, wish in reversed(wanted)}
    assert {name: given_slugs[name] for name in first.values()} == {name: wish for wish, name in first.items()}

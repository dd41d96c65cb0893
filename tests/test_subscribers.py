"""What aggregators say in their User-Agent, in the forms that they really have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.subscribers import Claim, claim_of

from .aggregators import AGGREGATORS


@pytest.mark.parametrize("name", AGGREGATORS)
def test_aggregator_is_known_by_its_own_word(name: str) -> None:
    found = claim_of(AGGREGATORS[name].format(count=23))
    assert found is not None
    assert (found.aggregator, found.subscribers) == (name, 23)


@pytest.mark.parametrize(
    ("user_agent", "claim"),
    [
        ("Feedbin feed-id:1373711 - 3 subscribers", Claim("feedbin", "1373711", 3)),
        ("Netvibes (http://www.netvibes.com/; 4 subscribers; feedID: 12-34)", Claim("netvibes", "12-34", 4)),
        ("Feed Wrangler/1.0 (1 subscriber; feed-id=12; http://feedwrangler.net; Allow like Gecko)", Claim("feed-wrangler", "12", 1)),
        ("LiveJournal.com (webmaster@livejournal.com; for http://x/; 6 readers)", Claim("livejournal", "", 6)),
        ("FeedPress/1.0 (subscribers: 6)", Claim("feedpress", "", 6)),
        ("12 subscribers", Claim("subscribers", "", 12)),
        ("/; 7 readers", Claim("readers", "", 7)),
        ("人 - 7 readers", Claim("人", "", 7)),
    ],
)
def test_other_forms_are_understood(user_agent: str, claim: Claim) -> None:
    assert claim_of(user_agent) == claim


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0",
        "newsboat/2.21.0",
        "12 things",
        "x subscribers",
        "1234567890 subscribers",
        "a" * 500 + " 5 readers",
    ],
)
def test_who_says_nothing_claims_nothing(user_agent: str) -> None:
    assert claim_of(user_agent) is None


@given(st.text(max_size=60), st.integers(0, 10**9 - 1), st.text(max_size=60))
def test_no_name_can_be_long_or_break_a_line(before: str, count: int, after: str) -> None:
    found = claim_of(f"{before} {count} subscribers {after}")
    assert found is None or ("\n" not in found.aggregator + found.feed_id and 0 < len(found.aggregator) <= 40)

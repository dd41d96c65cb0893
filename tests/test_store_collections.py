"""Topics, categories, types and providers: which exist, what they are called, and where they are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from feeds.model import Collection, Kind, Label, Month, Outcome, Problem, Provider, State, Takedown, TopicFacts
from feeds.store.base import Store

from .builders import DAY, NOON, article, good, image, outcome, refresh

pytestmark = pytest.mark.every_database

HOUR = timedelta(hours=1)
EARLY, LATE = NOON - DAY, NOON + DAY


def suffix(folded: str) -> str:
    """Return what stands behind the slug of a name that came too late for it."""
    return "-" + sha256(folded.encode()).hexdigest()[:6]


def about(name: str, *topics: str, **changes: object) -> Outcome:
    return good(name, topics=topics, **changes)


def data(slug: str, name: str, path: str | None = None, **facts: object) -> tuple[str, TopicFacts, tuple[Problem, ...]]:
    return path or f"_data/topics/{slug}.yaml", TopicFacts(slug, name, **facts), ()  # type: ignore[arg-type] # by name


def topics(store: Store, now: datetime = LATE) -> dict[str, str]:
    """Return the names of the topics by their slugs, in their order."""
    with store.reading(now) as view:
        return {topic.slug: topic.name for topic in view.collections(Kind.TOPIC)}


def slug_for(store: Store, spelling: str, kind: Kind = Kind.TOPIC, now: datetime = LATE) -> str | None:
    with store.reading(now) as view:
        return view.slug_for(kind, spelling)


def test_collection_is_what_its_shown_articles_make_it(store: Store) -> None:
    refresh(store, NOON, about("a", "AI", published_at=EARLY), about("b", "AI"), about("c", "AI", published_at=LATE))

    expected = Collection(Kind.TOPIC, "ai", "AI", 2, NOON)
    with store.reading(NOON) as view:
        assert view.collection(Kind.TOPIC, "ai") == expected
        assert view.collections(Kind.TOPIC) == (expected,)


def test_every_kind_has_its_collections(store: Store) -> None:
    refresh(store, NOON, good(topics=("Big Data",), category="News", type="Video", provider=Provider("The Times", "times.example.com")))

    with store.reading(NOON) as view:
        assert {kind: view.collections(kind) for kind in Kind} == {
            Kind.ALL: (Collection(Kind.ALL, "", "", 1, NOON),),
            Kind.TOPIC: (Collection(Kind.TOPIC, "big-data", "Big Data", 1, NOON),),
            Kind.CATEGORY: (Collection(Kind.CATEGORY, "news", "News", 1, NOON),),
            Kind.TYPE: (Collection(Kind.TYPE, "video", "Video", 1, NOON),),
            Kind.PROVIDER: (Collection(Kind.PROVIDER, "times.example.com", "The Times", 1, NOON),),
        }


def test_article_without_category_type_and_domain_is_in_no_such_collection(store: Store) -> None:
    refresh(store, NOON, good(topics=(), category=None, type=None, provider=Provider("A Person")))

    with store.reading(NOON) as view:
        assert [kind for kind in Kind if view.collections(kind)] == [Kind.ALL]


def test_collection_of_everything_exists_from_the_first_refresh_on(store: Store) -> None:
    refresh(store, NOON)

    with store.reading(NOON) as view:
        assert view.collection(Kind.ALL, "") == Collection(Kind.ALL, "", "")


def test_unknown_slug_is_no_collection(store: Store) -> None:
    refresh(store, NOON, about("a", "AI"))

    with store.reading(NOON) as view:
        assert view.collection(Kind.TOPIC, "AI") is None
        assert view.collection(Kind.CATEGORY, "ai") is None


def test_collections_are_in_the_order_of_their_folded_names(store: Store) -> None:
    refresh(store, NOON, about("a", "b", "Zoo", "Äpfel", "A"))

    assert list(topics(store).values()) == ["A", "b", "Zoo", "Äpfel"]


@pytest.mark.parametrize("spelling", ["ai", " AI ", "Ａｉ"])
def test_spellings_of_one_folded_name_are_one_topic_named_as_in_its_oldest_article(store: Store, spelling: str) -> None:
    refresh(store, NOON, about("a", spelling), about("b", "AI", published_at=EARLY))

    assert topics(store) == {"ai": "AI"}
    with store.reading(NOON) as view:
        assert view.shown([article("a").id])[article("a").id].topics == (Label("ai", "AI"),)


def test_oldest_article_is_the_first_listed_and_ties_go_by_id(store: Store) -> None:
    first, second = sorted("ab", key=lambda name: article(name).id)
    refresh(store, NOON, about(second, "ai"), about(first, "AI"))

    assert topics(store) == {"ai": "AI"}


def test_name_follows_when_the_oldest_article_goes(store: Store) -> None:
    refresh(store, NOON, about("a", "ai", published_at=EARLY), about("b", "AI"))
    assert topics(store) == {"ai": "ai"}

    refresh(store, LATE, gone=["a.md"])
    assert topics(store) == {"ai": "AI"}


def test_name_stays_when_all_articles_go(store: Store) -> None:
    refresh(store, NOON, about("a", "Ai"))
    refresh(store, LATE, gone=["a.md"])

    assert topics(store) == {"ai": "Ai"}


@pytest.mark.parametrize("published_at", [NOON, EARLY], ids=["as early", "earlier"])
def test_duplicate_that_is_not_shown_names_nothing(store: Store, published_at: datetime) -> None:
    refresh(store, EARLY, good(path="b.md", topics=("AI",)))
    refresh(store, LATE, good(path="a.md", topics=("ai", "Secret"), published_at=published_at))

    assert topics(store) == {"ai": "AI"}


def test_article_still_ahead_names_nothing(store: Store) -> None:
    refresh(store, NOON, about("a", "ai", published_at=LATE), about("b", "AI"))

    assert topics(store, LATE) == {"ai": "AI"}


def test_name_follows_when_another_version_of_the_oldest_article_takes_over(store: Store) -> None:
    refresh(store, NOON, good(path="a.md", topics=("ai",)), good(path="b.md", topics=("AI",), published_at=LATE))
    refresh(store, LATE)

    assert topics(store) == {"ai": "AI"}


def test_data_names_a_topic_before_any_article(store: Store) -> None:
    facts = TopicFacts("artificial-intelligence", "ＡＩ", "AI", "Computing", "About minds", (image(),))
    refresh(store, NOON, about("a", "ai"), topics=[("_data/topics/ai.yaml", facts, ())])

    with store.reading(NOON) as view:
        assert view.collections(Kind.TOPIC) == (Collection(Kind.TOPIC, "artificial-intelligence", "ＡＩ", 1, NOON, facts),)


def test_topic_exists_as_soon_as_it_is_in_the_data(store: Store) -> None:
    refresh(store, NOON, topics=[data("ai", "AI")])

    with store.reading(NOON) as view:
        assert view.collection(Kind.TOPIC, "ai") == Collection(Kind.TOPIC, "ai", "AI", 0, None, TopicFacts("ai", "AI"))


def test_topic_that_was_only_in_the_data_goes_with_it(store: Store) -> None:
    refresh(store, NOON, topics=[data("ai", "AI")])
    refresh(store, LATE, topics=[])

    assert topics(store) == {}


def test_topic_with_articles_loses_its_facts_with_the_data_and_keeps_its_old_slug_as_a_way_to_it(store: Store) -> None:
    refresh(store, NOON, about("a", "ai"), topics=[data("minds", "AI")])
    refresh(store, LATE, topics=[])

    assert topics(store) == {"ai": "ai"}
    assert slug_for(store, "minds") == "ai"


def test_broken_data_keeps_the_facts_it_had(store: Store) -> None:
    refresh(store, NOON, topics=[data("ai", "AI")])
    refresh(store, LATE, topics=[("_data/topics/ai.yaml", None, (Problem("is broken"),))])

    assert topics(store) == {"ai": "AI"}


def test_broken_data_that_never_was_good_has_no_facts(store: Store) -> None:
    refresh(store, NOON, topics=[("_data/topics/ai.yaml", None, (Problem("is broken"),))])

    assert topics(store) == {}


def test_first_of_two_data_files_for_one_name_counts(store: Store) -> None:
    refresh(store, NOON, topics=[data("second", "AI", "b.yaml"), data("first", "ai", "a.yaml")])

    assert topics(store) == {"first": "ai"}


def test_topic_stays_when_its_articles_are_gone(store: Store) -> None:
    refresh(store, NOON, about("a", "AI"))
    refresh(store, LATE, outcome("a.md", state=State.HIDDEN, takedown=Takedown.IDENTITY, id=article().id))

    with store.reading(LATE) as view:
        assert view.collection(Kind.TOPIC, "ai") == Collection(Kind.TOPIC, "ai", "AI", 0, None)


def test_topic_of_scheduled_articles_alone_exists_when_the_first_appears(store: Store) -> None:
    refresh(store, NOON, about("a", "secret", published_at=LATE + HOUR), about("b", "Secret", published_at=LATE))

    assert topics(store, LATE - timedelta(seconds=1)) == {}
    assert slug_for(store, "Secret", now=NOON) is None
    assert topics(store, LATE) == {"secret": "Secret"}


def test_topic_of_a_scheduled_version_of_an_old_article_exists_when_that_appears(store: Store) -> None:
    refresh(store, NOON, good(path="a.md"), good(path="b.md", topics=("Secret",), published_at=LATE))

    assert topics(store, NOON) == {"ai": "AI"}
    assert topics(store, LATE) == {"ai": "AI", "secret": "Secret"}


def test_topic_of_a_withdrawn_scheduled_article_never_exists(store: Store) -> None:
    refresh(store, NOON, about("a", "Secret", published_at=LATE))
    refresh(store, NOON, about("a", "AI", published_at=LATE))

    assert topics(store, LATE) == {"ai": "AI"}


def test_topic_that_appeared_between_two_refreshes_stays(store: Store) -> None:
    refresh(store, NOON, about("a", "Secret", published_at=LATE))
    refresh(store, LATE + HOUR, gone=["a.md"])

    assert topics(store, LATE + HOUR) == {"secret": "Secret"}


def test_removed_duplicate_keeps_its_topics_for_when_it_comes_back(store: Store) -> None:
    remover = outcome("r.md", state=State.HIDDEN, takedown=Takedown.IDENTITY, id=article("a").id)
    refresh(store, NOON, remover, about("a", "First"), about("b", "Second"))
    refresh(store, NOON, about("c", "Third"))
    refresh(store, LATE, gone=["r.md"])

    assert topics(store) == {"first": "First", "second": "Second", "third": "Third"}
    with store.reading(LATE) as view:
        assert view.shown([article("a").id])[article("a").id].topics == (Label("first", "First"),)


@pytest.mark.parametrize("published_at", [NOON, EARLY], ids=["as early", "earlier"])
def test_duplicate_keeps_its_topics_for_when_it_wins(store: Store, published_at: datetime) -> None:
    refresh(store, NOON, good(path="a.md", topics=("First",), published_at=published_at), good(path="b.md", topics=("Second",)))
    refresh(store, NOON, good("c", topics=("Third",)))
    refresh(store, LATE, gone=["b.md"])

    with store.reading(LATE) as view:
        assert view.shown([article("a").id])[article("a").id].topics == (Label("first", "First"),)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Computer Vision", "computer-vision"), ("C++", "c-plus-plus"), ("C#", "c-sharp"), ("人工智能", "ren-gong-zhi-neng")],
)
def test_topic_is_addressed_by_the_slug_of_its_name(store: Store, name: str, slug: str) -> None:
    refresh(store, NOON, about("a", name))

    assert topics(store) == {slug: name}


def test_of_two_names_with_one_slug_the_older_topic_has_it(store: Store) -> None:
    refresh(store, NOON, about("a", "C Sharp"), about("b", "C#", published_at=EARLY))

    assert topics(store) == {"c-sharp" + suffix("c sharp"): "C Sharp", "c-sharp": "C#"}


def test_of_two_names_of_one_age_with_one_slug_the_first_by_name_has_it(store: Store) -> None:
    refresh(store, NOON, about("a", "c sharp", "C#"))

    assert topics(store) == {"c-sharp": "c sharp", "c-sharp" + suffix("c#"): "C#"}


def test_data_has_a_slug_before_any_older_topic(store: Store) -> None:
    refresh(store, NOON, about("a", "C#", published_at=EARLY))
    refresh(store, LATE, topics=[data("c-sharp", "See Sharp")])

    assert topics(store) == {"c-sharp" + suffix("c#"): "C#", "c-sharp": "See Sharp"}


def test_topic_keeps_its_slug_when_its_older_articles_go(store: Store) -> None:
    refresh(store, NOON, about("a", "C#", published_at=EARLY), about("b", "C Sharp"))
    refresh(store, NOON, about("a", "AI", published_at=EARLY))
    refresh(store, LATE, about("c", "C#"))

    assert topics(store)["c-sharp"] == "C#"


def test_topic_that_nobody_has_seen_takes_no_slug_from_one_that_is_shown(store: Store) -> None:
    refresh(store, NOON, about("a", "C Sharp", published_at=LATE))
    refresh(store, NOON + HOUR, about("b", "C#"))

    assert topics(store, NOON + HOUR) == {"c-sharp": "C#"}
    assert slug_for(store, "c-sharp", now=LATE) == "c-sharp"


@pytest.mark.parametrize("spelling", ["Computer Vision", "computer  vision", "COMPUTER-VISION", "ｃomputer vision", "computer-vision"])
def test_collection_is_found_by_any_spelling_of_its_name_or_slug(store: Store, spelling: str) -> None:
    refresh(store, NOON, about("a", "Computer Vision"))

    assert slug_for(store, spelling) == "computer-vision"


def test_spelling_that_is_the_name_of_one_and_the_slug_of_another_finds_the_name(store: Store) -> None:
    refresh(store, NOON, about("a", "C#", published_at=EARLY), about("b", "C-Sharp"))

    assert slug_for(store, "C-SHARP") == "c-sharp" + suffix("c-sharp")


@pytest.mark.parametrize("spelling", ["", "vision", "computer_vision"])
def test_other_words_find_no_collection(store: Store, spelling: str) -> None:
    refresh(store, NOON, about("a", "Computer Vision"))

    assert slug_for(store, spelling) is None


@pytest.mark.parametrize(("kind", "slug"), [(Kind.CATEGORY, "big-news"), (Kind.TYPE, "long-video"), (Kind.PROVIDER, "example.com")])
def test_collections_of_other_kinds_are_found_too(store: Store, kind: Kind, slug: str) -> None:
    refresh(store, NOON, good(category="Big News", type="Long Video"))

    assert slug_for(store, slug.replace("-", " ").upper(), kind) == slug
    assert slug_for(store, slug, Kind.TOPIC) is None


@pytest.mark.parametrize(
    ("spelling", "domain"),
    [("www.example.com", "example.com"), ("WWW.Example.com.", "example.com"), ("bücher.example", "xn--bcher-kva.example")],
)
def test_provider_is_found_by_any_spelling_of_its_domain(store: Store, spelling: str, domain: str) -> None:
    refresh(store, NOON, good(provider=Provider("Somebody", domain)))

    assert slug_for(store, spelling, Kind.PROVIDER) == domain


def test_months_of_a_collection_are_counted_the_latest_first(store: Store) -> None:
    moments = [
        datetime(year, month, day, 23, 59, 59, tzinfo=UTC)
        for year, month, day in ((2024, 4, 30), (2024, 3, 31), (1969, 12, 31), (2024, 4, 1))
    ]
    refresh(store, NOON, *(good(str(number), published_at=moment) for number, moment in enumerate(moments)))

    with store.reading(NOON) as view:
        found = view.months(Kind.TOPIC, "ai")
        assert view.all_months(Kind.TOPIC) == {"ai": found}
        assert view.all_months(Kind.TOPIC, datetime(2024, 4, 1, tzinfo=UTC)) == {"ai": (Month(datetime(2024, 4, 1, tzinfo=UTC), 2),)}
    assert [(f"{month.start:%Y-%m-%d}", month.article_count) for month in found] == [
        ("2024-04-01", 2),
        ("2024-03-01", 1),
        ("1969-12-01", 1),
    ]


def test_facts_of_topics_come_under_the_slug_that_they_have(store: Store) -> None:
    refresh(store, NOON, about("a", "Law"), topics=[data("minds", "Minds"), data("ai", "AI", parent="Minds")])

    with store.reading(NOON) as view:
        assert view.topic_facts() == (TopicFacts("ai", "AI", parent="Minds"), TopicFacts("minds", "Minds"))


def test_former_slug_leads_to_its_topic(store: Store) -> None:
    refresh(store, NOON, about("a", "AI"), topics=[])
    refresh(store, NOON, topics=[data("artificial-intelligence", "AI")])
    refresh(store, LATE, topics=[data("minds", "AI")])

    assert [slug_for(store, spelling) for spelling in ("Artificial-Intelligence", "ai", "minds")] == ["minds"] * 3


def test_slug_that_another_topic_takes_is_its_own(store: Store) -> None:
    refresh(store, NOON, about("a", "AI"), topics=[])
    refresh(store, LATE, topics=[data("minds", "AI"), data("ai", "Agriculture")])

    assert topics(store) == {"ai": "Agriculture", "minds": "AI"}


def test_slug_that_came_back_is_no_former_slug_of_another(store: Store) -> None:
    refresh(store, NOON, about("a", "AI"), topics=[])
    refresh(store, NOON, topics=[data("minds", "AI")])
    refresh(store, LATE, topics=[])

    assert slug_for(store, "ai") == "ai"
    assert slug_for(store, "minds") == "ai"


def test_latest_owner_of_a_slug_that_nobody_has_now_is_found_by_it(store: Store) -> None:
    refresh(store, NOON, about("a", "AI"), about("b", "BI"), topics=[data("minds", "AI")])
    refresh(store, NOON, topics=[data("minds", "BI")])
    refresh(store, LATE, topics=[])

    assert slug_for(store, "minds") == "bi"


def test_former_slug_of_a_topic_that_is_gone_leads_to_no_other(store: Store) -> None:
    refresh(store, NOON, topics=[data("minds", "AI")])
    refresh(store, NOON, topics=[data("ai", "AI")])
    refresh(store, NOON, topics=[])
    refresh(store, LATE, about("a", "Law"))

    assert slug_for(store, "minds") is None


def test_provider_is_named_as_its_articles_do(store: Store) -> None:
    refresh(store, NOON, good("a"), good("b", provider=Provider("Example Times", "example.com", authors=("Ada",))))

    with store.reading(NOON) as view:
        assert view.collections(Kind.PROVIDER) == (Collection(Kind.PROVIDER, "example.com", "Example Times", 2, NOON),)


def test_provider_with_several_names_is_titled_by_its_domain(store: Store) -> None:
    refresh(store, NOON, good("a"), good("b", provider=Provider("Example Daily", "example.com")))

    with store.reading(NOON) as view:
        assert view.collections(Kind.PROVIDER) == (Collection(Kind.PROVIDER, "example.com", "example.com", 2, NOON),)


def test_provider_with_one_name_left_is_titled_by_it(store: Store) -> None:
    refresh(store, NOON, good("a"), good("b", provider=Provider("Example Daily", "example.com")))
    refresh(store, LATE, gone=["a.md"])

    with store.reading(LATE) as view:
        assert [provider.name for provider in view.collections(Kind.PROVIDER)] == ["Example Daily"]


def test_names_that_nobody_sees_count_for_no_provider(store: Store) -> None:
    other = Provider("Example Daily", "example.com")
    refresh(store, NOON, good("a"), good("b", provider=other, published_at=LATE), good("c", "c1.md", provider=other), good("c", "c2.md"))

    with store.reading(NOON) as view:
        assert [provider.name for provider in view.collections(Kind.PROVIDER)] == ["Example Times"]

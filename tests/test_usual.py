"""Articles with which nothing is wrong are read on a way of their own: it comes to what the other comes to, which says what is wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feeds.content import frontmatter, plainyaml, usual
from feeds.content.article import parse_article
from feeds.content.yamltree import Value

from .conftest import REPOSITORY
from .corpus import articles

SEED = (REPOSITORY / "seeds" / "000_ff9743790476918e.txt").read_text("utf-8")


def one_of(usual_values: tuple[str, ...], *others: str) -> st.SearchStrategy[str]:
    return st.sampled_from(usual_values * 8 + others)


NAMES = one_of(("AI", "Law & Order", "Café"), "", " ", "AI ", "A  I", "&amp;amp;", "ａｉ", "x" * 201, "a\u200db", "&#7;", "null")
TITLES = one_of(("A title", "R&amp;D: it&#8217;s &nbsp; here", "👩🏽‍💻"), "", "x" * 1001, "&nbsp;")
URLS = one_of(
    ("https://a.example/x", "http://b.example/新闻/?q=1#top", "https://a.example/x/"),
    *(
        "",
        " ",
        " https://a.example/x ",
        "HTTPS://A.example:443/x",
        "ftp://a.example",
        "/x",
        "https://a.example/[x]",
        "https://" + "x" * 5000,
    ),
)
PICTURES = one_of(("/assets/a.png", "//cdn.example/b", "https://img.example/c.webp"), "", "///", "/é ", "a.png")
MOMENTS = one_of(
    ("2020-12-03T01:04:00Z", "2020-12-03T13:47:13+01:00"), "", "2020-12-03", "2020-12-03T24:00:00Z", "2020-12-03T01:04:60Z", "x"
)
NUMBERS = one_of(("50", "0", "800"), "", "-5", "+1", "007", "1.0", "1.5", " 8 ", "100001", "1" * 10, "٣")
FLAGS = one_of(("true", "yes", ""), "false", "no", "x")


def mapping(**values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Return mappings that have any of the keys, now and then a value alone instead."""
    return st.fixed_dictionaries({}, optional=values) | st.fixed_dictionaries(values) | (NAMES if len(values) < 6 else st.nothing())


def some(items: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(items, max_size=3) | items


IMAGES = some(mapping(url=PICTURES, width=NUMBERS, height=NUMBERS, title=TITLES, attribution=NAMES, isCached=FLAGS))
PROVIDERS = mapping(
    name=NAMES, domain=one_of(("www.a.example", "b.example"), "", "A.Example.", "a b"), images=IMAGES, authors=some(mapping(name=NAMES))
)
STORY = {
    "title": TITLES,
    "webUrl": URLS,
    "originalUrl": URLS,
    "publishedDateTime": MOMENTS,
    "excerpt": TITLES,
    "provider": PROVIDERS,
    "quality": NUMBERS,
    "images": IMAGES,
}
RELATED = some(mapping(**STORY) | mapping(**STORY, id=URLS, publisher=NAMES, published=FLAGS, removed=FLAGS, heat=NUMBERS))
ARTICLE = STORY | {
    "updatedDateTime": MOMENTS,
    "ampWebUrl": URLS,
    "category": NAMES,
    "type": NAMES,
    "topics": some(NAMES),
    "related": RELATED,
    "actions": some(mapping(url=URLS, type=one_of(("download", "other"), " Download", ""), title=TITLES, attribution=NAMES)),
    "featuredContent": one_of(
        ("<iframe src='https://a.example/v'></iframe>",), "", " ", "<p>", "<iframe src='http://a.example/v'></iframe>"
    ),
    "length": one_of(("PT9M3S", "P1DT2H"), "", "PT", "9"),
    "locale": one_of(("en", "en_US"), "", "x", "é"),
    "heat": NUMBERS,
}
REQUIRED = {key: ARTICLE[key] for key in ("title", "webUrl", "publishedDateTime")}
MORE = {"id": URLS, "published": FLAGS, "removed": FLAGS, "publishd": FLAGS, "price": NAMES, "secured": st.just("QUJD")}
ARTICLES = st.fixed_dictionaries(
    REQUIRED, optional={key: value for key, value in (ARTICLE | MORE).items() if key not in REQUIRED}
) | st.fixed_dictionaries(ARTICLE)
BODIES = one_of(("", "Some *text*.", "<p>Some text.</p>"), " ", "<", "\x07")


def lines(value: object, indent: int) -> list[str]:
    """Return a value as plain YAML, of a key at an indentation."""
    if isinstance(value, dict):
        return ["\n", *(part for key, inner in value.items() for part in (" " * indent, key, ":", *lines(inner, indent + 2)))]
    if isinstance(value, list):
        return ["\n", *(part for inner in value for part in item(inner, indent))]
    return [f' "{value}"\n']


def item(value: object, indent: int) -> list[str]:
    text = lines(value, indent + 2)
    dash = f"{' ' * indent}- "
    return [dash, "".join(text[1:]).lstrip(" ")] if isinstance(value, dict) and value else [dash, '"x"\n'] if value == {} else [dash, *text]


def file(said: dict[str, object], body: str) -> str:
    return f"---{''.join(lines(said, 0))}---\n{body}"


@given(ARTICLES, BODIES)
def test_both_ways_come_to_the_same(said: dict[str, object], body: str) -> None:
    text = file(said, body)
    # A quote that takes a parser sends the file on the other way.
    other = text.replace("\n---\n", "\nother: 'x'\n---\n", 1)
    assert parse_article("a.md", text.encode()) == parse_article("a.md", other.encode())


def article_of(text: str) -> tuple[dict[str, Value], str]:
    parts = frontmatter.split(text.encode())
    assert parts is not None
    said = plainyaml.scan(parts.yaml)
    assert said is not None
    return said, parts.body


def test_articles_as_sites_write_them_take_the_short_way() -> None:
    found = [
        (parse_article("a.md", text.encode()), usual.article("a.md", *article_of(text)))
        for text in [SEED, *(text for _, text in articles(100))]
    ]
    assert all(outcome.article == article for outcome, article in found if not outcome.problems)
    assert sum(article is not None for _, article in found) > 80

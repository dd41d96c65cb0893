"""Bodies: Markdown and HTML become HTML that any reader may render, in bounded time and size."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.content.body import html, player_url

BASE = "https://news.example/2024/robots?page=1"


def rendered(source: str, *, is_html: bool = False) -> str | None:
    return html(source, is_html=is_html, base_url=BASE)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("One *two* **three** `four` ~~five~~", "<p>One <em>two</em> <strong>three</strong> <code>four</code> <s>five</s></p>"),
        ("# Head\n\n> quote", "<h1>Head</h1>\n<blockquote>\n<p>quote</p>\n</blockquote>"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
        ("One\ntwo  \nthree\\\nfour", "<p>One\ntwo<br>\nthree<br>\nfour</p>"),
        ("R&D &amp; &copy; &lt;b&gt;", "<p>R&amp;D &amp; © &lt;b&gt;</p>"),
        ('One <b>two</b> <span style="x">three</span>', "<p>One <b>two</b> <span>three</span></p>"),
        ("One\r\n\r\nTwo", "<p>One</p>\n<p>Two</p>"),
        ("<https://other.example/a> is new", '<p><a href="https://other.example/a">https://other.example/a</a> is new</p>'),
        ("<me@other.example> wrote", '<p><a href="mailto:me@other.example">me@other.example</a> wrote</p>'),
        ("<3 robots", "<p>&lt;3 robots</p>"),
        ("<!-- note -->\n*One*", "<p><em>One</em></p>"),
        ("[a]: /x 'T'\n\n[b][a]", '<p><a href="https://news.example/x" title="T">b</a></p>'),
    ],
)  # fmt: skip
def test_markdown_becomes_html(source: str, expected: str) -> None:
    assert rendered(source) == expected


@pytest.mark.parametrize(
    "source",
    ["<p>One *two*</p>", "<P\nclass=x>One *two*", "<br/>One *two*", "<!-- a --> <!-- b -->\n<p>One *two*", "<!DOCTYPE html><p>One *two*"],
)
def test_body_that_starts_with_a_tag_is_html(source: str) -> None:
    text = rendered(source)
    assert text is not None
    assert "One *two*" in text


def test_body_of_an_html_file_is_html() -> None:
    assert rendered("One *two* & three\n\n    four", is_html=True) == "One *two* &amp; three\n\n    four"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<a href="x">a</a>', '<a href="https://news.example/2024/x">a</a>'),
        ('<a href="/x?a=1&amp;b=2">a</a>', '<a href="https://news.example/x?a=1&amp;b=2">a</a>'),
        ('<a href="../x">a</a>', '<a href="https://news.example/x">a</a>'),
        ('<a href="#x">a</a>', '<a href="https://news.example/2024/robots?page=1#x">a</a>'),
        ('<a href="//other.example/">a</a>', '<a href="https://other.example/">a</a>'),
        ('<a href="mailto:a@news.example">a</a>', '<a href="mailto:a@news.example">a</a>'),
        ('<img src="a b.png" alt="A">', '<img src="https://news.example/2024/a%20b.png" alt="A">'),
        ('<blockquote cite="/x">a</blockquote>', "<blockquote>a</blockquote>"),  # the sanitiser resolves no other attributes
    ],
)
def test_relative_urls_resolve_against_the_link(source: str, expected: str) -> None:
    assert rendered(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>a<script>alert(1)</script></p>", "<p>a</p>"),
        ('<p onclick="x()" style="color:red" class="c" id="i" lang="en">a</p>', '<p lang="en">a</p>'),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href=" java&#10;script:x()">a</a>', "<a>a</a>"),
        ('<a href="data:text/html,x">a</a>', "<a>a</a>"),
        ('<p>a<iframe src="https://other.example/"></iframe></p>', "<p>a</p>"),
        ('<p>a<form action="/x"><input name="n"><button>b</button></form>c</p>', "<p>a</p>bc<p></p>"),
        ('<p>a<object data="x"><embed src="y"></object></p>', "<p>a</p>"),
        ('<p>a<svg><a xlink:href="javascript:x()">b</a></svg></p>', "<p>a</p>"),
        ("<p>a<style>p{}</style><link rel=stylesheet href=x><meta http-equiv=refresh content=0></p>", "<p>a</p>"),
        ('<p>a</p><base href="https://evil.example/"><a href="x">b</a>', '<p>a</p><a href="https://news.example/2024/x">b</a>'),
        ('<p><img src="data:image/png;base64,AA" onerror="x()" srcset="y 2x">a</p>', "<p><img>a</p>"),
        ("<p>a<noscript><p title='</noscript><img src=x onerror=y>'>", '<p>a&lt;p title=\'<img src="https://news.example/2024/x">\'&gt;</p>'),
        ("<p>a</p><math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=x&gt;'>", "<p>a</p>"),
        ("<p>a\x00b\x1bc&#1;d&nbsp;e</p>", "<p>abcd\xa0e</p>"),
    ],
)  # fmt: skip
def test_what_acts_is_removed(source: str, expected: str) -> None:
    assert rendered(source) == expected


@pytest.mark.parametrize(
    "source", ["<p> </p>", "<p>&nbsp;<br></p>", "<!-- a -->", "<script>x</script>", "[a]: /x", "<hr>", "<a href=x></a>", "\x00"]
)
def test_body_in_which_nothing_can_be_seen_is_none(source: str) -> None:
    assert rendered(source) is None


def test_picture_alone_can_be_seen() -> None:
    assert rendered("![](a.png)") == '<p><img src="https://news.example/2024/a.png" alt=""></p>'


TOO_DEEP = "nests HTML tags deeper than 512 levels, or leaves too many open"
TOO_LARGE = "grows to more than 1048576 characters of HTML"
LEVELS = "<div>" * 600
MANY = 256 * 1024


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x" * (MANY + 1), "is longer than 262144 characters"),
        (LEVELS, TOO_DEEP),
        ("<div></x>" * 600, TOO_DEEP),
        ("One " + LEVELS, TOO_DEEP),
        # The parser opens what is left open again in every paragraph: gigabytes of it.
        ("<p>" + "".join(f"<b id={number}>" for number in range(500)) + "<p>x" * 20_000, TOO_DEEP),
        ("<p>" + "".join(f"<b id={number}><!--</b>-->" for number in range(500)) + "<p>x" * 20_000, TOO_DEEP),
        ("<p>" + "".join(f'<b a"b=">{number}">' for number in range(500)) + "<p>x" * 20_000, TOO_DEEP),
        # Every use of a reference repeats it.
        ("[a]: /" + "y" * 100_000 + "\n\n" + "[a]" * 20_000, TOO_LARGE),
        ("[a]: /y '" + "y" * 100_000 + "'\n\n" + "[a]" * 20_000, TOO_LARGE),
        ("&" * MANY, TOO_LARGE),
    ],
    ids=["long", "deep", "closed by others", "Markdown", "left open", "closed in comments", "unclear", "link", "title", "entities"],
)  # fmt: skip
def test_body_that_would_take_too_much_is_refused(source: str, reason: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the message is compared below
        rendered(source)
    assert str(refusal.value) == reason


def test_relative_urls_do_not_make_a_body_grow_without_bound() -> None:
    with pytest.raises(ValueError, match=TOO_LARGE):
        html("<a href=x>y</a>" * 10_000, is_html=True, base_url=f"https://news.example/{'z' * 4000}/")


@pytest.mark.parametrize("host", ["news.7", "1.2.3.4.5", "xn--a.example"])
def test_link_that_no_browser_opens_is_no_base(host: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the message is compared below
        html("<a href=x>a</a>", is_html=True, base_url=f"http://{host}/")
    assert str(refusal.value) == "has no address that a browser would open, for its relative URLs"


@pytest.mark.parametrize(
    "source",
    [
        "<table>" + "<tr><td>a<td>b" * 3000 + "</table>",
        "<ul>" + "<li>a" * 3000 + "</ul>",
        "<p>a <b>b</b> <i>c</i> <code class='d'>e</code> <font color=\"red\">f</font>" * 1000,
        "<div><p>a</p></div>\n" * 3000,
        "<a name=x>a" * 1000,
        "a *b* **c** `d`\n\n" * 2000,
        "- a\n  - b\n" * 1000,
    ],
    ids=["rows", "items", "formats", "blocks", "anchors", "paragraphs", "lists"],
)
def test_long_body_of_a_person_is_rendered(source: str) -> None:
    assert rendered(source) is not None


class Inspector(HTMLParser):
    """Collects what sanitised HTML must not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "iframe", "object", "embed", "form", "input", "svg", "math", "base", "link", "meta"):
            self.bad.append(tag)
        for name, value in attrs:
            is_url = name in ("href", "src", "cite")
            if (
                name.startswith("on")
                or name == "style"
                or (is_url and not (value or "").lower().startswith(("http:", "https:", "mailto:")))
            ):
                self.bad.append(f"{name}={value}")


PIECES = """<script>|</script>|<style>|</style>|<svg>|</svg>|<math>|<mtext>|<table>|<td>|<iframe src=/x>|<noscript>|</noscript>|<!--|-->|]]>
<![CDATA[|<a href='x'>|<a href="javascript:x">|<a href="//y">|<img src=x onerror=y>|<p title="|</p>|onclick=z>|<b onload=q>|"|'|>|<template>
<select>|<option>|<textarea>|<title>|<xmp>|<plaintext>|<base href=http://e/>|[a](x)|![b](javascript:c)|<x:y>|`<`|\\<|&lt;|&#60;script&#62;
<form action=/x>|<input>|<object data=x>|<embed src=x>|<annotation-xml encoding=text/html>|<q cite=/x>| |    |> |- |\n|\n\n"""
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES.split("|")), st.text(max_size=5)), max_size=12).map("".join)


@given(HOSTILE, st.booleans())
def test_sanitised_html_holds_nothing_that_acts_and_no_relative_url(source: str, is_html: bool) -> None:
    inspector = Inspector()
    inspector.feed(rendered(source, is_html=is_html) or "")
    assert inspector.bad == []


@pytest.mark.parametrize(
    ("markup", "url"),
    [
        ('<iframe src="https://video.example/1"></iframe>', "https://video.example/1"),
        ("<IFRAME WIDTH=5 SRC=https://video.example/1>", "https://video.example/1"),
        ('<iframe src=" https://video.example/1?a=1&amp;b=2 ">', "https://video.example/1?a=1&b=2"),
        ('<iframe src="//video.example/1">', "https://video.example/1"),
        ('<div><p><iframe src="https://video.example/1"></iframe><iframe src="https://video.example/2">', "https://video.example/1"),
        ('<video controls><source src="https://video.example/1.mp4"></video>', "https://video.example/1.mp4"),
        ('<img src="https://video.example/1.jpg"><embed src="https://video.example/2">', "https://video.example/2"),
        ('<script src="https://video.example/1.js"></script><iframe src="https://video.example/2">', "https://video.example/2"),
        ('<iframe></iframe><iframe src=""></iframe><iframe src="https://video.example/1">', "https://video.example/1"),
        ('<iframe src="javascript:x()"></iframe><iframe src="https://video.example/1">', "https://video.example/1"),
    ],
)
def test_player_is_the_first_source(markup: str, url: str) -> None:
    assert player_url(markup) == url


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        ("", "holds no player with a `src`"),
        ("https://video.example/1", "holds no player with a `src`"),
        ('<p src="https://video.example/1">', "holds no player with a `src`"),
        ('<iframe srcdoc="x">', "holds no player with a `src`"),
        ('<iframe src="javascript:x()">', "holds no player with a `src`"),
        ('<!-- <iframe src="https://video.example/1"> -->', "holds no player with a `src`"),
        ("<![<![CDATA[", "holds no player with a `src`"),
        ('<iframe src="http://video.example/1">', "holds a player that is not https"),
        ('<iframe src="/1">', "is not an absolute http or https URL"),
        ('<iframe src="https://video..example/1">', "has a host that is no domain name"),
        ("<b>" * 4000, "is longer than 10000 characters"),
    ],
)
def test_markup_without_a_usable_player_is_refused(markup: str, reason: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the message is compared below
        player_url(markup)
    assert str(refusal.value) == reason

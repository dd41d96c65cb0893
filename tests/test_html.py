"""The HTML inside entries: bodies, excerpts, pictures, related stories."""

import pytest

from feeds.model import Provider
from feeds.render.html import content, text_as_html

from .builders import article, image, related


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("Plain", "<p>Plain</p>"),
        ("One\nline", "<p>One line</p>"),
        ("First\n\nSecond", "<p>First</p><p>Second</p>"),
        ("First\r\n\r\nSecond", "<p>First</p><p>Second</p>"),
        ("a < b & <b>c</b>", "<p>a &lt; b &amp; &lt;b&gt;c&lt;/b&gt;</p>"),
        ("  ", ""),
    ],
)
def test_plain_text_looks_the_same_as_html(text: str, markup: str) -> None:
    assert text_as_html(text) == markup


def test_the_body_is_the_content() -> None:
    assert content(article(content_html="<p>Body</p>", excerpt="Excerpt"), (), ()) == "<p>Body</p>"


def test_without_a_body_the_excerpt_is_the_content() -> None:
    assert content(article(excerpt="R&D"), (), ()) == "<p>R&amp;D</p>"


def test_without_body_and_excerpt_the_title_is_the_content() -> None:
    assert content(article(title="Only a title", excerpt=None), (), ()) == "<p>Only a title</p>"


def test_pictures_follow_the_text_with_size_title_and_credit() -> None:
    picture = image("i", url="https://img.example.com/i.jpg?a=1&b=2", width=3, height=2, title='A "fine" day', credit="Ann")

    assert content(article(excerpt="E"), (picture,), ()) == (
        '<p>E</p><figure><img src="https://img.example.com/i.jpg?a=1&amp;b=2" alt="A &quot;fine&quot; day" width="3" height="2">'
        '<figcaption>A "fine" day – Ann</figcaption></figure>'
    )


def test_picture_without_facts_is_an_image_alone() -> None:
    picture = image("i", width=None, height=None)

    assert content(article(excerpt="E"), (picture,), ()) == '<p>E</p><p><img src="https://img.example.com/i.jpg" alt=""></p>'


def test_picture_that_the_body_shows_is_not_repeated() -> None:
    body = '<p><img src="https://img.example.com/i.jpg"></p>'

    assert content(article(content_html=body), (image("i"),), ()) == body


def test_related_stories_are_a_short_list_at_the_end() -> None:
    stories = (related("r", title="A <b> & C", provider=Provider("X & Y")), related("s", title="S", provider=None))

    assert content(article(excerpt="E"), (), stories) == (
        "<p>E</p><p>Related stories:</p><ul>"
        '<li><a href="https://elsewhere.example.net/r">A &lt;b&gt; &amp; C</a> (X &amp; Y)</li>'
        '<li><a href="https://elsewhere.example.net/s">S</a></li></ul>'
    )

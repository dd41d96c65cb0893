"""Markdown and HTML -> HTML that any reader may render. Knows the sanitiser; knows no front matter."""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import nh3

from feeds import urls
from feeds.text import without_control_characters

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_TAGS = nh3.ALLOWED_TAGS - {"area", "map", "article", "aside", "header", "footer", "nav", "hgroup"}
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "time": {"datetime"},
}
_SCHEMES = {"http", "https", "mailto"}
_ALLOWED: dict[str, Any] = {"tags": _TAGS, "attributes": _ATTRIBUTES, "url_schemes": _SCHEMES, "link_rel": None}
_PLAYER_TAGS = {"iframe", "embed", "video", "source"}

# Both parsers take time with the square of something: brackets, attributes, depth. Bodies made by people are far below all of this.
_MAX_LENGTH = 256 * 1024  # characters
_MAX_PLAYER_LENGTH = 10_000  # characters
_MAX_CLEAN_LENGTH = 1024 * 1024  # characters; a short body can grow by its references and relative URLs
_MAX_DEPTH = 512
_MAX_COPIES = 1_000_000
_FEW_TAGS = min(_MAX_DEPTH, math.isqrt(_MAX_COPIES))  # can neither nest too deep nor leave too many open
_GROWS = f"grows to more than {_MAX_CLEAN_LENGTH} characters of HTML"

_HTML_START = re.compile(r"(?>(?:<!--.*?-->\s*)*)<(?:!doctype|[a-z][a-z0-9-]*(?=[\s/>]))", re.IGNORECASE | re.DOTALL)
_FLAT = "a|area|base|br|col|dd|dt|embed|hr|img|input|li|link|meta|p|source|tbody|td|tfoot|th|thead|tr|wbr"  # void, or closed by the next
_NESTING_TAG = re.compile(rf"<(/?)(?!(?:{_FLAT})[\s/>])([a-z][^\s/>]*)", re.IGNORECASE)
_FORMATTING_TAG = re.compile(r"<(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])[^<>]*>?", re.IGNORECASE)
_PLAIN_TAG = re.compile(r"""<[a-z]+(?:\s+[\w:-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=`<>]+))?)*\s*/?>""", re.IGNORECASE)
_NOTHING_VISIBLE = re.compile(r"(?:<(?!img )[^>]*>|[\s\xa0])*+")


def html(source: str, *, is_html: bool, base_url: str) -> str | None:
    """Return the sanitised HTML of a body, or None where nothing can be seen in it.

    Markdown that starts with a tag is taken for HTML. Relative URLs resolve against `base_url`. What
    scripts, frames, forms, styles and event handlers say is removed.

    Raises:
        ValueError: it is too long, its tags nest too deep, or it grows too large.
    """
    source = without_control_characters(source)
    if len(source) > _MAX_LENGTH:
        raise ValueError(f"is longer than {_MAX_LENGTH} characters")
    markup = source if is_html or _HTML_START.match(source) else _rendered(source)
    if markup.count("<") > _FEW_TAGS and (_depth(markup) > _MAX_DEPTH or _copies(markup) > _MAX_COPIES):
        raise ValueError(f"nests HTML tags deeper than {_MAX_DEPTH} levels, or leaves too many open")
    clean = without_control_characters(_sanitiser.clean(markup, base_url)).replace("&nbsp;", "\xa0").strip()
    if len(clean) > _MAX_CLEAN_LENGTH:
        raise ValueError(_GROWS)
    return None if _NOTHING_VISIBLE.fullmatch(clean) else clean


class _Sanitiser(threading.local):
    """One sanitiser for all bodies without relative URLs: to make one takes longer than to use it."""

    def __init__(self) -> None:
        self._has_relative_urls = False
        self._shared = nh3.Cleaner(**_ALLOWED, url_relative=self._note)

    def _note(self, _: str) -> None:
        self._has_relative_urls = True

    def clean(self, markup: str, base_url: str) -> str:
        self._has_relative_urls = False
        clean = self._shared.clean(markup)
        if not self._has_relative_urls:
            return clean
        try:
            return nh3.clean(markup, **_ALLOWED, url_relative=("rewrite_with_base", base_url))
        except ValueError as error:
            raise ValueError("has no address that a browser would open, for its relative URLs") from error


_sanitiser = _Sanitiser()


def _rendered(source: str) -> str:
    environment: dict[str, object] = {}
    markdown = _markdown()
    tokens = markdown.parse(source, environment)
    # A reference (`[a]: /long "text"`) is written once and repeated wherever it is used.
    inline = (child for token in tokens for child in token.children or ())
    if sum(len(str(value)) for child in inline for value in child.attrs.values()) > _MAX_CLEAN_LENGTH:
        raise ValueError(_GROWS)
    rendered: str = markdown.renderer.render(tokens, markdown.options, environment)
    return rendered


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - most refreshes read few files, and few of those have a body of Markdown

    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _depth(markup: str) -> int:
    """Return how deep the tags nest; what is closed by the next of its kind does not count."""
    opened: Counter[str] = Counter()
    depth = deepest = 0
    for slash, name in _NESTING_TAG.findall(markup.lower()):
        if not slash:
            opened[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
    return deepest


def _copies(markup: str) -> int:
    """Return an upper bound of the formatting tags that the parser adds.

    It repeats the ones left open in every paragraph behind them, and of equal ones three:
    https://html.spec.whatwg.org/multipage/parsing.html#the-list-of-active-formatting-elements
    """
    tags = Counter(_FORMATTING_TAG.findall(markup))
    return markup.count("<") * sum(min(count, 3) if _PLAIN_TAG.fullmatch(tag) else count for tag, count in tags.items())


def player_url(markup: str) -> str:
    """Return the https URL of the first player in a piece of embedding HTML.

    Raises:
        ValueError: there is none, or it is not https, or the HTML is too long to be that of a player.
    """
    if len(markup) > _MAX_PLAYER_LENGTH:
        raise ValueError(f"is longer than {_MAX_PLAYER_LENGTH} characters")
    sources: list[str] = []

    def note(tag: str, _: str, value: str) -> None:
        if tag in _PLAYER_TAGS and value.strip():
            sources.append(value.strip())

    attributes = {tag: {"src"} for tag in _PLAYER_TAGS}
    nh3.clean(markup, tags=_PLAYER_TAGS, attributes=attributes, attribute_filter=note, url_schemes=_SCHEMES, link_rel=None)
    if not sources:
        raise ValueError("holds no player with a `src`")
    source = sources[0]
    url = urls.web_url(f"https:{source}" if source.startswith("//") else source)
    if not url.startswith("https:"):
        raise ValueError("holds a player that is not https")
    return url

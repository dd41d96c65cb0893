"""Articles with which nothing is wrong -> Article, in half the time that `article` takes. Knows the keys of an article; says nothing.

Most files have every value as it belongs. Their shape is checked in C; whatever would have to be said of a value, or is rare, is left
to `article`, which knows what to say. Tests hold both to the same articles.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, cast

import msgspec

from feeds import urls
from feeds.content import body, values, visibility
from feeds.content.fields import MAX_EXCERPT_LENGTH, MAX_ITEMS, MAX_NAME_LENGTH, MAX_TITLE_LENGTH
from feeds.content.pictures import MAX_PIXELS
from feeds.content.yamltree import Value
from feeds.identity import article_id
from feeds.model import Article, Download, Image, Provider, Related
from feeds.text import one_line, plain_text

# What is too long as it is written need not be so when it is cleaned: that is found out elsewhere.
_Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_LENGTH)] | None
_Title = Annotated[str, msgspec.Meta(max_length=MAX_TITLE_LENGTH)] | None
_Excerpt = Annotated[str, msgspec.Meta(max_length=MAX_EXCERPT_LENGTH)] | None
_FEW = msgspec.Meta(max_length=MAX_ITEMS)


class _Picture(msgspec.Struct, gc=False):
    url: str
    width: str | None = None
    height: str | None = None
    title: _Title = None
    attribution: _Name = None


class _Author(msgspec.Struct, gc=False):
    name: _Name = None


class _Provider(msgspec.Struct, gc=False):
    name: _Name = None
    domain: _Name = None
    images: Annotated[list[_Picture], _FEW] | None = None
    authors: Annotated[list[_Author], _FEW] | None = None


class _Action(msgspec.Struct, gc=False):
    type: str | None = None
    url: str | None = None
    title: _Title = None
    attribution: _Name = None


class _Story(msgspec.Struct, rename="camel", gc=False):
    title: _Title = None
    web_url: str | None = None
    original_url: str | None = None
    id: None = None
    published_date_time: str | None = None
    excerpt: _Excerpt = None
    provider: _Provider | None = None
    quality: str | None = None
    images: Annotated[list[_Picture], _FEW] | None = None


class _Article(_Story, rename="camel", gc=False):
    updated_date_time: str | None = None
    amp_web_url: str | None = None
    category: _Name = None
    type: _Name = None
    topics: Annotated[list[Annotated[str, msgspec.Meta(max_length=MAX_NAME_LENGTH)]], _FEW] | None = None
    related: Annotated[list[_Story], _FEW] | None = None
    actions: Annotated[list[_Action], _FEW] | None = None
    featured_content: str | None = None
    length: str | None = None
    locale: _Name = None
    heat: str | None = None


def article(path: str, said: Mapping[str, Value], source: str) -> Article | None:
    """Return the article that values without a control character are, with its body; None where it takes `article` to tell."""
    if not visibility.is_shown(said):
        return None
    try:
        written = msgspec.convert(said, _Article)
        if written.related is not None and not all(map(visibility.is_shown, cast("list[dict[str, Value]]", said["related"]))):
            return None
        return _article(path, written, source)
    except (ValueError, msgspec.ValidationError):
        return None


def _article(path: str, written: _Article, source: str) -> Article:
    identity, url, original_url = _links(written)
    published_at = values.moment(_needed(written.published_date_time))
    updated_at = published_at if written.updated_date_time is None else values.moment(written.updated_date_time)
    return Article(
        id=identity,
        title=_needed(_title(written.title)),
        url=url,
        original_url=original_url,
        amp_url=None if written.amp_web_url is None else urls.web_url(written.amp_web_url),
        published_at=published_at,
        updated_at=max(published_at, updated_at),
        excerpt=None if written.excerpt is None else plain_text(written.excerpt) or None,
        content_html=body.html(source, is_html=path.lower().endswith(".html"), base_url=url) if source else None,
        category=_name(written.category),
        type=_name(written.type),
        topics=() if written.topics is None else values.distinct([name for name in map(_name, written.topics) if name]),
        provider=_provider(written.provider),
        images=_pictures(written.images),
        related=_related(written.related, identity),
        download=_download(written.actions),
        player_url=body.player_url(markup) if (markup := written.featured_content) and markup.strip() else None,
        duration_seconds=values.duration_seconds(written.length) if written.length else None,
        quality=_number(written.quality),
        heat=_number(written.heat),
        language=None if (locale := _name(written.locale)) is None else values.language(locale),
    )


def _needed(text: str | None) -> str:
    if text is None:
        raise ValueError
    return text


def _title(written: str | None) -> str | None:
    return None if written is None else one_line(written) or None


_name = lru_cache(maxsize=4096)(_title)  # names repeat


def _number(written: str | None) -> int | None:
    if written is None:
        return None
    number = values.whole_number(written)
    if number is None:
        raise ValueError
    return number


@lru_cache(maxsize=4096)
def _pixels(written: str | None) -> int | None:
    number = _number(written)
    if number is not None and not 1 <= number <= MAX_PIXELS:
        raise ValueError
    return number


def _links(written: _Story) -> tuple[str, str, str | None]:
    """Return identity, link and, where it differs, original link."""
    web, original = written.web_url, written.original_url
    source = _needed(web if original is None else original).strip()
    source_url = urls.web_url(source)
    identity = article_id(source)
    if web is None or original is None or web == original:
        return identity, source_url, None
    url = urls.web_url(web)
    return identity, url, source_url if source_url != url else None


def _provider(written: _Provider | None) -> Provider | None:
    if written is None:
        return None
    provider = _bare_provider(written.name, written.domain)
    if provider is None or (written.images is None and written.authors is None):
        return provider
    authors = [name for author in written.authors or () if (name := _name(author.name))]
    return Provider(provider.name, provider.domain, _pictures(written.images), values.distinct(authors))


@lru_cache(maxsize=4096)
def _bare_provider(written_name: str | None, written_domain: str | None) -> Provider | None:
    domain = None if (text := _title(written_domain)) is None else urls.domain(text)
    name = _title(written_name) or domain
    return None if name is None else Provider(name, domain)


def _pictures(written: list[_Picture] | None) -> tuple[Image, ...]:
    if not written:
        return ()
    found: dict[str, Image] = {}
    for one in written:
        url = values.picture_url(one.url.strip())
        found.setdefault(url, Image(url, _pixels(one.width), _pixels(one.height), _title(one.title), _name(one.attribution)))
    return tuple(found.values())


def _related(written: list[_Story] | None, parent: str) -> tuple[Related, ...]:
    stories: dict[str, Related] = {}
    for story in written or ():
        identity, url, original_url = _links(story)
        title = _needed(_title(story.title))
        if identity == parent or identity in stories:
            continue
        stories[identity] = Related(
            identity,
            title,
            url,
            original_url,
            None if story.excerpt is None else plain_text(story.excerpt) or None,
            None if story.published_date_time is None else values.moment(story.published_date_time),
            _provider(story.provider),
            _number(story.quality),
            _pictures(story.images),
        )
    return tuple(stories.values())


def _download(written: list[_Action] | None) -> Download | None:
    for action in written or ():
        if action.type is not None and action.type.strip().lower() == "download":
            return Download(urls.web_url(_needed(action.url)), _title(action.title), _name(action.attribution))
    return None

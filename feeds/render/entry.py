"""An article -> what every format says of it. Knows the mapping of fields to entries; knows no syntax.

Everything that is the same in all formats is decided here, once: so the formats agree.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from feeds.feed import Feed, ImageOption, RelatedOption
from feeds.model import Article, Image, Label, ListedArticle, Provider, Related
from feeds.render import html, media
from feeds.text import xml_text

_ATTACHING = (ImageOption.ATTACH, ImageOption.BOTH)


class Author(msgspec.Struct, frozen=True, gc=False):
    """Who wrote an entry: a person, or the provider with its home page."""

    name: str
    url: str | None = None


class Enclosure(msgspec.Struct, frozen=True, gc=False):
    """A file that goes with an entry; its length is not known."""

    url: str
    media_type: str
    title: str | None = None


class Player(msgspec.Struct, frozen=True, gc=False):
    """A video that plays on another site."""

    url: str
    duration_seconds: int | None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An article as all formats say it. Text holds nothing that XML 1.0 forbids; `title` is never empty."""

    id: str
    url: str
    original_url: str | None
    via: tuple[str, ...]  # the original and, of a related story, the articles that point to it
    title: str
    summary: str | None
    content_html: str
    published_at: datetime
    updated_at: datetime
    authors: tuple[Author, ...]
    topics: tuple[Label, ...]
    enclosure: Enclosure | None
    images: tuple[Image, ...]
    player: Player | None
    related: tuple[Related, ...]
    language: str | None
    amp_url: str | None

    @property
    def attachments(self) -> tuple[Enclosure, ...]:
        """Return the download, if there is one, and every image."""
        images = tuple(Enclosure(image.url, media.image_type(image.url), image.title) for image in self.images)
        first = () if self.enclosure is None or self.enclosure.url in (image.url for image in self.images) else (self.enclosure,)
        return first + images


def entries(feed: Feed) -> list[Entry]:
    """Return what a feed says of each of its articles."""
    return [entry(listed, feed) for listed in feed.articles]


def entry(listed: ListedArticle, feed: Feed) -> Entry:
    """Return what a feed says of an article."""
    article, options = listed.article, feed.options
    pictures = tuple(_image(image, feed.site.site_url) for image in article.images)
    attached = pictures if options.images in _ATTACHING else ()
    inline = pictures if options.images in (ImageOption.INLINE, ImageOption.BOTH) else ()
    stories = () if options.related is RelatedOption.NONE else tuple(_story(story, feed) for story in article.related)
    sources = listed.parent_urls if article.original_url is None else (article.original_url, *listed.parent_urls)
    return Entry(
        id=xml_text(article.id),
        url=xml_text(article.url),
        original_url=article.original_url,
        via=tuple(xml_text(url) for url in dict.fromkeys(sources)),
        title=_title(article.title, article.url),
        summary=_optional(article.excerpt),
        content_html=xml_text(html.content(article, inline, stories)),
        published_at=article.published_at,
        updated_at=article.updated_at,
        authors=_authors(article.provider),
        topics=tuple(Label(xml_text(label.slug), xml_text(label.name) or xml_text(label.slug)) for label in listed.topics),
        enclosure=_enclosure(article, attached),
        images=attached,
        player=None if article.player_url is None else Player(article.player_url, article.duration_seconds),
        related=stories,
        language=article.language if article.language != feed.site.language else None,
        amp_url=article.amp_url,
    )


def _title(title: str, url: str) -> str:
    text = xml_text(title)
    return text if text.strip() else xml_text(url)


def _optional(text: str | None) -> str | None:
    return (xml_text(text) or None) if text is not None else None


def _image(image: Image, site_url: str) -> Image:
    url = xml_text(f"{site_url}{image.url}" if image.url.startswith("/") else image.url)
    title, credit = _optional(image.title), _optional(image.credit)
    is_the_same = (url, title, credit) == (image.url, image.title, image.credit)
    return image if is_the_same else Image(url, image.width, image.height, title, credit)


def picture(images: tuple[Image, ...], site_url: str) -> Image | None:
    """Return the largest of the pictures of a topic or provider, with an absolute URL."""
    largest = max(images, key=lambda image: (image.width or 0) * (image.height or 0), default=None)
    return None if largest is None else _image(largest, site_url)


def _story(story: Related, feed: Feed) -> Related:
    title, excerpt = _title(story.title, story.url), _optional(story.excerpt)
    attached = story.images if feed.options.images in _ATTACHING else ()
    images = tuple(_image(image, feed.site.site_url) for image in attached)
    is_the_same = (title, excerpt, images) == (story.title, story.excerpt, story.images)
    return story if is_the_same else replace(story, title=title, excerpt=excerpt, images=images)


def _authors(provider: Provider | None) -> tuple[Author, ...]:
    if provider is None:
        return ()
    people = tuple(Author(xml_text(name)) for name in provider.authors if xml_text(name).strip())
    home = None if provider.domain is None else f"https://{provider.domain}/"
    return people or ((Author(xml_text(provider.name), home),) if xml_text(provider.name).strip() else ())


def _enclosure(article: Article, attached: tuple[Image, ...]) -> Enclosure | None:
    if article.download is not None:
        return Enclosure(article.download.url, media.file_type(article.download.url), _optional(article.download.title))
    if attached:
        return Enclosure(attached[0].url, media.image_type(attached[0].url), attached[0].title)
    return None

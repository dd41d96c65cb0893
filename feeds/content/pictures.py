"""Pictures, as articles, related stories, providers and topics have them. Knows the keys of a picture."""

from __future__ import annotations

from feeds.content.fields import MAX_TITLE_LENGTH, Fields
from feeds.model import Image

MAX_PIXELS = 100_000


def images(fields: Fields) -> tuple[Image, ...]:
    """Return the pictures of an article, a provider or a topic, each URL once."""
    found: dict[str, Image] = {}
    for item in fields.list_of_fields("images", "url"):
        url = item.image_url("url")
        if url is None:
            if "url" not in item:
                item.complain("url", "is missing")
            continue
        found.setdefault(
            url,
            Image(
                url,
                item.whole_number("width", 1, MAX_PIXELS),
                item.whole_number("height", 1, MAX_PIXELS),
                item.line_of_text("title", longest=MAX_TITLE_LENGTH),
                item.line_of_text("attribution"),
            ),
        )
    return tuple(found.values())

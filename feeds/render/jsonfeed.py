"""JSON Feed 1.1. Knows https://www.jsonfeed.org/version/1.1/; knows no XML.

What has no member of its own there is in extensions, which are objects whose names start with `_`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from feeds.feed import Feed
from feeds.model import Provider, Related
from feeds.render.entry import Enclosure, Entry
from feeds.text import xml_text

_VERSION = "https://jsonfeed.org/version/1.1"
_Object = dict[str, Any]


def frame(feed: Feed) -> tuple[bytes, bytes]:
    """Return what a JSON Feed 1.1 document has before its items, and behind them."""
    said = _present(
        version=_VERSION,
        title=xml_text(feed.title),
        home_page_url=feed.page_url,
        feed_url=feed.self_url,
        description=xml_text(feed.description),
        next_url=feed.links.next or feed.links.previous_archive,
        icon=feed.picture and feed.picture.url,
        authors=[{"name": xml_text(feed.site.title), "url": f"{feed.site.site_url}/"}],
        language=feed.site.language,
        hubs=[{"type": "WebSub", "url": feed.site.hub}] if feed.has_hub and feed.site.hub else None,
        _feed=_feed_extension(feed),
    )
    return _as_bytes(said | {"items": []}).removesuffix(b"]}"), b"]}\n"


def items(_: Feed, said: Sequence[Entry]) -> list[bytes]:
    """Return an item for each entry that the feed has."""
    return [_as_bytes(_item(one)) for one in said]


def _as_bytes(said: _Object) -> bytes:
    return msgspec.json.encode(said)


def _feed_extension(feed: Feed) -> _Object:
    """Return what the XML formats say in elements: id, time, place in the history, parent."""
    return _present(
        id=feed.id,
        updated=_date(feed.updated_at),
        archive=feed.is_archive or None,
        current=feed.links.current,
        prev_archive=feed.links.previous_archive,
        next_archive=feed.links.next_archive,
        parent=feed.parent and {"url": feed.parent.url, "title": xml_text(feed.parent.title)},
    )


def _item(said: Entry) -> _Object:
    player = said.player
    return _present(
        id=said.id,
        url=said.url,
        external_url=said.original_url,
        title=said.title,
        content_html=said.content_html,
        summary=said.summary,
        image=said.images[0].url if said.images else None,
        date_published=_date(said.published_at),
        date_modified=_date(said.updated_at),
        authors=[_present(name=author.name, url=author.url) for author in said.authors] or None,
        tags=list(dict.fromkeys(label.name for label in said.topics)) or None,
        language=said.language,
        attachments=[_attachment(attachment) for attachment in said.attachments] or None,
        _related={"items": [_related(story) for story in said.related]} if said.related else None,
        _via={"urls": list(said.via)} if said.via else None,
        _media=player and _present(player_url=player.url, duration_in_seconds=player.duration_seconds),
        _amp_url=said.amp_url and {"url": said.amp_url},
    )


def _attachment(enclosure: Enclosure) -> _Object:
    return _present(url=enclosure.url, mime_type=enclosure.media_type, title=enclosure.title)


def _related(story: Related) -> _Object:
    return _present(
        id=story.id,
        url=story.url,
        external_url=story.original_url,
        title=story.title,
        summary=story.excerpt,
        image=story.images[0].url if story.images else None,
        date_published=story.published_at and _date(story.published_at),
        authors=story.provider and [_author(story.provider)],
    )


def _author(provider: Provider) -> _Object:
    return _present(name=xml_text(provider.name), url=provider.domain and f"https://{provider.domain}/")


def _date(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _present(**members: Any) -> _Object:
    return {name: value for name, value in members.items() if value is not None}

"""OPML 2.0: lists of subscriptions. Knows http://opml.org/spec2.opml; knows no feed's content."""

from email.utils import format_datetime

from lxml import etree

from feeds.feed import Outline, Subscriptions
from feeds.text import xml_text

MEDIA_TYPE = "text/x-opml; charset=utf-8"


def render_opml(said: Subscriptions) -> bytes:
    """Return a list of subscriptions, in the order and nesting given."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = xml_text(said.title)
    if said.newest_at is not None:
        etree.SubElement(head, "dateModified").text = format_datetime(said.newest_at, usegmt=True)
    body = etree.SubElement(root, "body")
    for outline in said.outlines:
        _say(body, outline)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _say(parent: etree._Element, outline: Outline) -> None:
    facts = {
        "text": xml_text(outline.title),
        "title": xml_text(outline.title),
        "type": "rss",  # the spec's word for a subscription of whatever format
        "xmlUrl": outline.feed_url,
        "htmlUrl": outline.page_url,
    }
    if outline.description is not None:
        facts["description"] = xml_text(outline.description)
    if outline.children:
        # Readers take an outline with a feed for a leaf, and lose what is below it (FreshRSS, Liferea): so this is a folder.
        parent = etree.SubElement(parent, "outline", text=facts["text"])
    etree.SubElement(parent, "outline", facts)
    for child in outline.children:
        _say(parent, child)

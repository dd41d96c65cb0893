"""What a file says about its own visibility. Knows the keys of visibility, what looks like one, and a takedown in broken YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from feeds.content.fields import Complaint, Fields
from feeds.content.values import flag
from feeds.content.yamltree import Value
from feeds.model import Level, Takedown

_HIDES = {"published": Takedown.FILE, "draft": Takedown.FILE, "removed": Takedown.IDENTITY, "deleted": Takedown.IDENTITY}
_SHOWN_VALUES = {"published": True, "draft": False, "removed": False, "deleted": False}
_LONGEST_SLIP = max(map(len, _HIDES)) + 1
_OTHER_KEYS = frozenset({"publisher"})
# The keys of articles that nobody writes for one of visibility: most files and nearly all related stories have no others.
_FIELDS = frozenset(
    {
        *("title", "webUrl", "originalUrl", "ampWebUrl", "cdnAmpWebUrl", "id", "publishedDateTime", "updatedDateTime", "excerpt"),
        *("category", "type", "topics", "provider", "images", "related", "actions", "featuredContent", "length", "locale"),
        *("quality", "heat", "secured"),
    }
)
_VISIBILITY_LINE = re.compile(r"""^["']?(published|draft|removed|deleted)["']?[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^#\r\n]*)""", re.MULTILINE)
_FIRST_KEY = re.compile(r"^( *)(?!---)[^\s#\ufeff]", re.MULTILINE)
_FLOW_MARK = re.compile(r"[{}\[\],\n]")


def takedown_in(text: str) -> Takedown:
    """Return the takedown that stands in a text which is no YAML."""
    taken = Takedown.NONE
    for key, value in _VISIBILITY_LINE.findall(_with_keys_in_front(text)):
        if not value.strip() or taken is Takedown.IDENTITY:
            continue
        try:
            taken = taken if flag(value.strip().strip("\"'")) is _SHOWN_VALUES[key] else _HIDES[key]
        except ValueError:
            taken = Takedown.FILE
    return taken


def _with_keys_in_front(text: str) -> str:
    """Return a broken mapping with each of its own keys at the start of a line, if it is indented or in braces as JSON is.

    Of one in braces that goes for what is nested as well: nobody can tell any more, and an article is rather hidden.
    """
    first = _FIRST_KEY.search(text)
    if first is None:
        return text
    if text[first.end() - 1] == "{":
        return "\n".join(part.strip() for part in _FLOW_MARK.split(text))
    return re.sub(f"^{first[1]}", "", text, flags=re.MULTILINE) if first[1] else text


def is_shown(values: Mapping[str, Value]) -> bool:
    """Whether the values of an article say beyond doubt that it is shown, or nothing about it."""
    return _FIELDS.issuperset(values) or all(map(_is_no_takedown, values.items()))


def _is_no_takedown(item: tuple[str, Value]) -> bool:
    key, value = item
    if key in _FIELDS or not _is_meant(key):
        return True
    try:
        return key in _HIDES and (value is None or (isinstance(value, str) and flag(value) is _SHOWN_VALUES[key]))
    except ValueError:
        return False


def takedown(fields: Fields, level: Level) -> tuple[Takedown, Complaint | None]:
    """Return what the file says about its visibility; no reason goes with a value that can't be read."""
    if fields.has_only(_FIELDS):
        return Takedown.NONE, None
    taken, reason = Takedown.NONE, None
    meant = [key for key in fields.written_keys() if key not in _FIELDS and _is_meant(key)]
    for key in (key for key in _HIDES if key in meant and key in fields):
        value = fields.flag(key, level)
        if value is None:
            taken = taken if taken is Takedown.IDENTITY else Takedown.FILE
        elif value is not _SHOWN_VALUES[key] and taken is not Takedown.IDENTITY:
            taken = _HIDES[key]
            reason = fields.complaint(key, f"is {str(value).lower()}")
    for key in meant:
        if key not in _HIDES:
            fields.complain(key, "is no known key; is one of published, draft, removed, deleted meant?")
    return taken, reason


def _is_meant(key: str) -> bool:
    return len(key) <= _LONGEST_SLIP and _is_meant_for_visibility(key)


@lru_cache(maxsize=1024)
def _is_meant_for_visibility(written: str) -> bool:
    """Whether a key is one of visibility, or looks like one: in other case, two letters swapped, one letter off, missing or doubled."""
    key = written.lower()
    if key in _OTHER_KEYS or key in _HIDES:
        return key in _HIDES
    for known in _HIDES:
        if abs(len(key) - len(known)) > 1:
            continue
        if sorted(key) == sorted(known):
            return True
        if any(key[:place] + key[place + 1 :] == known for place in range(len(key))):
            return True
        if any(known[:place] + known[place + 1 :] == key for place in range(len(known))):
            return True
        if len(key) == len(known) and sum(a != b for a, b in zip(key, known, strict=True)) == 1:
            return True
    return False

"""Encrypted payloads where they don't belong. Knows what they look like in a file; knows no field.

A payload stands in `secured`, base64 and after a semicolon the vector it was encrypted with, and that key is never read.
But a broken file can carry it elsewhere: a quote is lost, or two files are mixed and the name stays behind.
"""

import re
from collections.abc import Iterable

_NAMED = re.compile(r"""secured\\?["']?\s*+[:=]\s*+\\?["']?([A-Za-z0-9+/=;]{12,})""")
_LAST = re.compile(r"""(?<![A-Za-z0-9+/;])([A-Za-z0-9+/;]{10,}+={1,2})["']?[ \t]*\r?\n(?:---|\.\.\.)[ \t]*\r?$""", re.MULTILINE)
_VECTOR = re.compile(r"(?<=[A-Za-z0-9+/]{3}[A-Za-z0-9+/=]{2});[A-Za-z0-9+/]{22}==(?![A-Za-z0-9+/=])")
_RUN = re.compile(r"[A-Za-z0-9+/=;]{12,}")
_PART = 12  # characters; shorter pieces say nothing


def spills(data: bytes, said: str) -> bool:
    """Whether what is said of a file holds a piece of a payload, of the file itself or of another one mixed into it."""
    has_vector = "==" in said and _VECTOR.search(said) is not None
    return has_vector or not _parts(_RUN.findall(said)).isdisjoint(_payload_parts(data))


def _payload_parts(data: bytes) -> set[str]:
    """Return the parts of what must be payload: what has the name of one, or ends the front matter as one does.

    A word behind "secured:" in a sentence is none.
    """
    text = data.decode("utf-8", "replace")
    named = (found for found in _NAMED.findall(text) if found.isupper() or re.search("[0-9=]", found))
    unnamed = (found for found in _LAST.findall(text) if all(re.search(kind, found) for kind in ("[A-Z]", "[a-z]", "[0-9]")))
    return _parts([*named, *unnamed])


def _parts(payloads: Iterable[str]) -> set[str]:
    return {payload[place : place + _PART] for payload in payloads for place in range(len(payload) - _PART + 1)}

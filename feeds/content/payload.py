"""Encrypted payloads where they don't belong. Knows what they look like in a file; knows no field.

A payload stands in `secured`, base64 and after a semicolon the vector it was encrypted with, and that key is never read.
But a broken file can carry it elsewhere: a quote is lost, or two files are mixed and the name stays behind.
"""

import re
from collections.abc import Iterable, Iterator
from string import ascii_letters, digits

_NAMED = re.compile(rb"""secured\\?["']?\s*+[:=]\s*+\\?["']?([A-Za-z0-9+/=;]{12,})""")
_CLOSING_LINE = re.compile(rb"\n(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
_RUN_AT_END = re.compile(rb"[A-Za-z0-9+/=;]{11,}\Z")
_VECTOR = re.compile(rb"(?<=[A-Za-z0-9+/]{3}[A-Za-z0-9+/=]{2});[A-Za-z0-9+/]{22}==(?![A-Za-z0-9+/=])")
_PART = 12  # characters; shorter pieces say nothing
_BLOCK = _PART // 2  # what two texts share of a part's length has one of these whole, wherever one of the texts is cut into blocks
_ALPHABET = frozenset(b"+/=;" + (ascii_letters + digits).encode())
_LETTERS = bytes(ord("a") if code in _ALPHABET else ord(" ") for code in range(256))
_SHORTEST = b"a" * _PART


def spills(data: bytes, said: bytes) -> bool:
    """Whether what is said of a file holds a piece of a payload, of the file itself or of another one mixed into it."""
    if b"==" in said and _VECTOR.search(said) is not None:
        return True
    payloads = _payloads(data)
    runs = list(_runs(said))
    together = b" ".join(payloads)
    # Every file has a payload, and it is long: so it is looked through for few short blocks first.
    if not any(run[place : place + _BLOCK] in together for run in runs for place in range(0, len(run) - _BLOCK + 1, _BLOCK)):
        return False
    return not _parts(runs).isdisjoint(_parts(payloads))


def _runs(text: bytes) -> Iterator[bytes]:
    """Yield the runs of letters of the alphabet that are long enough to say something."""
    letters = text.translate(_LETTERS) + b" "
    end = 0
    while (start := letters.find(_SHORTEST, end)) >= 0:
        end = letters.find(b" ", start)
        yield text[start:end]


def _payloads(text: bytes) -> list[bytes]:
    """Return what must be payload: what has the name of one, or ends the front matter as one does.

    A word behind "secured:" in a sentence is none.
    """
    named = [found for found in _NAMED.findall(text) if found.isupper() or re.search(b"[0-9=]", found)]
    return named + [found for found in _ends(text) if all(re.search(kind, found) for kind in (b"[A-Z]", b"[a-z]", b"[0-9]"))]


def _ends(text: bytes) -> Iterator[bytes]:
    """Yield what stands before a closing line and ends as base64 does."""
    for closing in _CLOSING_LINE.finditer(text):
        line = text[text.rfind(b"\n", 0, closing.start()) + 1 : closing.start()].rstrip().rstrip(b"\"'")
        found = _RUN_AT_END.search(line) if line.endswith(b"=") else None
        if found is not None:
            yield found[0]


def _parts(texts: Iterable[bytes]) -> set[bytes]:
    return {text[place : place + _PART] for text in texts for place in range(len(text) - _PART + 1)}

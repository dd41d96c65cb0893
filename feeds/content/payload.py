"""Encrypted payloads where they don't belong. Knows what they look like in a file; knows no field.

A payload stands in `secured`, base64 and after a semicolon the vector it was encrypted with, and that key is never read.
But a broken file can carry it elsewhere: a quote is lost, or two files are mixed and the name stays behind.
"""

import re
from collections.abc import Iterable
from string import ascii_letters, digits

_NAME = b"secured"
_NAMED = re.compile(rb"""secured\\?["']?\s*+[:=]\s*+\\?["']?([A-Za-z0-9+/=;]{12,})""")
# What stands before a line that closes front matter and ends as base64 does, up to that end.
_END = re.compile(rb"""=(?=["']*+[ \t\r\v\f]*+\n(?:---|\.\.\.)[ \t]*+\r?$)""", re.MULTILINE)
_VECTOR = re.compile(rb"(?<=[A-Za-z0-9+/]{3}[A-Za-z0-9+/=]{2});[A-Za-z0-9+/]{22}==(?![A-Za-z0-9+/=])")
_PART = 12  # characters; shorter pieces say nothing
_ALPHABET = b"+/=;" + (ascii_letters + digits).encode()
_LETTERS = bytes(ord("a") if code in _ALPHABET else ord(" ") for code in range(256))
_WITHOUT_CAPITALS = _LETTERS[:65] + b" " * 26 + _LETTERS[91:]
_SHORTEST = b"a" * _PART
# Of a part's length of text, a block of four that starts at a multiple of eight is always there whole.
_BLOCK = 4


def spills(data: bytes, said: bytes) -> bool:
    """Whether what is said of a file holds a piece of a payload, of the file itself or of another one mixed into it."""
    runs = _runs(said)
    spoken = b" ".join(runs)
    if b"==" in spoken and _VECTOR.search(spoken) is not None:
        return True
    payloads = _payloads(data)
    hidden = b" ".join(payloads)
    # Every file has a payload, and most say nothing long with capitals in it, while hardly any twelve letters of a payload go without.
    if spoken == spoken.lower():
        return any(part in spoken for part in _parts(_runs(hidden, _WITHOUT_CAPITALS)))
    # Few of the others share as much as a block with what is said: only there are all parts compared.
    return _share_a_block(hidden, spoken) and not _parts(runs).isdisjoint(_parts(payloads))


def _runs(text: bytes, letters: bytes = _LETTERS) -> list[bytes]:
    """Return the runs of letters of an alphabet, a table of bytes, that are long enough to say something."""
    runs = []
    marks = text.translate(letters) + b" "
    end = 0
    while (start := marks.find(_SHORTEST, end)) >= 0:
        end = marks.find(b" ", start)
        runs.append(text[start:end])
    return runs


def _payloads(text: bytes) -> set[bytes]:
    """Return what must be payload: what has the name of one, or ends the front matter as one does.

    A word behind "secured:" in a sentence is none.
    """
    place = text.find(_NAME)
    named = [] if place < 0 else _NAMED.findall(text, place)
    payloads = {found for found in named if found.isupper() or re.search(b"[0-9=]", found)}
    for end in _END.finditer(text):
        if payloads and text.endswith(tuple(payloads), 0, end.end()):
            continue  # nearly always the one that has the name
        line = text[text.rfind(b"\n", 0, end.start()) + 1 : end.end()]
        found = line[line.translate(_LETTERS).rfind(b" ") + 1 :]
        if all(re.search(kind, found) for kind in (b"[A-Z]", b"[a-z]", b"[0-9]")):
            payloads.add(found)
    return payloads


def _share_a_block(one: bytes, other: bytes) -> bool:
    """Whether any second block of one text stands anywhere in the other; blocks are compared as the numbers they are."""
    blocks = set(_blocks(one)[::2])
    return not all(blocks.isdisjoint(_blocks(other[shift:])) for shift in range(_BLOCK))


def _blocks(text: bytes) -> list[int]:
    return memoryview(text)[: len(text) // _BLOCK * _BLOCK].cast("I").tolist()


def _parts(texts: Iterable[bytes]) -> set[bytes]:
    return {text[place : place + _PART] for text in texts for place in range(len(text) - _PART + 1)}

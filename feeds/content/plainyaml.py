"""The YAML that programs write -> its values, without a parser. Knows a small part of YAML and never guesses: what is not plainly in
that part is left to `yamlparser`, which knows all of it.

The part: block mappings and sequences of one-line values, indented with spaces, each line `key: value`, `key:`, `- value` or
`- key: value`. Nearly all front matter is of this kind, and is read so in a quarter of the time that a parser's events take.
A property test holds both to the same values. Spec: https://yaml.org/spec/1.1/
"""

from __future__ import annotations

import re
from collections.abc import Callable

from feeds.content.yamltree import NEVER_READ, NULLS, Value

_MAX_DEPTH = 16  # far deeper than any field is, and less than `yamlparser` allows
# No indicator in front, no ` #` and no `: ` inside, no space behind: plain scalars (section 9.1.3), though not all there are.
_LETTERS = r"""[\w ./~+(),;&'"!?=%@*$-]*"""
_PLAIN = rf"[\w/.~]{_LETTERS}(?:(?::[\w/]|(?<! )#){_LETTERS})*(?<! )"
_PLAIN_VALUE = re.compile(_PLAIN)
_QUOTED = r'"[^"\\]*(?:\\["\\/][^"\\]*)*"'
_LINE = re.compile(rf"( *)(- )?(?:([A-Za-z_][\w-]*):(?: |$))?(?:({_QUOTED})|({_PLAIN}))?")
# What a parser refuses, or takes for the end of a line.
_ODD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
# The bytes that no odd character has, but for the line ends U+2028 and U+2029, whose bytes are those of quotation marks too.
_FINE = bytes([*b"\n", *range(0x20, 0x7F), *(code for code in range(0x80, 0x100) if code not in (0xC2, 0xED, 0xEF))])
_ESCAPED = re.compile(r"\\(.)")
_REPEATED_LENGTH = 36  # characters
_MOST_LINES = 4096
_NO_COLUMN = -2

_Block = dict[str, Value] | list[Value]


# Of a line: its indentation where it is one more key of a mapping, else _NOWHERE; the key or ""; the value, and whether it has one;
# the indentation of any line; whether it starts an item. A bare tuple, which is taken apart in half the time that one with names is.
_Line = tuple[int, str, str | None, bool, int, bool]
_NOWHERE = -1
_NO_LINE: _Line = (_NOWHERE, "", None, False, _NOWHERE, False)  # of the part


class _Lines(dict[str, _Line]):
    """Lines and their meaning, worked out at the first look at each; the short ones, such as `type: article`, stand in many files."""

    def __init__(self, meaning: Callable[[str], _Line]) -> None:
        self._meaning = meaning

    def __missing__(self, text: str) -> _Line:
        line = self._meaning(text)
        if len(text) <= _REPEATED_LENGTH and len(self) < _MOST_LINES:
            self[text] = line
        return line


def scan(text: str) -> dict[str, Value] | None:  # noqa: PLR0912, PLR0915 - a state machine; calls would take half of its time
    """Return the values that `yamlparser` finds in a text, or None where it takes a parser to tell."""
    if not text.endswith("\n") or _is_odd(text):
        return None
    root: dict[str, Value] = {}
    block: _Block = root
    keys = root  # the block, where it is a mapping
    column = 0  # of the block
    outer: list[tuple[int, _Block]] = []  # the blocks around it, each with its column
    opened: str | None = None  # the key of the line before, where no value stands behind it
    usual = 0  # where a line is one more key of `keys`: most are; _NO_COLUMN where there is more to be thought of
    lines, heads = _LINES, _HEADS
    for line in text[:-1].split("\n"):
        if line[-1:] == '"':
            # Without escapes the value is what stands between the quotes; what stands before it is the same in many files.
            head, _, quoted = line.partition(': "')
            if "\\" not in quoted and quoted.count('"') == 1:
                key_column, key, value, has_value, indent, is_item = heads[head]
                if value is not None:
                    value = quoted[:-1]
            else:
                key_column, key, value, has_value, indent, is_item = lines[line]
        else:
            key_column, key, value, has_value, indent, is_item = lines[line]
        if key_column != usual:
            if indent < 0:
                return None
            if not is_item and not key:
                if has_value:
                    return None
                continue
            if opened is not None and (indent > column or (is_item and indent == column)):
                inner: _Block = [] if is_item else {}
                keys[opened] = inner
                outer.append((column, block))
                block, column = inner, indent
            opened = None
            while outer and (column > indent or (column == indent and not is_item and type(block) is list)):
                column, block = outer.pop()
            if column != indent or len(outer) > _MAX_DEPTH:
                return None
            if is_item:
                if type(block) is not list or not (key or has_value):
                    return None
                usual = _NO_COLUMN
                if not key:
                    if value is not None:
                        block.append(value)
                    continue
                keys = {}
                block.append(keys)
                outer.append((column, block))
                block, column = keys, indent + 2
            elif type(block) is dict:
                keys = block
            else:
                return None
            usual = column
        if key in keys:
            return None
        keys[key] = value
        if not has_value:
            opened, usual = key, _NO_COLUMN
    return root


def line_of(text: str, key: str) -> int:
    """Return the 1-based line of a key of the mapping itself, in a text that `scan` has read."""
    return 1 if text.startswith(f"{key}:") else text.count("\n", 0, text.index(f"\n{key}:") + 1) + 1


def _is_odd(text: str) -> bool:
    # The bytes are made and sifted in half the time of a search.
    suspicious = text.encode(errors="surrogatepass").translate(None, _FINE) or "\u2028" in text or "\u2029" in text
    return bool(suspicious) and _ODD.search(text) is not None


def _line(line: str) -> _Line:
    found = _LINE.fullmatch(line)
    if found is None:
        return _NO_LINE
    spaces, dash, key, quoted, plain = found.groups()
    indent, is_item = len(spaces), dash is not None
    has_value = quoted is not None or plain is not None
    if key in NEVER_READ:
        return (_NOWHERE if is_item else indent, key, None, True, indent, is_item) if has_value else _NO_LINE
    value = plain
    if quoted is not None:
        value = _ESCAPED.sub(r"\1", quoted[1:-1]) if "\\" in quoted else quoted[1:-1]
    elif plain in NULLS:
        value = None
    return indent if key and not is_item else _NOWHERE, key or "", value, has_value, indent, is_item


def _head(text: str) -> _Line:
    """Return the line that stands before a value in quotes, with another one; without where it is never read."""
    return _line(f'{text}: ""')


def _any_line(text: str) -> _Line:
    """Return the same as `_line`; of a long one, which nobody writes twice, only the value is looked at."""
    head, _, value = text.partition(": ")
    if len(text) <= _REPEATED_LENGTH or value in NULLS or _PLAIN_VALUE.fullmatch(value) is None:
        return _line(text)
    key_column, key, known, has_value, indent, is_item = _HEADS[head]
    return key_column, key, None if known is None else value, has_value, indent, is_item


_LINES = _Lines(_any_line)
_HEADS = _Lines(_head)

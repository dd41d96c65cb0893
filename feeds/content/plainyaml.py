"""The YAML that programs write -> its values, without a parser. Knows a small part of YAML and never guesses: what is not plainly in
that part is left to `yamltree`, which knows all of it.

The part: block mappings and sequences of one-line values, indented with spaces, each line `key: value`, `key:`, `- value` or
`- key: value`. Nearly all front matter is of this kind, and is read so in a quarter of the time that a parser's events take.
A property test holds both to the same values. Spec: https://yaml.org/spec/1.1/
"""

from __future__ import annotations

import re
from functools import lru_cache

from feeds.content.yamltree import NEVER_READ, NULLS, Value

_MAX_DEPTH = 16  # far deeper than any field is, and less than `yamltree` allows
# No indicator in front, no ` #` and no `: ` inside, no space behind: plain scalars (section 9.1.3), though not all there are.
_LETTERS = r"""[\w ./~+(),;&'"!?=%@*$-]*"""
_PLAIN = rf"[\w/.~]{_LETTERS}(?:(?::[\w/]|(?<! )#){_LETTERS})*(?<! )"
_QUOTED = r'"[^"\\]*(?:\\["\\/][^"\\]*)*"'
_LINE = re.compile(rf"( *)(- )?(?:([A-Za-z_][\w-]*):(?: |$))?(?:({_QUOTED})|({_PLAIN}))?")
# What a parser refuses, or takes for the end of a line.
_ODD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
# The bytes that no odd character has, but for the line ends U+2028 and U+2029, whose bytes are those of quotation marks too.
_FINE = bytes([*b"\n", *range(0x20, 0x7F), *(code for code in range(0x80, 0x100) if code not in (0xC2, 0xED, 0xEF))])
_ESCAPED = re.compile(r"\\(.)")
_REPEATED_LENGTH = 36  # characters; most lines that short, such as `type: article`, stand in many files

_Block = dict[str, Value] | list[Value]
_Line = tuple[int, bool, str, bool, str | None]  # indentation, whether it starts an item, key or "", whether it has a value, the value


def scan(text: str) -> dict[str, Value] | None:  # noqa: PLR0912 - a state machine; calls would take half of its time
    """Return the values that `yamltree` finds in a text, or None where it takes a parser to tell."""
    if not text.endswith("\n") or _is_odd(text):
        return None
    root: dict[str, Value] = {}
    block: _Block = root
    column = 0  # of the block
    outer: list[tuple[int, _Block]] = []  # the blocks around it, each with its column
    opened: str | None = None  # the key of the line before, where no value stands behind it
    for line in text[:-1].split("\n"):
        quoted = None
        if line[-1:] != '"':
            parsed = _repeated_line(line) if len(line) <= _REPEATED_LENGTH else _line(line)
        else:
            # Without escapes the value is what stands between the quotes; what stands before it is the same in many files.
            before, _, quoted = line.partition(': "')
            parsed = _before_value(before) if len(before) <= _REPEATED_LENGTH and "\\" not in quoted and quoted.count('"') == 1 else None
            if parsed is None:
                parsed, quoted = _line(line), None
        if parsed is None:
            return None
        indent, is_item, key, has_value, value = parsed
        if quoted is not None:
            has_value, value = True, quoted[:-1]
        # Most lines are one more key of the same mapping; what follows is about those that are not.
        if is_item or indent != column or opened is not None or not key or type(block) is list:
            if not is_item and not key:
                if has_value:
                    return None
                continue
            if opened is not None and type(block) is dict and (indent > column or (is_item and indent == column)):
                inner: _Block = [] if is_item else {}
                block[opened] = inner
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
                if not key:
                    if value is not None:
                        block.append(value)
                    continue
                item: dict[str, Value] = {}
                block.append(item)
                outer.append((column, block))
                block, column = item, indent + 2
        if type(block) is not dict or key in block:
            return None
        block[key] = value
        if not has_value:
            opened = key
    return root


def line_of(text: str, key: str) -> int:
    """Return the 1-based line of a key of the mapping itself, in a text that `scan` has read."""
    return 1 if text.startswith(f"{key}:") else text.count("\n", 0, text.index(f"\n{key}:") + 1) + 1


def _is_odd(text: str) -> bool:
    # The bytes are made and sifted in half the time of a search.
    suspicious = text.encode(errors="surrogatepass").translate(None, _FINE) or "\u2028" in text or "\u2029" in text
    return bool(suspicious) and _ODD.search(text) is not None


def _line(line: str) -> _Line | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    spaces, dash, key, quoted, plain = found.groups()
    if key in NEVER_READ:
        return None if quoted is None and plain is None else (len(spaces), dash is not None, key, True, None)
    if quoted is None:
        return len(spaces), dash is not None, key or "", plain is not None, None if plain in NULLS else plain
    return len(spaces), dash is not None, key or "", True, _ESCAPED.sub(r"\1", quoted[1:-1]) if "\\" in quoted else quoted[1:-1]


_repeated_line = lru_cache(maxsize=4096)(_line)


@lru_cache(maxsize=1024)
def _before_value(text: str) -> _Line | None:
    return _line(f"{text}:")

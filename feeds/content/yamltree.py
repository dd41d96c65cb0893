"""What was written in YAML: a tree with lines, and its values. Knows what is never read; knows no parser and no field.

A scalar stays the text that stands in the file, to be read as what its field means: `no` is a fine title, and no date is ever
guessed.
"""

from __future__ import annotations

import msgspec

NULLS = frozenset({"", "~", "null", "Null", "NULL"})  # https://yaml.org/type/null.html
# Encrypted payloads are dropped before anything else can see them, at whatever depth they stand.
NEVER_READ = frozenset({"secured"})


class YamlError(Exception):
    """Text that is no YAML we accept; `line` is 1-based within the text."""

    def __init__(self, reason: str, line: int | None) -> None:
        self.reason = reason
        self.line = line
        super().__init__(reason)


# Structs, because a file has dozens of values and these are made in C.
class Scalar(msgspec.Struct, frozen=True, gc=False):
    """A single value as it was written, quotes and escapes resolved."""

    text: str
    line: int


class Sequence(msgspec.Struct, frozen=True):
    """A list of values; nulls are left out."""

    items: tuple[Node, ...]
    line: int


class Mapping(msgspec.Struct, frozen=True):
    """Keys and values; nulls are left out. `lines` tells where each key stands, the nulls' too."""

    items: dict[str, Node]
    lines: dict[str, int]
    line: int


Node = Scalar | Sequence | Mapping
Value = str | None | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]  # from the outside in: keys, and places in sequences


def values(mapping: Mapping) -> dict[str, Value]:
    """Return what a mapping says without where: nulls are None, as is what is never read; sequences go without them."""
    return {key: _value(mapping.items[key]) if key in mapping.items else None for key in mapping.lines}


def _value(node: Node) -> Value:
    if isinstance(node, Scalar):
        return node.text
    return [_value(item) for item in node.items] if isinstance(node, Sequence) else values(node)


def line_of(node: Node, path: Path) -> int:
    """Return the 1-based line where a value stands in a tree: that of its key, or of what holds it where it is not there itself.

    A value alone counts as the only one of a sequence or mapping, as `fields` reads it.
    """
    line = node.line
    for step in path:
        if isinstance(step, int):
            node = node.items[step] if isinstance(node, Sequence) else node
            line = node.line
        elif isinstance(node, Mapping):
            line = node.lines.get(step, node.line)
            if step not in node.items:
                break
            node = node.items[step]
        else:
            line = node.line
    return line

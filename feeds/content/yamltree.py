"""YAML text -> a tree of what was written, with lines. The one place that knows YAML; it knows no field.

PyYAML's C parser delivers events; nothing is constructed from them, because construction is where YAML bites:
its C composer crashes the process on deep nesting, and its constructors raise errors of every kind and let the
last of two equal keys win. So depth, aliases and keys are checked as the events come, and a scalar stays the text
that stands in the file, to be read as what its field means (`no` is a fine title, and no date is ever guessed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

_MAX_DEPTH = 64
_TOO_DEEP = f"is nested deeper than {_MAX_DEPTH} levels"
_TOO_DEEP_FOR_LIBYAML = "exceeded maximum nesting depth"  # newer ones have a limit of their own, and look further ahead than we do
_MAX_DIRECTIVES = 100  # lines such as `%TAG …`, of which the parser compares each with all others; nobody needs one
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})  # https://yaml.org/type/null.html
# Encrypted payloads are dropped before anything else can see them, at whatever depth they stand.
_NEVER_READ = frozenset({"secured"})
_PLAIN_KEY = re.compile("[A-Za-z_]{1,30}")
_HINTS = {
    "mapping values are not allowed in this context": "; a value that holds `: ` needs quotes",
    "found character that cannot start any token": "; indent with spaces, and quote a value that starts with @ or `",
    "did not find expected key": "; is a quote or an indentation wrong just above?",
}


class YamlError(Exception):
    """Text that is no YAML we accept; `line` is 1-based within the text."""

    def __init__(self, reason: str, line: int | None) -> None:
        self.reason = reason
        self.line = line
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it was written, quotes and escapes resolved."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of values; nulls are left out."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values; nulls are left out. `lines` tells where each key stands, the nulls' too."""

    items: dict[str, Node]
    lines: dict[str, int]
    line: int


Node = Scalar | Sequence | Mapping


def parse_mapping(text: str) -> Mapping:
    """Return the one mapping that the text is; an empty text is an empty mapping.

    Raises:
        YamlError: it is no YAML, no mapping, nested deeper than 64, or has aliases or a key twice.
    """
    if text.count("\n%") > _MAX_DIRECTIVES:
        raise YamlError("is no YAML: too many lines start with %", None)
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        root = _document(events)
    except yaml.MarkedYAMLError as error:
        if error.context == "while scanning a quoted scalar" and error.context_mark is not None:
            raise YamlError("is no YAML: a quote that opens here is not closed", error.context_mark.line + 1) from error
        mark = error.problem_mark or error.context_mark
        raise YamlError(_reason(error), mark.line + 1 if mark else None) from error
    except yaml.reader.ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise YamlError("is no YAML: it holds characters that YAML does not allow", line) from error
    if root is None:
        return Mapping({}, {}, 1)
    if not isinstance(root, Mapping):
        raise YamlError("is not a mapping of `key: value` lines", root.line)
    return root


def _reason(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "unknown reason"
    if problem == _TOO_DEEP_FOR_LIBYAML:
        return _TOO_DEEP
    return f"is no YAML: {problem}{_HINTS.get(problem, '')}"


def _document(events: Iterator[yaml.Event]) -> Node | None:
    root: Node | None = None
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise YamlError("holds a second YAML document", _line(event))
            root = _node(next(events), events, 1)
    return root


def _line(event: yaml.Event) -> int:
    line: int = event.start_mark.line  # type: ignore[union-attr] # events of a parser always have their mark
    return line + 1


def _node(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node | None:
    """Return the node that starts with `event`, or None for a null."""
    line = _line(event)
    if isinstance(event, yaml.ScalarEvent):
        plain_null = event.style in (None, "") and event.value in _NULLS
        return None if plain_null else Scalar(event.value, line)
    if isinstance(event, yaml.AliasEvent):
        raise YamlError("uses an alias (`*name`); write the value out", line)
    if depth > _MAX_DEPTH:
        raise YamlError(_TOO_DEEP, line)
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(events, depth, line)
    return _mapping(events, depth, line)


def _sequence(events: Iterator[yaml.Event], depth: int, line: int) -> Sequence:
    items = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        node = _node(event, events, depth + 1)
        if node is not None:
            items.append(node)
    return Sequence(tuple(items), line)


def _mapping(events: Iterator[yaml.Event], depth: int, line: int) -> Mapping:
    items: dict[str, Node] = {}
    lines: dict[str, int] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key_line = _line(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise YamlError("has a key that is not plain text", key_line)
        key = event.value
        if key in lines:
            name = f"the key `{key}`" if _PLAIN_KEY.fullmatch(key) else "a key"
            raise YamlError(f"has {name} twice", key_line)
        lines[key] = key_line
        node = _node(next(events), events, depth + 1)
        if node is not None and key not in _NEVER_READ:
            items[key] = node
    return Mapping(items, lines, line)

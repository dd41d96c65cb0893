"""YAML text -> a tree of what was written, with lines. The one place that knows PyYAML; it knows no field.

PyYAML's C parser delivers events; nothing is constructed from them, because construction is where YAML bites:
its C composer crashes the process on deep nesting, and its constructors raise errors of every kind and let the
last of two equal keys win. So depth, aliases and keys are checked as the events come.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from feeds.content.yamltree import NEVER_READ, NULLS, Mapping, Node, Scalar, Sequence, YamlError

_MAX_DEPTH = 64
_TOO_DEEP = f"is nested deeper than {_MAX_DEPTH} levels"
_TOO_DEEP_FOR_LIBYAML = "exceeded maximum nesting depth"  # newer ones have a limit of their own, and look further ahead than we do
_MAX_DIRECTIVES = 100  # lines such as `%TAG …`, of which the parser compares each with all others; nobody needs one
_PLAIN_KEY = re.compile("[A-Za-z_]{1,30}")
_HINTS = {
    "mapping values are not allowed in this context": "; a value that holds `: ` needs quotes",
    "found character that cannot start any token": "; indent with spaces, and quote a value that starts with @ or `",
    "did not find expected key": "; is a quote or an indentation wrong just above?",
}
_NextEvent = Callable[[], yaml.Event]


def parse_mapping(text: str) -> Mapping:
    """Return the one mapping that the text is; an empty text is an empty mapping.

    Raises:
        YamlError: it is no YAML, no mapping, nested deeper than 64, or has aliases or a key twice.
    """
    if text.count("\n%") > _MAX_DIRECTIVES:
        raise YamlError("is no YAML: too many lines start with %", None)
    try:
        root = _document(cast("_NextEvent", yaml.CSafeLoader(text).get_event))
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


def _document(next_event: _NextEvent) -> Node | None:
    root: Node | None = None
    next_event()  # the start of the stream
    while type(event := next_event()) is not StreamEndEvent:
        if type(event) is DocumentEndEvent:
            continue
        if root is not None:
            raise YamlError("holds a second YAML document", _line(event))
        root = _node(next_event(), next_event, 1) or Mapping({}, {}, 1)
    return root


def _line(event: yaml.Event) -> int:
    line: int = event.start_mark.line  # type: ignore[union-attr] # events of a parser always have their mark
    return line + 1


def _node(event: yaml.Event, next_event: _NextEvent, depth: int) -> Node | None:
    """Return the node that starts with `event`, or None for a null."""
    if type(event) is ScalarEvent:
        is_null = event.value in NULLS and event.style in (None, "")
        return None if is_null else Scalar(event.value, _line(event))
    if type(event) is AliasEvent:
        raise YamlError("uses an alias (`*name`); write the value out", _line(event))
    if depth > _MAX_DEPTH:
        raise YamlError(_TOO_DEEP, _line(event))
    if type(event) is SequenceStartEvent:
        return _sequence(next_event, depth, _line(event))
    return _mapping(next_event, depth, _line(event))


def _sequence(next_event: _NextEvent, depth: int, line: int) -> Sequence:
    items = []
    while type(event := next_event()) is not SequenceEndEvent:
        node = _node(event, next_event, depth + 1)
        if node is not None:
            items.append(node)
    return Sequence(tuple(items), line)


def _mapping(next_event: _NextEvent, depth: int, line: int) -> Mapping:
    items: dict[str, Node] = {}
    lines: dict[str, int] = {}
    while type(event := next_event()) is not MappingEndEvent:
        if type(event) is not ScalarEvent:
            raise YamlError("has a key that is not plain text", _line(event))
        key = event.value
        if key in lines:
            name = f"the key `{key}`" if _PLAIN_KEY.fullmatch(key) else "a key"
            raise YamlError(f"has {name} twice", _line(event))
        lines[key] = _line(event)
        node = _node(next_event(), next_event, depth + 1)
        if node is not None and key not in NEVER_READ:
            items[key] = node
    return Mapping(items, lines, line)

"""Typed reading of the values of a YAML mapping: one method for each kind of value. Knows what a value may look like and how
to say what is wrong with it; knows no field by name, and never quotes a value.

Where a value stands is found out only when there is something to say of it: most files have nothing wrong.

A scalar of another type is taken where nothing is lost (`quality: "52"`, `title: 1984`, `published: "no"`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from feeds import text as plain
from feeds import urls
from feeds.content import plainyaml, values, yamltree
from feeds.content.yamltree import Path, Value
from feeds.model import Level, Problem

MAX_NAME_LENGTH = 200  # characters
MAX_TITLE_LENGTH = 1000
MAX_EXCERPT_LENGTH = 20_000
MAX_ITEMS = 100


_Value = TypeVar("_Value")


class Complaint(NamedTuple):
    """One thing to say about a value; the last step of `path` is the key that it is about."""

    path: Path
    reason: str
    level: Level

    @property
    def field(self) -> str:
        """Return the field as it is written in problems: `title`, `provider.domain`, `images[0].url`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")


class Written(msgspec.Struct, frozen=True, gc=False):
    """A YAML text that is a mapping, and its values (see `yamltree.values`)."""

    text: str
    values: dict[str, Value]
    is_plain: bool  # whether it took no parser to read it

    def lines_of(self, paths: Sequence[Path]) -> list[int]:
        """Return the 1-based lines where values stand (see `yamltree.line_of`)."""
        if self.is_plain and all(len(path) == 1 and path[0] in self.values for path in paths):
            return [plainyaml.line_of(self.text, str(path[0])) for path in paths]
        tree = _parsed(self.text)
        return [yamltree.line_of(tree, path) for path in paths]


def read_mapping(text: str) -> Written:
    """Return what the mapping says that a YAML text is.

    Raises:
        YamlError: see `yamlparser.parse_mapping`.
    """
    found = plainyaml.scan(text)
    return Written(text, yamltree.values(_parsed(text)), False) if found is None else Written(text, found, True)


def _parsed(text: str) -> yamltree.Mapping:
    from feeds.content.yamlparser import parse_mapping  # noqa: PLC0415 - most refreshes read few files, and most files need no parser

    return parse_mapping(text)


def as_problems(complaints: list[Complaint], written: Written, first_line: int) -> tuple[Problem, ...]:
    """Return what is to say of the values of a YAML text that starts at a line of its file, with their lines."""
    if not complaints:
        return ()
    lines = written.lines_of([complaint.path for complaint in complaints])
    return tuple(
        Problem(complaint.reason, line + first_line - 1, complaint.field, complaint.level)
        for complaint, line in zip(complaints, lines, strict=True)
    )


class Fields:
    """The values of one mapping, each read as what it means; what is wrong goes to `complaints`."""

    __slots__ = ("_complaints", "_path", "_values")

    def __init__(self, values: dict[str, Value], complaints: list[Complaint], path: Path = ()) -> None:
        self._values = values
        self._complaints = complaints
        self._path = path

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def is_blank(self, key: str) -> bool:
        """Whether a key is missing or has nothing but white space."""
        value = self._values.get(key)
        return value is None or (isinstance(value, str) and not value.strip())

    def has_only(self, keys: frozenset[str]) -> bool:
        """Whether every key is one of these."""
        return self._values.keys() <= keys

    def written_keys(self) -> Iterable[str]:
        """Return the keys as they are written, in their order, the nulls' too."""
        return self._values

    def complaint(self, key: str, reason: str, level: Level = Level.WARNING) -> Complaint:
        """Return a complaint about the value of a key, or the lack of one, that nobody has made yet."""
        return Complaint((*self._path, key), reason, level)

    def complain(self, key: str, reason: str, level: Level = Level.WARNING) -> None:
        """Say what is wrong with the value of a key, or with the lack of one."""
        self._complaints.append(self.complaint(key, reason, level))

    def scalar(self, key: str, level: Level = Level.WARNING) -> str | None:
        """Return the text of a single value as it was written."""
        value = self._values.get(key)
        if value is None or type(value) is str:
            return value
        self.complain(key, "is a list or a mapping, not a single value", level)
        return None

    def line_of_text(self, key: str, level: Level = Level.WARNING, longest: int = MAX_NAME_LENGTH) -> str | None:
        """Return plain text in one line, None where it is empty."""
        written = self._values.get(key)
        if type(written) is not str:
            return None if written is None else self.scalar(key, level)
        return self._cleaned(key, written, longest, level, plain.one_line)

    def required_line(self, key: str, level: Level, longest: int = MAX_NAME_LENGTH) -> str | None:
        """Return plain text in one line; that there is none is one of the things that can be wrong with it."""
        text = self.line_of_text(key, level, longest)
        if text is None:
            value = self._values.get(key)
            if value is None or (isinstance(value, str) and not plain.one_line(value)):
                self.complain(key, "is missing or empty", level)
        return text

    def paragraphs(self, key: str) -> str | None:
        """Return plain text that may have several lines, None where it is empty."""
        written = self._values.get(key)
        if type(written) is not str:
            return None if written is None else self.scalar(key)
        return self._cleaned(key, written, MAX_EXCERPT_LENGTH, Level.WARNING, plain.plain_text)

    def _cleaned(self, key: str, written: str, longest: int, level: Level, meant: Callable[[str], str]) -> str | None:
        text = meant(written)
        if text is not written and not written.isprintable() and plain.first_control_character(written) is not None:
            self.complain(key, "holds control characters, which were removed")
        if len(text) > longest:
            self.complain(key, f"is longer than {longest} characters", level)
            return None
        return text or None

    def url(self, key: str, level: Level = Level.WARNING) -> str | None:
        """Return an absolute http(s) URL."""
        found = self.url_as_written(key, level)
        return None if found is None else found[1]

    def url_as_written(self, key: str, level: Level = Level.WARNING) -> tuple[str, str] | None:
        """Return an absolute http(s) URL as it was written, but for outer white space, and as it has to be."""
        written = self.scalar(key, level)
        if written is None:
            return None
        written = written.strip()
        url = self._read(key, written, urls.web_url, level) if written else None
        return None if url is None else (written, url)

    def image_url(self, key: str) -> str | None:
        """Return an absolute http(s) URL, or the path `/x` of a picture on the site itself."""
        written = (self.scalar(key) or "").strip()
        return self._read(key, written, values.picture_url, Level.WARNING) if written else None

    def _read(self, key: str, written: str, meant: Callable[[str], _Value], level: Level) -> _Value | None:
        try:
            return meant(written)
        except ValueError as error:
            self.complain(key, str(error), level)
            return None

    def moment(self, key: str, level: Level = Level.WARNING) -> datetime | None:
        """Return a timestamp (see `values.moment`)."""
        written = self.scalar(key, level)
        return None if written is None else self._read(key, written, values.moment, level)

    def flag(self, key: str, level: Level = Level.WARNING) -> bool | None:
        """Return a truth value (see `values.flag`)."""
        written = self.scalar(key, level)
        return None if written is None else self._read(key, written, values.flag, level)

    def whole_number(self, key: str, lowest: int = -(10**9), highest: int = 10**9) -> int | None:
        """Return a whole number in decimal digits within the bounds."""
        written = self.scalar(key)
        if written is None:
            return None
        number = values.whole_number(written)
        if number is None or not lowest <= number <= highest:
            self.complain(
                key, f"is no whole number from {lowest} to {highest}" if lowest >= 0 else "is no whole number of at most nine digits"
            )
            return None
        return number

    def fields(self, key: str, scalar_key: str) -> Fields | None:
        """Return the mapping under a key; a single value stands for a mapping with just `scalar_key`."""
        value = self._values.get(key)
        return None if value is None else self._nested(value, (key,), scalar_key)

    def list_of_fields(self, key: str, scalar_key: str) -> tuple[Fields, ...]:
        """Return the mappings of a list; one mapping or value alone is a list of one (see `fields`)."""
        if self._values.get(key) is None:
            return ()
        nested = [self._nested(value, (key, place), scalar_key) for place, value in enumerate(self._list(key))]
        return tuple([item for item in nested if item is not None])

    def _nested(self, value: Value, place: Path, scalar_key: str) -> Fields | None:
        if type(value) is dict:
            return Fields(value, self._complaints, self._path + place)
        if isinstance(value, str):
            return Fields({scalar_key: value}, self._complaints, self._path + place)
        self.complain(str(place[0]), "has a list where a mapping belongs")
        return None

    def names(self, key: str) -> tuple[str, ...]:
        """Return the names of a list, or the one name, each in one line."""
        names = []
        for value in self._list(key):
            if isinstance(value, str):
                name = self._cleaned(key, value, MAX_NAME_LENGTH, Level.WARNING, plain.one_line)
                names += [name] if name else []
            else:
                self.complain(key, "has something else than a name in it")
        return tuple(names)

    def _list(self, key: str) -> list[Value]:
        value = self._values.get(key)
        if value is None:
            return []
        values: list[Value] = value if isinstance(value, list) else [value]
        if len(values) > MAX_ITEMS:
            self.complain(key, f"has more than {MAX_ITEMS} values; the rest is ignored")
        return values[:MAX_ITEMS]

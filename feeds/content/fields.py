"""Typed reading of a YAML mapping: one method for each kind of value. Knows what a value may look like and how to
say what is wrong with it; knows no field by name, and never quotes a value.

A scalar of another type is taken where nothing is lost (`quality: "52"`, `title: 1984`, `published: "no"`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from feeds import text as plain
from feeds import urls
from feeds.content.yamltree import Mapping, Node, Scalar, Sequence
from feeds.model import Level, Problem

MAX_NAME_LENGTH = 200  # characters
MAX_TITLE_LENGTH = 1000
MAX_EXCERPT_LENGTH = 20_000
_MAX_ITEMS = 100
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}  # https://yaml.org/type/bool.html
_WHOLE_NUMBER = re.compile(r"([+-]?(?:0|[1-9][0-9]{0,8}))(?:\.0+)?")
# RFC 3339 section 5.6, with what YAML timestamps (https://yaml.org/type/timestamp.html) allow beyond it: a date
# alone, white space before the zone, one-digit hours and offsets, no zone; and no seconds.
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d)(?::(\d\d)(?:\.\d*)?)?[ \t]*(?:([Zz])|([+-])(\d\d?)(?::?(\d\d))?)?)?"
)


def flag(text: str) -> bool:
    """Return the truth value that a YAML 1.1 boolean stands for.

    Raises:
        ValueError: it is none.
    """
    try:
        return _FLAGS[text.strip().lower()]
    except KeyError:
        raise ValueError("is neither true nor false") from None


def moment(text: str) -> datetime:
    """Return a timestamp in UTC and whole seconds; without a zone it is UTC, without a time midnight.

    A leap second is the second before it.

    Raises:
        ValueError: it is no timestamp.
    """
    found = _TIMESTAMP.fullmatch(text.strip())
    if found is None:
        raise ValueError("is no RFC 3339 timestamp such as 2020-12-03T01:04:00Z")
    year, month, day, hour, minute, second, _, sign, offset_hours, offset_minutes = found.groups(default="0")
    try:
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
        zone = timezone(-offset if sign == "-" else offset)
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), 59 if second == "60" else int(second), tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is no date and time that exists") from error


class Fields:
    """The values of one mapping, each read as what it means; what is wrong goes to `problems`.

    Names in problems are as in the file: `title`, `provider.domain`, `images[0].url`.
    """

    def __init__(self, mapping: Mapping, first_line: int, problems: list[Problem], prefix: str = "") -> None:
        self._mapping = mapping
        self._first_line = first_line
        self._problems = problems
        self._prefix = prefix

    def __contains__(self, key: str) -> bool:
        return key in self._mapping.items

    def is_blank(self, key: str) -> bool:
        """Whether a key is missing or has nothing but white space."""
        node = self._mapping.items.get(key)
        return node is None or (isinstance(node, Scalar) and not node.text.strip())

    def line(self, key: str) -> int | None:
        """Return the line of a key in the file."""
        line = self._mapping.lines.get(key)
        return None if line is None else line + self._first_line - 1

    def written_keys(self) -> tuple[str, ...]:
        """Return the keys as they are written, in their order, the nulls' too."""
        return tuple(self._mapping.lines)

    def complain(self, key: str, reason: str, level: Level = Level.WARNING) -> None:
        """Add a problem with the value of a key, or with the lack of one."""
        line = self.line(key) or self._mapping.line + self._first_line - 1
        self._problems.append(Problem(reason, line, self._prefix + key, level))

    def scalar(self, key: str, level: Level = Level.WARNING) -> str | None:
        """Return the text of a single value as it was written."""
        node = self._mapping.items.get(key)
        if node is None:
            return None
        if isinstance(node, Scalar):
            return node.text
        self.complain(key, "is a list or a mapping, not a single value", level)
        return None

    def line_of_text(self, key: str, level: Level = Level.WARNING, longest: int = MAX_NAME_LENGTH) -> str | None:
        """Return plain text in one line, None where it is empty."""
        return self._text(key, self.scalar(key, level), longest, level, one_line=True)

    def required_line(self, key: str, level: Level, longest: int = MAX_NAME_LENGTH) -> str | None:
        """Return plain text in one line; that there is none is one of the things that can be wrong with it."""
        written = self.scalar(key, level)
        if key not in self or (written is not None and not plain.one_line(written)):
            self.complain(key, "is missing or empty", level)
        return self._text(key, written, longest, level, one_line=True)

    def paragraphs(self, key: str, longest: int = MAX_EXCERPT_LENGTH) -> str | None:
        """Return plain text that may have several lines, None where it is empty."""
        return self._text(key, self.scalar(key), longest, Level.WARNING, one_line=False)

    def _text(self, key: str, written: str | None, longest: int, level: Level, *, one_line: bool) -> str | None:
        if written is None:
            return None
        if plain.first_control_character(written) is not None:
            self.complain(key, "holds control characters, which were removed")
        text = plain.one_line(written) if one_line else plain.plain_text(written)
        if len(text) > longest:
            self.complain(key, f"is longer than {longest} characters", level)
            return None
        return text or None

    def url(self, key: str, level: Level = Level.WARNING) -> str | None:
        """Return an absolute http(s) URL."""
        written = self.written_url(key, level)
        return None if written is None else urls.web_url(written)

    def written_url(self, key: str, level: Level = Level.WARNING) -> str | None:
        """Return the text of an absolute http(s) URL as it was written, but for outer white space."""
        written = (self.scalar(key, level) or "").strip()
        return self._checked(key, written, level)

    def image_url(self, key: str) -> str | None:
        """Return an absolute http(s) URL, or the path `/x` of a picture on the site itself."""
        written = (self.scalar(key) or "").strip()
        if not written.startswith("/"):
            return self._checked(key, written, Level.WARNING) and urls.web_url(written)
        if written.startswith("//"):
            return self._checked(key, f"https:{written}", Level.WARNING) and urls.web_url(f"https:{written}")
        return self._checked(key, f"http://site{written}", Level.WARNING) and urls.web_url(f"http://site{written}").removeprefix(
            "http://site"
        )

    def _checked(self, key: str, url: str, level: Level) -> str | None:
        if not url:
            return None
        try:
            urls.web_url(url)
        except ValueError as error:
            self.complain(key, str(error), level)
            return None
        return url

    def moment(self, key: str, level: Level = Level.WARNING) -> datetime | None:
        """Return a timestamp (see `moment`)."""
        written = self.scalar(key, level)
        try:
            return None if written is None else moment(written)
        except ValueError as error:
            self.complain(key, str(error), level)
            return None

    def flag(self, key: str, level: Level = Level.WARNING) -> bool | None:
        """Return a truth value (see `flag`)."""
        written = self.scalar(key, level)
        try:
            return None if written is None else flag(written)
        except ValueError as error:
            self.complain(key, str(error), level)
            return None

    def whole_number(self, key: str, lowest: int = -(10**9), highest: int = 10**9) -> int | None:
        """Return a whole number in decimal digits within the bounds."""
        written = self.scalar(key)
        if written is None:
            return None
        found = _WHOLE_NUMBER.fullmatch(written.strip())
        if found is None or not lowest <= int(found[1]) <= highest:
            self.complain(
                key, f"is no whole number from {lowest} to {highest}" if lowest >= 0 else "is no whole number of at most nine digits"
            )
            return None
        return int(found[1])

    def fields(self, key: str, scalar_key: str) -> Fields | None:
        """Return the mapping under a key; a single value stands for a mapping with just `scalar_key`."""
        node = self._mapping.items.get(key)
        if node is None:
            return None
        return self._nested(node, key, key, scalar_key)

    def list_of_fields(self, key: str, scalar_key: str) -> tuple[Fields, ...]:
        """Return the mappings of a list; one mapping or value alone is a list of one (see `fields`)."""
        nested = (self._nested(node, key, f"{key}[{place}]", scalar_key) for place, node in enumerate(self._nodes(key)))
        return tuple(item for item in nested if item is not None)

    def _nested(self, node: Node, key: str, name: str, scalar_key: str) -> Fields | None:
        if isinstance(node, Scalar):
            node = Mapping({scalar_key: node}, {scalar_key: node.line}, node.line)
        if isinstance(node, Mapping):
            return Fields(node, self._first_line, self._problems, f"{self._prefix}{name}.")
        self.complain(key, "has a list where a mapping belongs")
        return None

    def names(self, key: str) -> tuple[str, ...]:
        """Return the names of a list, or the one name, each in one line."""
        names = []
        for node in self._nodes(key):
            if isinstance(node, Scalar):
                name = self._text(key, node.text, MAX_NAME_LENGTH, Level.WARNING, one_line=True)
                names += [name] if name else []
            else:
                self.complain(key, "has something else than a name in it")
        return tuple(names)

    def _nodes(self, key: str) -> tuple[Node, ...]:
        node = self._mapping.items.get(key)
        if node is None:
            return ()
        nodes = node.items if isinstance(node, Sequence) else (node,)
        if len(nodes) > _MAX_ITEMS:
            self.complain(key, f"has more than {_MAX_ITEMS} values; the rest is ignored")
        return nodes[:_MAX_ITEMS]

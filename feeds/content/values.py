"""What the text of a single value means: truth, moments, numbers, lengths, languages. Knows no field and no YAML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from feeds import urls
from feeds.identity import fold

_ANY_SITE = "http://site"  # what the path of a picture is checked with
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}  # https://yaml.org/type/bool.html
_WHOLE_NUMBER = re.compile(r"([+-]?(?:0|[1-9][0-9]{0,8}))(?:\.0+)?")
_USUAL_DIGITS = 9
# RFC 3339 section 5.6, with what YAML timestamps (https://yaml.org/type/timestamp.html) allow beyond it: a date
# alone, white space before the zone, one-digit hours and offsets, no zone; and no seconds.
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d)(?::(\d\d)(?:\.\d*)?)?[ \t]*(?:[Zz]|([+-])(\d\d?)(?::?(\d\d))?)?)?"
)
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")  # the shape of BCP 47 tags


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
    # Nearly all look like 2020-12-03T01:04:00Z, which Python reads alone; only newer ones take 24:00 for the next midnight.
    if len(text) == 20 and text[4::3] == "--T::Z" and text[11:13] != "24":
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # a leap second, or what is wrong with it is said below
    found = _TIMESTAMP.fullmatch(text.strip())
    if found is None:
        raise ValueError("is no RFC 3339 timestamp such as 2020-12-03T01:04:00Z")
    year, month, day, hour, minute, second, sign, offset_hours, offset_minutes = found.groups(default="")
    try:
        written = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), 59 if second == "60" else int(second or 0), tzinfo=UTC
        )
        if not sign:
            return written
        zone = timezone((-1 if sign == "-" else 1) * timedelta(hours=int(offset_hours), minutes=int(offset_minutes or 0)))
        return written.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is no date and time that exists") from error


def whole_number(text: str) -> int | None:
    """Return a whole number of at most nine decimal digits, None where it is none."""
    return _usual_number(text) if len(text) <= _USUAL_DIGITS else _number(text)


def _number(text: str) -> int | None:
    found = _WHOLE_NUMBER.fullmatch(text.strip())
    return None if found is None else int(found[1])


_usual_number = lru_cache(maxsize=4096)(_number)  # widths, heights and qualities repeat


def picture_url(text: str) -> str:
    """Return an absolute http(s) URL, or the path `/x` of a picture on the site itself.

    Raises:
        ValueError: it is neither (see `urls.web_url`).
    """
    if text[:1] != "/":
        return urls.web_url(text)
    if text[1:2] == "/":
        return urls.web_url(f"https:{text}")
    return urls.web_url(f"{_ANY_SITE}{text}").removeprefix(_ANY_SITE)


def duration_seconds(text: str) -> int:
    """Return the seconds of an ISO 8601 duration of days, hours, minutes and seconds.

    Raises:
        ValueError: it is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError("is no ISO 8601 duration such as PT9M3S")
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def language(text: str) -> str:
    """Return a language tag, with hyphens.

    Raises:
        ValueError: it has not the shape of one.
    """
    tag = text.replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        raise ValueError("is no language tag such as en-US")
    return tag


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, of several spellings of one the first."""
    if len(names) < 2:
        return tuple(names)
    spellings: dict[str, str] = {}
    for name in names:
        spellings.setdefault(fold(name), name)
    return tuple(spellings.values())

"""Plain text: what XML and people can read. Knows Unicode and HTML entities; knows no field and no format."""

import html
import re
from collections.abc import Callable

# XML 1.0 section 2.2, https://www.w3.org/TR/xml/#charsets, forbids the C0 controls but tab, line feed and
# carriage return, the surrogates, U+FFFE and U+FFFF. DEL and the C1 controls are legal but no text either.
_FORBIDDEN_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL = re.compile(_FORBIDDEN_IN_XML.pattern[:-1] + "\x7f-\x9f]")
_CLEAN_ASCII = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
_ENTITY_ROUNDS = 2  # real data holds `&amp;quot;`; more rounds would decode what an author wrote on purpose


def _is_clean(text: str) -> bool:
    """Whether there is certainly nothing to remove; this takes a tenth of the time of a search."""
    return not text.encode("ascii").translate(None, _CLEAN_ASCII) if text.isascii() else text.replace("\n", "").isprintable()


def first_control_character(text: str) -> int | None:
    """Return where the first character stands that `without_control_characters` would remove."""
    found = None if _is_clean(text) else _CONTROL.search(text)
    return found and found.start()


def without_control_characters(text: str) -> str:
    """Remove what XML 1.0 forbids, and the other control characters; keep tab and line ends."""
    return text if _is_clean(text) else _CONTROL.sub("", text)


def xml_text(text: str) -> str:
    """Remove what no XML 1.0 document can hold, and nothing else."""
    return text if _is_clean(text) else _FORBIDDEN_IN_XML.sub("", text)


def plain_text(text: str) -> str:
    """Return the text a person means: entities decoded, control characters removed, outer white space cut.

    Entities are decoded until nothing changes, at most twice.
    """
    if "&" in text:
        for _ in range(_ENTITY_ROUNDS):
            text = html.unescape(text)
    return (text if text.isprintable() else without_control_characters(text)).strip()


def one_line(text: str) -> str:
    """Return `plain_text` with every run of white space as one space: for titles and names."""
    if "&" in text or not text.isprintable():
        text = plain_text(text)
    elif "  " not in text:
        return text.strip()  # the only white space that is printable is the space
    return " ".join(text.split())


def escape_controls(text: str) -> str:
    r"""Return text that is safe on a terminal and in a log: controls as `\x1b`, lone surrogates as `\udc80`."""
    escape: Callable[[re.Match[str]], str] = lambda match: ascii(match[0])[1:-1]  # noqa: E731 - used in this line only
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", escape, text)

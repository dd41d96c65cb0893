"""Bytes -> front matter and body. Knows where front matter starts and ends; knows no YAML and no field."""

import re

import msgspec

from feeds import text as plain

MAX_BYTES = 1024 * 1024
# As Jekyll has it: the line may end in white space, the closing line may be dots.
_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?---[ \t]*\r?\n")
_CLOSING = re.compile(r"\n(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
# The bytes that no character has which must be removed: beyond ASCII those are all below U+00A0, or U+FFFE and U+FFFF.
_NO_CONTROL = bytes([*b"\t\n\r", *range(0x20, 0x7F), *(code for code in range(0x80, 0x100) if code not in (0xC2, 0xEF))])
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class FrontMatter(msgspec.Struct, frozen=True, gc=False):
    """An article file in its two parts; line 1 of `yaml` is line 2 of the file."""

    yaml: str
    body: str
    control_character_line: int | None  # in the file: where one had to be removed from the YAML


class FrontMatterError(Exception):
    """The file starts like an article and is none; `line` is 1-based. `readable` is what can be read of it."""

    def __init__(self, reason: str, line: int | None, readable: str) -> None:
        self.reason = reason
        self.line = line
        self.readable = readable
        super().__init__(reason)


def split(data: bytes) -> FrontMatter | None:
    """Return the parts of an article file, or None where there is no front matter at all.

    Raises:
        FrontMatterError: too large, not UTF-8, or without an end of the front matter.
    """
    if data[:2] in _OTHER_ENCODINGS and data[2:].replace(b"\0", b"").startswith(b"---"):
        raise FrontMatterError(f"is {_OTHER_ENCODINGS[data[:2]]}; save it as UTF-8", 1, data.decode("utf-16", "replace"))
    opening = _OPENING.match(data)
    if opening is None:
        return None
    if len(data) > MAX_BYTES:
        raise FrontMatterError("is larger than 1 MiB", None, data[:MAX_BYTES].decode("utf-8", "replace"))
    try:
        text = data[opening.end() - 1 :].decode("utf-8")  # from the end of the opening line on
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, opening.end() + error.start) + 1
        raise FrontMatterError("is not UTF-8", line, data.decode("utf-8", "replace")) from error
    closing = _CLOSING.search(text)
    if closing is None:
        raise FrontMatterError("has no `---` line that ends the front matter", None, text[1:])
    yaml = text[1 : closing.start() + 1]
    # Most files have no byte of any control character, which is found out in a tenth of the time of looking for one.
    controls = plain.first_control_character(yaml) if data.translate(None, _NO_CONTROL) else None
    return FrontMatter(
        yaml=yaml if controls is None else plain.without_control_characters(yaml),
        body=text[closing.end() :].strip(),
        control_character_line=None if controls is None else yaml.count("\n", 0, controls) + 2,
    )

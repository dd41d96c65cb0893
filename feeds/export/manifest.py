"""What an export wrote, beside what it wrote: the file `.feeds-manifest.json`. Knows its form; writes nothing.

It says which files are ours, what each was made of, and when each shown article was first shown, by a hash of its id; of
articles that are not shown it holds nothing. Nothing in it depends on the machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

MANIFEST = ".feeds-manifest.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """A file: its size in bytes, the digest of its bytes, and a name for all that they were made of."""

    size: int
    digest: str
    inputs: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export wrote. A file without a record is ours, and may be of this export or of the one before.

    `context` stands for what all files depend on; with another one, no `inputs` count. `twins` are the endings of the
    compressed forms beside each file.
    """

    context: str = ""
    files: Mapping[str, Record | None] = field(default_factory=dict)
    listed: Mapping[str, datetime] = field(default_factory=dict)
    twins: tuple[str, ...] = ()

    def every_path(self) -> set[str]:
        """Return the path of everything that is ours, compressed forms included."""
        return {*self.files, *(path + twin for path in self.files for twin in self.twins)}


class _Written(msgspec.Struct, kw_only=True):
    version: int
    context: str
    twins: tuple[str, ...]
    files: dict[str, tuple[int, str, str] | None]
    listed: dict[str, int]


_decoder = msgspec.json.Decoder(_Written)


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest: the same for the same export."""
    written = _Written(
        version=_VERSION,
        context=manifest.context,
        twins=manifest.twins,
        files={
            path: None if record is None else (record.size, record.digest, record.inputs) for path, record in sorted(manifest.files.items())
        },
        listed={key: int(at.timestamp()) for key, at in sorted(manifest.listed.items())},
    )
    return msgspec.json.encode(written) + b"\n"


def decode(body: bytes) -> Manifest | None:
    """Return the manifest of its bytes; None where they are damaged, or were never written by an export."""
    try:
        written = _decoder.decode(body)
        files = {path: None if facts is None else Record(*facts) for path, facts in written.files.items()}
        listed = {key: datetime.fromtimestamp(at, UTC) for key, at in written.listed.items()}
    except (msgspec.DecodeError, ValueError, OverflowError, OSError):
        return None
    if written.version != _VERSION or not all(map(_is_ours, (*files, *(twin.removeprefix(".") for twin in written.twins)))):
        return None
    return Manifest(written.context, files, listed, written.twins)


def _is_ours(path: str) -> bool:
    """Whether we may ever have written a path: below the folder, and nothing hidden."""
    return "\0" not in path and all(name and not name.startswith(".") for name in path.split("/"))


def digest(body: bytes) -> str:
    """Return what names these bytes."""
    return hashlib.sha256(body).hexdigest()[:32]

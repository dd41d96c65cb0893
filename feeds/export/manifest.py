"""What an export wrote, beside what it wrote: the file `.feeds-manifest.json`. Knows its form; writes nothing.

It says which files are ours, what each was made of, and when each shown article was first shown, by a hash of its id; of
articles that are not shown it holds nothing. Nothing in it depends on the machine.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

MANIFEST = ".feeds-manifest.json"
_VERSION = 1
_MOMENTS = range(-62_135_596_800, 253_402_300_800)  # the years that a time can have
_NOT_OURS = re.compile(r"(?:^|/)(?:\.|/|$)|\0")  # outside the folder, hidden, or no file


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):  # structs, because they are read and written at each export
    """A file: its size in bytes, the digest of its bytes, and a name for all that they were made of.

    `twins` are size and digest of its compressed forms, by their endings.
    """

    size: int
    digest: str
    inputs: str
    twins: dict[str, tuple[int, str]] = {}

    def digest_of(self, twin: str) -> str | None:
        """Return the digest of a compressed form, or of the file itself (`""`); None where an earlier version kept none."""
        return self.digest if not twin else self.twins.get(twin, (0, None))[1]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an export wrote. A file without a record is ours, and may be of this export or of the one before.

    `context` stands for what all files depend on; with another one, no `inputs` count. `twins` are the endings of the
    compressed forms beside each file. `listed` is in seconds since 1970.
    """

    version: int = _VERSION
    context: str = ""
    twins: tuple[str, ...] = ()
    files: dict[str, Record | None] = {}
    listed: dict[str, int] = {}

    def every_path(self) -> set[str]:
        """Return the path of everything that is ours, compressed forms included."""
        return {*self.files, *(path + twin for path in self.files for twin in self.twins)}


_decoder = msgspec.json.Decoder(Manifest)


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest: the same for the same export."""
    return msgspec.json.encode(manifest, order="deterministic") + b"\n"


def decode(body: bytes) -> Manifest | None:
    """Return the manifest of its bytes; None where they are damaged, or were never written by an export."""
    try:
        manifest = _decoder.decode(body)
    except msgspec.DecodeError:
        return None
    paths = (*manifest.files, *(twin.removeprefix(".") for twin in manifest.twins))
    is_ours = manifest.version == _VERSION and all(map(_is_ours, paths))
    return manifest if is_ours and all(at in _MOMENTS for at in manifest.listed.values()) else None


def _is_ours(path: str) -> bool:
    """Whether we may ever have written a path: below the folder, and nothing hidden."""
    return _NOT_OURS.search(path) is None


def digest(body: bytes) -> str:
    """Return what names these bytes."""
    return hashlib.sha256(body).hexdigest()[:32]

"""Who is who: the ids of articles and feeds, the folding of names, and slugs. Pure rules; no state, no I/O.

An id never changes once it was served: readers recognise an article by nothing else.
"""

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Iterable
from urllib.parse import urlsplit

from anyascii import anyascii

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_SLUG_BYTES = 80
_SPOKEN = {"+": "-plus-", "#": "-sharp-"}


def article_id(url: str) -> str:
    """Return the identity of the article at `url`: a name-based UUID (RFC 9562 section 5.5) as a URN.

    The name leaves out what changes when a site moves from http to https: `//host[:port]/path[?query]`, with the
    host in lower case, no default port, no trailing slash, no user and no fragment.
    """
    parts = urlsplit(url.strip())
    host = parts.netloc.rpartition("@")[2].lower()
    if parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme):
        host = re.sub(r":\d*$", "", host)
    query = f"?{parts.query}" if parts.query else ""
    return _urn(f"//{host}{parts.path.removesuffix('/')}{query}")


def feed_id(site_id: str, path: str) -> str:
    """Return the identity of a feed of the site: `path` is its URL path without suffix, with its canonical query."""
    return _urn(site_id + path)


def _urn(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn


def identity_key(identity: str) -> str:
    """Return 32 hex digits that stand for an identity where the identity itself must not be kept."""
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def fold(name: str) -> str:
    """Return what makes two spellings the same name: NFKC, case folded, white space to single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def slug(name: str) -> str:
    """Return the URL segment for a name: lower-case ASCII letters, digits and hyphens, 1 to 80 bytes."""
    letters = "".join(map(_spell, unicodedata.normalize("NFKC", name)))
    text = re.sub("[^a-z0-9]+", "-", letters.lower()).strip("-")
    return text[:_MAX_SLUG_BYTES].strip("-") or _digest(name)


def _spell(character: str) -> str:
    if character in _SPOKEN:
        return _SPOKEN[character]
    if character.isascii():
        return character
    ascii_text = anyascii(character)
    # Scripts without spaces come as capitalised syllables: "人工" is "RenGong", to be read as "ren-gong".
    return f"-{ascii_text}" if ascii_text[:1].isupper() and not character.isupper() else ascii_text


def _digest(name: str) -> str:
    return hashlib.sha256(fold(name).encode()).hexdigest()[:6]


def distinct_slugs(wanted: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return folded name -> slug for (folded name, wanted slug) pairs, the strongest claim first.

    Who comes too late gets `-` and six hex digits of the SHA-256 of the folded name behind its slug.
    """
    owners: dict[str, str] = {}
    for name, slug_wanted in wanted:
        given, suffix = slug_wanted, f"-{_digest(name)}"
        while given in owners:
            given = slug_wanted[: _MAX_SLUG_BYTES - len(suffix)].strip("-") + suffix
            suffix += _digest(given)[0]
        owners[given] = name
    return {name: given for given, name in owners.items()}

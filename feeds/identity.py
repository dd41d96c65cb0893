"""Who is who: the ids of articles and feeds, the folding of names, and slugs. Pure rules; no state, no I/O.

An id never changes once it was served: readers recognise an article by nothing else.
"""

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Iterable
from functools import lru_cache

from anyascii import anyascii

# RFC 3986 appendix B, but for the fragment; it takes a tenth of the time of `urlsplit`, which checks what was checked before.
_URL_PARTS = re.compile(r"((?:[^:/?#]+:)?(?://[^/?#]*)?)([^?#]*)(\?[^#]*)?", re.DOTALL)
_ORIGIN = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?(.*)", re.DOTALL)
_PORT = re.compile(":([0-9]*)$")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL_NAMESPACE = uuid.NAMESPACE_URL.bytes
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_MAX_SLUG_BYTES = 80
_SPOKEN = {"+": "-plus-", "#": "-sharp-"}


def article_id(url: str) -> str:
    """Return the identity of the article at `url`: a name-based UUID (RFC 9562 section 5.5) as a URN.

    The name leaves out what changes when a site moves from http to https: `//host[:port]/path[?query]`, with the
    host in lower case, no default port, no trailing slash, no user and no fragment.
    """
    url = url.strip()
    start = url.find("/", len("https://"))
    host = _host(url[:start]) if start > 0 else None
    if host is None or "#" in url:
        origin, path, query = _URL_PARTS.match(url).groups(default="")  # type: ignore[union-attr] # it matches any text
        host = _host(origin) or ""
    else:
        path, mark, query = url[start:].partition("?")
        query = mark + query
    return _urn(f"{host}{path.removesuffix('/')}{query if query != '?' else ''}")


@lru_cache(maxsize=4096)  # the same few thousand stand in all files of a site
def _host(origin: str) -> str | None:
    """Return the `//host[:port]` of the start of a URL, None where more than that is in it."""
    scheme, authority, more = _ORIGIN.match(origin).groups(default="")  # type: ignore[union-attr] # it matches any text
    host = authority.rpartition("@")[2].lower()
    if ":" in host:
        host = _without_default_port(host, scheme.lower())
    return None if more else f"//{host}"


def _without_default_port(host: str, scheme: str) -> str:
    written = _PORT.search(host)
    if written is None or (written[1] and int(written[1]) != _DEFAULT_PORTS.get(scheme)):
        return host
    return host[: written.start()]


def feed_id(site_id: str, path: str) -> str:
    """Return the identity of a feed of the site: `path` is its URL path without suffix, with its canonical query."""
    return _urn(site_id + path)


def _urn(name: str) -> str:
    """Return what `uuid.uuid5(uuid.NAMESPACE_URL, name).urn` is, in a third of the time: every article and related story has one."""
    digits = hashlib.sha1(_URL_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:32]}"


def identity_key(identity: str) -> str:
    """Return 32 hex digits that stand for an identity where the identity itself must not be kept."""
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


@lru_cache(maxsize=4096)
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

"""Web addresses: which are accepted, and how they are written. Knows RFC 3986; makes no request, knows no field."""

import re
import string
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

_MAX_LENGTH = 4096
# Most URLs are right as they are: a host in lower case, no user, no port, nothing to encode.
_RIGHT = re.compile(
    r"https?://[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
    r"(?:/[A-Za-z0-9!$&'()*+,/:;=@._~-]*)?(?:\?[A-Za-z0-9!$&'()*+,/:;=?@._~-]*)?(?:#[A-Za-z0-9!$&'()*+,/:;=?@._~-]*)?"
)
_RIGHT_ORIGIN = re.compile(_RIGHT.pattern.partition("(?:/")[0])
_RIGHT_PATH = string.ascii_letters.encode() + string.digits.encode() + b"!$&'()*+,/:;=?@._~-"
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# RFC 3986 section 2: unreserved, reserved and "%"; square brackets belong to hosts only.
_KEEP = "!#$&'()*+,/:;=?@~%-._"
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_PORT = re.compile(":[0-9]*$")
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?")
_DOTS = re.compile("[.。．｡]")  # RFC 3490 section 3.1
# The codec of Python speaks IDNA 2003, which writes these two as other letters; browsers don't any more:
# https://www.unicode.org/reports/tr46/#Deviations
_DEVIATIONS = re.compile("[ßẞς]")
# Where a site is files, `providers/index.html` is one of them, and can't be the folder of a provider.
_NAME_OF_A_PAGE = re.compile(r"index\.html(?:\.[a-z]+)?")
_IPV6_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>\\^`{|}]+")


def web_url(text: str) -> str:
    """Return `text` as an absolute http or https URI that every reader takes.

    Characters a URI can't hold (RFC 3986 section 2) are percent-encoded, a host of other letters becomes
    its ASCII form; what is right already is returned as it is.

    Raises:
        ValueError: it is not an absolute http or https URL; the message says why and never quotes it.
    """
    text = text.strip()
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"is longer than {_MAX_LENGTH} characters")
    end = text.find("/", len("https://"))
    if end > 0 and text.isascii() and not text[end:].encode().translate(None, _RIGHT_PATH) and _is_right_origin(text[:end]):
        return text  # what `_RIGHT` matches too, found out in a third of the time
    if _RIGHT.fullmatch(text):
        return text
    if _UNSAFE.search(text):
        raise ValueError("holds control characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError("is not a valid URL") from error
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("is not an absolute http or https URL")
    user, at, address = parts.netloc.rpartition("@")
    host = _ascii_host(_PORT.sub("", address))
    netloc = quote(user, safe=_KEEP) + at + host + ("" if port is None else f":{port}")
    rest = text.split("://", 1)[1][len(parts.netloc) :]
    path, mark, fragment = _STRAY_PERCENT.sub("%25", rest).partition("#")
    return f"{parts.scheme}://{netloc}{quote(path, safe=_KEEP)}{mark}{quote(fragment.replace('#', '%23'), safe=_KEEP)}"


@lru_cache(maxsize=4096)
def _is_right_origin(text: str) -> bool:
    return _RIGHT_ORIGIN.fullmatch(text) is not None


def _ascii_host(host: str) -> str:
    if not host:
        raise ValueError("has no host")
    if _IPV6_HOST.fullmatch(host):
        return host.lower()
    try:
        ascii_host = ".".join(map(_ascii_label, _DOTS.split(host)))
    except UnicodeError as error:
        raise ValueError("has a host that is no domain name") from error
    if not _HOST.fullmatch(ascii_host):
        raise ValueError("has a host that is no domain name")
    return ascii_host


def _ascii_label(label: str) -> str:
    if _DEVIATIONS.search(label):
        return f"xn--{unicodedata.normalize('NFKC', label).lower().encode('punycode').decode('ascii')}"
    return label.lower() if label.isascii() else label.encode("idna").decode("ascii").lower()


def is_absolute_iri(text: str) -> bool:
    """Whether `text` is an absolute IRI (RFC 3987 section 2.2) of a reasonable length, as an Atom id must be."""
    return len(text) <= _MAX_LENGTH and _IRI.fullmatch(text) is not None and not _UNSAFE.search(text)


@lru_cache(maxsize=4096)  # the same few hundred stand in all files of a site
def domain(text: str) -> str:
    """Return a provider's domain as one is known by: lower case, ASCII, without `www.`.

    Raises:
        ValueError: it is no domain name.
    """
    known_as = _ascii_host(text.strip().lower().rstrip(".")).removeprefix("www.")
    if _NAME_OF_A_PAGE.fullmatch(known_as):
        raise ValueError("is the name of a page, and no domain name")
    return known_as

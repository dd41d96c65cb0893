"""Who asks, and for which site. Knows the Host rules of RFC 9110 section 7.2 and whom to believe what; knows no route.

What a proxy says with `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` counts where the peer is one of `trusted_proxies`.
werkzeug's ProxyFix does not fit: it believes whoever connects, as many hops as it is told. Nobody is believed to be local
whose request came through a proxy: a loopback name or address is then the proxy's, or made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import quote

from flask import Request

from feeds.config import LOOPBACK_HOSTS, Config
from feeds.errors import FeedsError
from feeds.feed import Site
from feeds.settings import Networks

_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_MAX_PORT = 65_535
# Of whole segments, none of them empty or of dots alone: what comes behind would be another host or another path.
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*")
_HOP = re.compile(r"\[([^\]]*)\](?::\d+)?|([0-9.]+):\d+")  # with a port, as some proxies have it
_LONGEST_ADDRESS = 80  # characters, with a zone, a port and spaces

WSGIEnvironment = Mapping[str, Any]
Spelling = tuple[str, ...]
Spell = Callable[[WSGIEnvironment], Spelling]


class UntrustedHostError(FeedsError):
    """The request names a host that we don't answer for."""

    def __init__(self) -> None:
        super().__init__("this host is not trusted: set base_url (FEEDS_BASE_URL) to where the feeds are, or add the host to trusted_hosts")


class ForwardingError(FeedsError):
    """A trusted proxy says what can't be."""

    def __init__(self, header: str, reason: str) -> None:
        super().__init__(f"{header}: {reason}")


def site_of(request: Request, config: Config) -> Site:
    """Return the site that a request is for.

    Raises:
        UntrustedHostError: no base_url is set, and the request's host is not a trusted one.
        ForwardingError: the host is, but the rest of what a trusted proxy says makes no URL.
    """
    if config.base_url is not None:
        return config.site(config.base_url)
    environ = request.environ
    scheme, host, prefix = environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""), ""
    if _is_from_trusted_proxy(environ, config):
        scheme = _said(environ, "PROTO") or scheme
        host = _said(environ, "HOST") or host
        prefix = _said(environ, "PREFIX").rstrip("/")
    found = _HOST.fullmatch(host.lower())
    if found is None or found[1] not in config.trusted_hosts or (found[1] in LOOPBACK_HOSTS and _is_forwarded(environ)):
        raise UntrustedHostError
    if int(found[2] or 0) > _MAX_PORT:
        raise UntrustedHostError  # it would be in every link, and no reader takes such a URL
    if scheme not in ("http", "https"):
        raise ForwardingError("X-Forwarded-Proto", "is neither http nor https")
    if not _PREFIX.fullmatch(prefix):
        raise ForwardingError("X-Forwarded-Prefix", "is no path")
    mounted_at = quote(environ.get("SCRIPT_NAME", ""), encoding="latin-1").rstrip("/")
    return config.site(f"{scheme}://{found[0]}{prefix}{mounted_at}")


def speller(config: Config) -> Spell:
    """Return what says all of a GET request that decides which answer it gets, and nothing else."""

    def asked(environ: WSGIEnvironment) -> Spelling:
        return environ["PATH_INFO"], environ.get("QUERY_STRING", ""), environ.get("SCRIPT_NAME", "")

    def asked_where(environ: WSGIEnvironment) -> Spelling:
        spelling = (*asked(environ), environ.get("HTTP_HOST", ""), environ["wsgi.url_scheme"])
        if not _is_forwarded(environ):
            return spelling
        if _is_from_trusted_proxy(environ, config):
            return (*spelling, "trusted", _said(environ, "PROTO"), _said(environ, "HOST"), _said(environ, "PREFIX"))
        return (*spelling, "forwarded")

    return asked if config.base_url is not None else asked_where


def client_address(environ: WSGIEnvironment, config: Config) -> IPv4Address | IPv6Address | None:
    """Return who asks: the peer, or behind trusted proxies the last one who is none of them.

    It is None where that can't be known: whoever else forwards a request may say anything.
    """
    client = _address(environ.get("REMOTE_ADDR", ""))
    if not _is_forwarded(environ):
        return client
    if not _is_among(client, config.trusted_proxies):
        return None
    for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        client = _address(hop)
        if not _is_among(client, config.trusted_proxies):
            break
    return client


def is_operator(environ: WSGIEnvironment, config: Config) -> bool:
    """Whether who asks may see how the server does: somebody in `operator_networks`."""
    client = client_address(environ, config)
    if client is None or (client.is_loopback and _is_forwarded(environ)):
        return False
    return _is_among(client, config.operator_networks)


def _is_forwarded(environ: WSGIEnvironment) -> bool:
    # All names in one text: looking at each takes several times as long, and every request is looked at.
    return "HTTP_FORWARDED" in environ or "\nHTTP_X_FORWARDED_" in "\n".join(("", *environ))


def _is_from_trusted_proxy(environ: WSGIEnvironment, config: Config) -> bool:
    return bool(config.trusted_proxies) and _is_among(_address(environ.get("REMOTE_ADDR", "")), config.trusted_proxies)


def _is_among(address: IPv4Address | IPv6Address | None, networks: Networks) -> bool:
    return address is not None and any(address in network for network in networks)


def _said(environ: WSGIEnvironment, what: str) -> str:
    """Return what the nearest proxy says: those before it may have written to the left."""
    said: str = environ.get(f"HTTP_X_FORWARDED_{what}", "")
    return said.rpartition(",")[2].strip()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    return _parsed(text.strip()) if len(text) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=1024)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    with_port = _HOP.fullmatch(text)
    try:
        address = ip_address(text if with_port is None else with_port[1] or with_port[2])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None  # a socket for both families shows these
    return mapped or address

"""Who asks, and for which site. Knows the Host rules of RFC 9110 section 7.2; knows no route."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask import Request

from feeds.config import LOOPBACK_HOSTS, Config
from feeds.errors import FeedsError
from feeds.feed import Site

_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class UntrustedHostError(FeedsError):
    """The request names a host that we don't answer for."""

    def __init__(self) -> None:
        super().__init__("this host is not trusted: set base_url (FEEDS_BASE_URL) to where the feeds are, or add the host to trusted_hosts")


def site_of(request: Request, config: Config) -> Site:
    """Return the site that a request is for.

    What a proxy forwards says `Forwarded` or `X-Forwarded-…`: it comes from elsewhere, whatever local name it asks for.

    Raises:
        UntrustedHostError: no base_url is set, and the request's host is not a trusted one.
    """
    if config.base_url is not None:
        return config.site(config.base_url)
    host = request.environ.get("HTTP_HOST", "").lower()
    found = _HOST.fullmatch(host)
    if found is None or found[1] not in config.trusted_hosts or (found[1] in LOOPBACK_HOSTS and _is_forwarded(request.environ)):
        raise UntrustedHostError
    mounted_at = quote(request.environ.get("SCRIPT_NAME", ""), encoding="latin-1").rstrip("/")
    return config.site(f"{request.environ['wsgi.url_scheme']}://{host}{mounted_at}")


def spelling(environ: Mapping[str, Any], config: Config) -> tuple[str, ...]:
    """Return all of a GET request that says which answer it gets, and nothing else."""
    asked: tuple[str, ...] = (environ["PATH_INFO"], environ.get("QUERY_STRING", ""), environ.get("SCRIPT_NAME", ""))
    if config.base_url is None:
        asked += (environ.get("HTTP_HOST", ""), environ["wsgi.url_scheme"], "forwarded" if _is_forwarded(environ) else "")
    return asked


def _is_forwarded(environ: Mapping[str, Any]) -> bool:
    return any(name == "HTTP_FORWARDED" or name.startswith("HTTP_X_FORWARDED_") for name in environ)

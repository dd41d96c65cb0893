"""The files that pages load: style, script, icon. Their paths name their bytes, so that caches may keep them for good."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources

import msgspec

from feeds import paths

_MEDIA_TYPES = {"style.css": "text/css; charset=utf-8", "copy.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}


class StaticFile(msgspec.Struct, frozen=True, gc=False):
    """A file that pages load."""

    url_path: str
    media_type: str
    body: bytes


def _load(name: str) -> StaticFile:
    body = (resources.files("feeds.pages") / "static" / name).read_bytes()
    return StaticFile(paths.static_path(name, hashlib.sha256(body).hexdigest()[:12]), _MEDIA_TYPES[name], body)


STATIC_FILES: Mapping[str, StaticFile] = {name: _load(name) for name in _MEDIA_TYPES}


def url_path(name: str) -> str:
    """Return the path of a file, from the root of where the feeds are mounted."""
    return STATIC_FILES[name].url_path

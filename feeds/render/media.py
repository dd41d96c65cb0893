"""Media types of files by their URL. Knows file names; fetches nothing."""

import mimetypes
import posixpath
from functools import lru_cache
from urllib.parse import unquote, urlsplit

_IMAGE_DEFAULT = "image/jpeg"  # what photographs without a telling name are nearly always
_FILE_DEFAULT = "application/octet-stream"
# The library's own table alone: the system's files differ from machine to machine.
_TYPES = mimetypes.MimeTypes(filenames=())
for _type, _extension in (("image/webp", ".webp"), ("image/avif", ".avif"), ("image/heic", ".heic"), ("image/jpeg", ".jfif")):
    _TYPES.add_type(_type, _extension)


def image_type(url: str) -> str:
    """Return the media type of a picture: by the URL's path, else JPEG."""
    found = _guess(url)
    return found if found is not None and found.startswith("image/") else _IMAGE_DEFAULT


def file_type(url: str) -> str:
    """Return the media type of any file: by the URL's path, else unknown bytes."""
    return _guess(url) or _FILE_DEFAULT


@lru_cache(maxsize=4096)  # each is asked for several times for an entry
def _guess(url: str) -> str | None:
    extension = posixpath.splitext(unquote(urlsplit(url).path))[1].lower()
    return _TYPES.types_map[True].get(extension)

"""Media types are told by the path of a URL alone, the same on every machine."""

import pytest

from feeds.render.media import file_type, image_type


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        ("https://x.org/a.png", "image/png"),
        ("https://x.org/a.JPG", "image/jpeg"),
        ("https://x.org/a.webp?w=800", "image/webp"),
        ("https://x.org/a.avif#top", "image/avif"),
        ("https://x.org/a.svg", "image/svg+xml"),
        ("https://x.org/a%2Egif", "image/gif"),
        ("https://x.org/picture", "image/jpeg"),
        ("https://x.org/picture?file=a.png", "image/jpeg"),
        ("https://x.org/page.html", "image/jpeg"),
        ("https://x.org", "image/jpeg"),
    ],
)
def test_type_of_a_picture(url: str, media_type: str) -> None:
    assert image_type(url) == media_type


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        ("https://x.org/a.zip", "application/zip"),
        ("https://x.org/a.pdf?download=1", "application/pdf"),
        ("https://x.org/App%20Source.msapp", "application/octet-stream"),
        ("https://x.org/file", "application/octet-stream"),
    ],
)
def test_type_of_a_file(url: str, media_type: str) -> None:
    assert file_type(url) == media_type

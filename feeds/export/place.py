"""Where an export may go. Knows what must never be exported to; knows nothing of what is exported."""

from __future__ import annotations

from pathlib import Path

from feeds.content import folder
from feeds.errors import ExportError


def export_folder(target: Path, content: Path | None) -> Path:
    """Return the real folder of an export, made where it is missing.

    Raises:
        ExportError: it is one that must not be exported to, or can't be made.
    """
    root = Path(target).resolve()
    if root == Path(root.anchor):
        raise ExportError(target, "is the root of the file system, and no place for an export")
    if root == Path.home().resolve():
        raise ExportError(target, "is your home folder, and no place for an export")
    if content is not None:
        articles = content.resolve()
        if root in (articles, *articles.parents):
            raise ExportError(target, "is or has in it the folder of articles, and no place for an export")
        if articles in root.parents and not folder.is_never_scanned(root.relative_to(articles)):
            raise ExportError(target, "is in the folder of articles, where exported pages would be taken for articles")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(target, f"can't be created: {error.strerror}") from error
    return root

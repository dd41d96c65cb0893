"""A site as files: every document into a folder, as a server would send it. Knows the order of work; knows no HTTP.

`job` has the rules, `plan` says which files there are, `making` makes them, `workers` do it on all cores, `tree` writes them,
`manifest` remembers them.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from feeds.errors import IndexBusyError
from feeds.export import manifest as manifests
from feeds.export.job import Built, Export, Order
from feeds.export.making import TWINS
from feeds.export.manifest import MANIFEST
from feeds.export.place import export_folder
from feeds.export.plan import Selection
from feeds.export.tree import Tree
from feeds.store.base import Store

__all__ = ["MANIFEST", "TWINS", "Built", "Order", "Selection", "build", "export_folder", "known_listings"]


def known_listings(folder: Path) -> dict[str, int] | None:
    """Return when the articles of the export in a folder were first shown (see `Snapshot.listings`); None where it holds none.

    Raises:
        ExportError: it can't be read.
    """
    body = Tree(folder).must_read(MANIFEST)
    known = None if body is None else manifests.decode(body)
    return None if known is None else known.listed


def build(store: Store, folder: Path, order: Order, now: datetime) -> Built:
    """Make a folder (see `export_folder`) hold the site as the index has it, and nothing else that an export wrote.

    Raises:
        ExportError: it holds other things, something is in the way, or it can't be written.
        NotReadyError: the index was never refreshed.
    """
    tree = Tree(folder)
    with tree.locked():
        with store.gathering(now) as view:
            export = Export(view, tree, order)
            built = export.run()
            holder, mark, kept = export.holder, export.mark(), view.mark(export.holder)
        if mark != kept:
            with suppress(IndexBusyError):  # without a mark, the next export has more to look through
                store.keep_mark(holder, mark)
    return built

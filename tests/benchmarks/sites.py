"""A large site for measurements: made and indexed once, then kept in a folder for the next run."""

from __future__ import annotations

from pathlib import Path

from feeds.clock import now
from feeds.config import Config
from feeds.service import FeedService
from feeds.store.sql import open_store
from tests.corpus import write_corpus


def indexed_site(folder: Path, size: int) -> Config:
    """Return the settings of a site with so many article files, for servers that have its index alone."""
    content, database = folder / f"content-{size}", f"sqlite:///{folder}/index-{size}.sqlite3"
    config = Config(content=content, database=database, base_url="https://feeds.example.org", title="Example News")
    if not content.is_dir():
        unfinished = content.with_suffix(".unfinished")
        write_corpus(unfinished, size)
        unfinished.rename(content)
    store = open_store(database)
    try:
        service = FeedService(store)
        if service.state(now()).refreshed_at is None:
            service.refresh(content, config.fingerprint(), now())
    finally:
        store.close()
    return config

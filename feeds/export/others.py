"""Files that are no matter of feeds and pages: the list of subscriptions, the sitemap, what depends on the settings alone."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from feeds import paths
from feeds.export import plan
from feeds.export.plan import ListFile
from feeds.feed import PageAddress, Site
from feeds.render import opml

SETTINGS = "settings"  # inputs of what depends on the context alone


class OtherFiles(msgspec.Struct, frozen=True, gc=False):
    """Files that are no matter of feeds and pages; `make` returns each with its bytes and inputs."""

    files: tuple[str, ...]
    inputs: str
    make: Callable[[], list[tuple[str, bytes, str]]]


def subscriptions(planned: ListFile) -> OtherFiles:
    return OtherFiles(planned.files, planned.inputs, lambda: [(planned.files[0], opml.render_opml(planned.said), planned.inputs)])


def sitemap(addresses: tuple[PageAddress, ...], site: Site) -> OtherFiles:
    inputs = plan.named(addresses)
    paths_of = [paths.sitemap_path(number) for number in plan.sitemap_parts(len(addresses))]

    def make() -> list[tuple[str, bytes, str]]:
        from feeds.pages.sitemap import render_sitemap  # noqa: PLC0415 - loading templates takes longer than many an export

        bodies = [render_sitemap(addresses, number, site) for number in plan.sitemap_parts(len(addresses))]
        return [(plan.file_of(path), body, inputs) for path, body in zip(paths_of, bodies, strict=True) if body is not None]

    return OtherFiles(tuple(map(plan.file_of, paths_of)), inputs, make)


def fixed(site: Site) -> OtherFiles:
    from feeds.pages import render_not_found  # noqa: PLC0415 - the same
    from feeds.pages.sitemap import render_robots  # noqa: PLC0415 - as above
    from feeds.pages.static import STATIC_FILES  # noqa: PLC0415 - as above

    bodies = {plan.file_of(found.url_path): found.body for found in STATIC_FILES.values()}
    bodies |= {plan.file_of(paths.ROBOTS_PATH): render_robots(site), plan.NOT_FOUND: render_not_found(site)}
    return OtherFiles(tuple(bodies), SETTINGS, lambda: [(path, body, SETTINGS) for path, body in bodies.items()])

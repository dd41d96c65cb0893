"""One export: what has to be made, what stays, what goes. Knows the manifest of the one before; knows no format."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec
from msgspec import structs
from msgspec.structs import replace

from feeds import assembly, paths
from feeds.errors import ExportError
from feeds.export import manifest as manifests
from feeds.export import others, plan
from feeds.export.making import ListPageWork, Made, Unit, put
from feeds.export.manifest import MANIFEST, Manifest, Record
from feeds.export.others import OtherFiles
from feeds.export.plan import EVERYTHING, FeedFiles, ListPageFile, PageFile, PagePlan, Selection
from feeds.export.tree import Tree
from feeds.export.units import Gathering
from feeds.export.workers import make_all
from feeds.feed import FeedAddress, PageAddress, Site
from feeds.model import Kind
from feeds.store.base import Gathered, Mark

_UNIT_ARTICLES = 1000  # at most, or a few times as many of one month; the more, the fewer entries are made twice
_UNITS = 10  # at least, so that all processors have something to do to the end
_FEWEST_ARTICLES = 20
_PAGE_ENTRIES = 5  # making a page takes as long as making so many entries

Records = dict[str, Record | None]


class Built(msgspec.Struct, frozen=True, gc=False):
    """What an export came to, in files. `left` were changed by others, so they stay though they have no place any more."""

    total: int
    written: tuple[str, ...]
    removed: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def feeds(self) -> tuple[str, ...]:
        """Return the subscription documents that were written: those that subscribers have to hear of."""
        return tuple(path for path in self.written if plan.is_subscription(path))


class Order(msgspec.Struct, frozen=True, gc=False):
    """What is asked of an export; with `force` files in the way are replaced, whoever wrote them, and every file is looked at."""

    site: Site
    fingerprint: str  # of settings and renderers, see `Config.fingerprint`
    selection: Selection = EVERYTHING
    twins: tuple[str, ...] = ()
    force: bool = False


class Export:
    """The work of one export."""

    def __init__(self, view: Gathered, tree: Tree, order: Order) -> None:
        self._view, self._tree, self._order = view, tree, order
        context = plan.named((order.fingerprint, order.site, order.twins))
        body = tree.must_read(MANIFEST)
        known = None if body is None else manifests.decode(body)
        if known is None and not order.force and not tree.is_empty():
            reason = "is not empty, and holds no export" if body is None else f"has a damaged {MANIFEST}"
            raise ExportError(tree.root, f"{reason}; --force exports to it all the same, and leaves other files alone")
        self._known = known or Manifest()
        self._body = body or b""  # of the manifest that is in the folder now
        self._trusts = self._known.context == context and not order.force
        self._new = Manifest(context=context, twins=order.twins, listed=dict(view.listings()))

    @property
    def holder(self) -> str:
        """Return for whom the index keeps how far this folder is."""
        return f"export {self._tree.root}"

    def mark(self) -> Mark:
        """Return how far the folder is now: with the same manifest, and the same of the rest, it has this state of each feed."""
        return Mark(self._token(), self._view.modification_times())

    def _token(self) -> str:
        month = paths.month_part(paths.month(assembly.refreshed_at(self._view)))
        return f"{hashlib.sha256(self._body).hexdigest()} {month} {plan.named(self._order.selection)}"

    def run(self) -> Built:
        """Bring the folder up to date."""
        files: Records = {}
        feeds, pages, list_pages, rest = self._plan(files)
        wanted = [path for files_of in (feeds, pages, list_pages, rest) for planned in files_of for path in planned.files]
        self._refuse_foreign(wanted)
        files |= dict.fromkeys(wanted)
        made: list[Made] = []
        if wanted or self._known.files.keys() != files.keys():
            self._put(structs.replace(self._known, files={**self._known.files, **files}, twins=self._every_twin(), listed=self._new.listed))
            entries = sum(planned.entries * len(planned.extensions) for planned in feeds) + _PAGE_ENTRIES * len(pages)
            made += make_all(self._units(feeds, pages, list_pages), self._tree.root, entries)
            made += [put(self._tree, *one, self._order.twins) for planned in rest for one in planned.make()]
            files |= {one.path: one.record for one in made}
        self._new = structs.replace(self._new, files=files)
        removed, left = self._remove_others()
        self._put(self._new)
        return Built(len(files), tuple(sorted(one.path for one in made if one.is_new)), removed, left)

    def _put(self, manifest: Manifest) -> None:
        body = manifests.encode(manifest)
        if body != self._body:
            self._tree.put_durably(MANIFEST, body)
        self._body = body

    def _plan(self, kept: Records) -> tuple[list[FeedFiles], list[PageFile], list[ListPageFile], list[OtherFiles]]:
        """Return what has to be made; put into `kept` what is as it has to be."""
        view, selection, site = self._view, self._order.selection, self._order.site
        unchanged, by_folder = self._unchanged(), self._feeds_by_folder()
        feeds: list[FeedFiles] = []
        for collection in plan.collections(view, selection):
            files = by_folder.get(plan.folder_of(FeedAddress(collection.kind, collection.slug)), {})
            if (collection.kind, collection.slug) in unchanged and files and all(map(self._is_intact, files)):
                kept |= files
            else:
                feeds += [planned for planned in plan.feed_files(view, collection, selection, site) if not self._keep(planned, kept)]
        addresses, page_plan = plan.page_addresses(view, selection), PagePlan(view, site)
        of_pages = [page_plan.file(one) for one in addresses if not self._keep_page(one, unchanged, kept)]
        pages = [planned for planned in of_pages if isinstance(planned, PageFile) and not self._keep(planned, kept)]
        list_pages = [planned for planned in of_pages if isinstance(planned, ListPageFile) and not self._keep(planned, kept)]
        rest: list[OtherFiles] = [others.subscriptions(plan.list_file(view, selection, site))]
        if selection.pages:
            rest += [others.sitemap(addresses, site)]
            rest += [] if self._keep_fixed(kept) else [others.fixed(site)]
        return feeds, pages, list_pages, [planned for planned in rest if not self._keep(planned, kept)]

    def _unchanged(self) -> set[tuple[object, str]]:
        """Return the collections that are as they were when the folder was exported to last, as the index has it."""
        mark = self._view.mark(self.holder)
        if mark is None or not self._trusts or mark.token != self._token():
            return set()
        return {place for place, at in self._view.modification_times().items() if mark.modified_at.get(place) == at}

    def _feeds_by_folder(self) -> dict[str, Records]:
        by_folder: dict[str, Records] = {}
        for path, record in self._known.files.items():
            if plan.is_of_feed(path):
                by_folder.setdefault(path.rpartition("/")[0], {})[path] = record
        return by_folder

    def _keep_page(self, address: PageAddress, unchanged: Collection[tuple[object, str]], kept: Records) -> bool:
        path = plan.file_of_page(address)
        if (address.kind, address.slug) in unchanged and plan.is_of_one_collection(address) and self._is_intact(path):
            kept[path] = self._known.files[path]
            return True
        return False

    def _keep(self, planned: FeedFiles | PageFile | ListPageFile | OtherFiles, kept: Records) -> bool:
        records = {path: self._known.files.get(path) for path in planned.files}
        is_known = self._trusts and all(record is not None and record.inputs == planned.inputs for record in records.values())
        if not is_known or not all(map(self._is_intact, records)):
            return False
        kept |= records
        return True

    def _keep_fixed(self, kept: Records) -> bool:
        """Keep what depends on the context alone; its names are known only to who makes it, so the manifest says which they are."""
        records = {path: record for path, record in self._known.files.items() if record is not None and record.inputs == others.SETTINGS}
        if not self._trusts or plan.NOT_FOUND not in records or not all(map(self._is_intact, records)):
            return False
        kept |= records
        return True

    def _is_intact(self, path: str) -> bool:
        record = self._known.files.get(path)
        if record is None or self._tree.size(path) != record.size or record.twins.keys() != set(self._order.twins):
            return False
        return all(self._tree.size(path + twin) == size for twin, (size, _) in record.twins.items())

    def _refuse_foreign(self, wanted: Iterable[str]) -> None:
        if self._order.force:
            return
        ours = self._known.every_path()
        for path in wanted:
            for place in (path, *(path + twin for twin in self._order.twins)):
                if place not in ours and self._tree.exists(place):
                    raise ExportError(self._tree.root / place, "is in the way, and was not written by an export; --force replaces it")

    def _units(self, feeds: Sequence[FeedFiles], pages: Sequence[PageFile], list_pages: Sequence[ListPageFile]) -> Iterator[Unit]:
        """Yield what has to be made, by time, so that the documents and pages that share articles come together; the newest come last."""
        base = Unit(str(self._tree.root), self._order.twins, self._order.site)
        everything = self._view.collection(Kind.ALL, "")
        enough = min(_UNIT_ARTICLES, max(_FEWEST_ARTICLES, (everything.article_count if everything else 0) // _UNITS))
        gathered = Gathering(base)
        before = None
        together: list[FeedFiles | PageFile] = [*feeds, *pages]
        for planned in sorted(together, key=lambda planned: (planned.start is None, planned.start)):
            month = planned.start and paths.month(planned.start).start
            size = gathered.size
            if size >= enough and (month != before or month is None or size >= 4 * enough):
                yield gathered.unit()
                gathered = Gathering(base)
            before = month
            if isinstance(planned, FeedFiles):
                gathered.add_feed(planned, self._view.articles(planned.draft.chapter.query))
            else:
                gathered.add_page(planned, self._view.articles(planned.draft.query))
        yield replace(gathered.unit(), list_pages=tuple(ListPageWork(one.page, one.files[0], one.inputs) for one in list_pages))

    def _remove_others(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Remove what is not of the site any more, unless somebody else changed it; return what went, and what stayed."""
        removed, left = list[str](), list[str]()
        ours = self._new.every_path()
        for path, record in self._known.files.items():
            if record is None:
                self._tree.remove_unfinished(path)
            for twin in ("", *self._known.twins):
                place = path + twin
                if place in ours or not self._tree.exists(place):
                    continue
                body, known = self._tree.read(place), record and record.digest_of(twin)
                is_changed = body is None or (known is not None and manifests.digest(body) != known)
                (removed if not is_changed and self._tree.remove(place) else left).append(place)
        return tuple(sorted(removed)), tuple(sorted(left))

    def _every_twin(self) -> tuple[str, ...]:
        return tuple(sorted({*self._known.twins, *self._order.twins}))

"""Reading the index: what became of the files. Knows the tables of files and articles; knows no collection and no feed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from feeds.model import FileReport, Level, Problem, State, Takedown
from feeds.store import rows
from feeds.store.queries import in_batches, visible
from feeds.store.schema import IS_REFUSED, articles, files


class FileReports:
    """What there is to say of files at a moment; see `Snapshot` in `base`."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now

    def counts(self) -> Mapping[State, int]:
        # One way through the files; to group them, SQLite would sort them all.
        by_state = select(*(func.count().filter(files.c.state == state) for state in State)).select_from(files)
        counts = dict(zip(State, self._connection.execute(by_state).one(), strict=True))
        for report in self._unshown():
            counts[State.SHOWN] -= 1
            counts[report.state] += 1
        return counts

    def reports(self) -> Iterator[FileReport]:
        unshown = {report.path: report for report in self._unshown()}
        query = self._reported().where(or_(files.c.problems.is_not(None), files.c.path.in_(select(files.c.path).where(self._is_unshown()))))
        for row in self._connection.execute(query.order_by(files.c.path)):
            problems = rows.problems(row.problems)
            if row.path in unshown:
                report = unshown[row.path]
                yield replace(report, problems=(*report.problems, *problems))
            else:
                yield FileReport(row.path, State(row.state), _refusals(problems, row) if row.state == State.REFUSED else problems)

    def _reported(self) -> Select[Any]:
        kept = articles.c.id.is_not(None)
        return select(files.c.path, files.c.state, files.c.takedown, files.c.problems, kept.label("kept")).join_from(
            files, articles, files.c.id == articles.c.id, isouter=True
        )

    def refused(self) -> tuple[FileReport, ...]:
        # Asked for them by path, a database would go through all paths.
        found = sorted(self._connection.execute(self._reported().where(IS_REFUSED)), key=attrgetter("path"))
        return tuple(FileReport(row.path, State.REFUSED, _refusals(rows.problems(row.problems), row)) for row in found)

    def _is_unshown(self) -> ColumnElement[bool]:
        unshown = select(articles.c.id).where(or_(articles.c.shown_from > self._now, articles.c.shown_until <= self._now))
        return and_(files.c.state == State.SHOWN, files.c.id.in_(unshown))

    def _unshown(self) -> Iterator[FileReport]:
        """Yield the good files whose article is not shown, with the reason."""
        query = select(files.c.path, files.c.key, articles.c.published_at).join_from(files, articles, files.c.id == articles.c.id)
        found = self._connection.execute(query.where(self._is_unshown()).order_by(files.c.path)).all()
        keys = {row.key for row in found}
        removals = select(files.c.key, func.min(files.c.path).label("path")).where(files.c.takedown == Takedown.IDENTITY)
        removed_by = {row.key: row.path for row in in_batches(self._connection, removals.group_by(files.c.key), files.c.key, keys)}
        winners = {
            row.key: row.path
            for row in in_batches(
                self._connection,
                select(articles.c.key, files.c.path)
                .join_from(articles, files, articles.c.id == files.c.id)
                .where(visible(articles.c, self._now)),
                articles.c.key,
                keys,
            )
        }
        for row in found:
            if row.key in removed_by:
                yield FileReport(row.path, State.HIDDEN, (Problem(f"is removed by {removed_by[row.key]}"),))
            elif row.published_at > self._now:
                yield FileReport(row.path, State.HIDDEN, (Problem("is still ahead", field="publishedDateTime"),))
            else:
                yield FileReport(row.path, State.SKIPPED, (Problem(f"duplicate of {winners[row.key]}"),))


def _refusals(problems: tuple[Problem, ...], row: rows.Row) -> tuple[Problem, ...]:
    if row.kept:
        effect = "; the last good version stays served"
    elif row.takedown != Takedown.NONE:
        effect = "; the article is hidden, because it is taken down or may be"
    else:
        return problems
    return tuple(replace(problem, reason=problem.reason + effect) if problem.level is Level.ERROR else problem for problem in problems)

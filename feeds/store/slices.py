"""A slice of all articles -> the rows that match. Knows the tables and the conditions of a slice; reads no row.

Where a slice asks for one collection of a kind, its listing leads, so that the database need not go through all articles.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, TextClause, and_, exists, or_, select

from feeds.model import Kind, Slice, SliceOrder
from feeds.store import rows
from feeds.store.database import WordIndex
from feeds.store.schema import articles, collections, memberships
from feeds.words import sought_words

_LEADING = (Kind.TOPIC, Kind.PROVIDER, Kind.CATEGORY, Kind.TYPE)


def matching(part: Slice, words: WordIndex) -> tuple[ColumnElement[bool] | TextClause, ...]:
    """Return the conditions on `memberships` joined with `articles`; exactly one row of an article meets them."""
    kind, slug = _lead(part)
    # One id, not `IN`: so the database knows that the rows of the collection come in the order of listing.
    conditions: list[ColumnElement[bool] | TextClause] = [memberships.c.collection_id == _ids(kind, (slug,)).scalar_subquery()]
    for each in _LEADING:
        wanted = part.wanted(each)
        if wanted and each is Kind.TOPIC and part.match_all:
            conditions += [_is_in(each, (topic,)) for topic in wanted]
        elif wanted and (each, wanted) != (kind, (slug,)):
            conditions.append(_is_in(each, wanted))
        unwanted = tuple(choice.slug for choice in part.choices if choice.kind is each and choice.is_excluded)
        if unwanted:
            conditions.append(~_is_in(each, unwanted))
    if part.min_quality is not None:
        conditions.append(articles.c.quality >= part.min_quality)
    if part.min_heat is not None:
        conditions.append(articles.c.heat >= part.min_heat)
    if part.since is not None:
        conditions.append(articles.c.published_at >= _midnight(part.since))
    if part.until is not None:
        conditions.append(articles.c.published_at < _midnight(part.until) + int(timedelta(days=1).total_seconds()))
    if part.sought is not None:
        conditions.append(words.having(sought_words(part.sought)))
    return tuple(conditions)


def order(part: Slice) -> tuple[ColumnElement[object], ...]:
    """Return by what the entries of a slice are chosen, missing numbers last, then by listing."""
    listing: tuple[ColumnElement[object], ...] = (memberships.c.listed_at.desc(), articles.c.identity)
    if part.order is None:
        return listing
    number = articles.c.heat if part.order is SliceOrder.HEAT else articles.c.quality
    return (number.desc().nulls_last(), *listing)


def _lead(part: Slice) -> tuple[Kind, str]:
    single = ((kind, part.wanted(kind)[0]) for kind in _LEADING if len(part.wanted(kind)) == 1)
    return next(single, (Kind.ALL, ""))


def _ids(kind: Kind, slugs: tuple[str, ...]) -> Select[tuple[int]]:
    return select(collections.c.id).where(and_(collections.c.kind == kind, or_(*(collections.c.slug == slug for slug in slugs))))


def _is_in(kind: Kind, slugs: tuple[str, ...]) -> ColumnElement[bool]:
    other = memberships.alias()
    return exists().where(other.c.article_id == articles.c.id, other.c.collection_id.in_(_ids(kind, slugs)))


def _midnight(day: date) -> int:
    return rows.seconds(datetime.combine(day, time(), UTC))

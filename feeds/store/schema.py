"""The tables of the index and its version. Knows SQLAlchemy; knows no rule.

Moments are seconds since 1970 in UTC. What files cannot give back (`listings`, `former_slugs`, `collections.since`,
`collections.modified_at`, the articles of files that were refused later) must survive every migration.
"""

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    and_,
    func,
    inspect,
    literal_column,
    select,
)

from feeds.errors import StoreError
from feeds.model import State
from feeds.store import rows
from feeds.store.database import WordIndex, collection_words


class _PostgresText(TypeDecorator[str]):
    """Text of PostgreSQL, which can hold every character but one. No text of an index has that; a question may."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else value.replace("\0", "\ufffd")


# An order that depends on no locale, the same on every database.
_TEXT = String().with_variant(_PostgresText(collation="C"), "postgresql")
_MOMENT = BigInteger

# In `meta` of an index that is made of what a damaged one still gave, until its first refresh is done: whether no listing was lost.
SALVAGED = "salvaged"
SALVAGED_IN_PART, SALVAGED_WHOLE = "in part", "whole"
FOREVER = 2**62  # a `shown_until` that never comes

metadata = MetaData()

meta = Table("meta", metadata, Column("name", _TEXT, primary_key=True), Column("value", _TEXT, nullable=False))

files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("path", _TEXT, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("state", _TEXT, nullable=False),  # of the file alone; whether it is shown also depends on the others
    Column("takedown", _TEXT, nullable=False),
    Column("key", _TEXT, index=True),  # of the identity; of a hidden article nothing else is kept
    Column("problems", LargeBinary),
    Index("ix_files_path", "path"),
)

# Refused files are few and asked for often. The value is written out, because only then a database knows that the index has the rows.
IS_REFUSED = files.c.state == literal_column(f"'{State.REFUSED}'")
_refused_files = Index("refused_files", files.c.id, sqlite_where=IS_REFUSED)

# The article of a file: what it says now, or, where it is refused now, what it said when it was last good.
articles = Table(
    "articles",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # of the file
    Column("identity", _TEXT, nullable=False),
    Column("key", _TEXT, nullable=False, index=True),
    Column("published_at", _MOMENT, nullable=False, index=True),
    Column("updated_at", _MOMENT, nullable=False),
    Column("listed_at", _MOMENT, nullable=False),
    Column("shown_from", _MOMENT, nullable=False, index=True),  # an empty span: never shown
    Column("shown_until", _MOMENT, nullable=False, index=True),
    Column("quality", Integer),
    Column("heat", Integer),
    Column("labels", LargeBinary, nullable=False),  # [[collection id, name as spelled], …]
)
for _number in (articles.c.quality, articles.c.heat):
    # Missing numbers come last; SQLite has them there, and knows no other way.
    for _dialect, _order in (("sqlite", _number.desc()), ("postgresql", _number.desc().nulls_last())):
        Index(f"ix_articles_{_number.name}_{_dialect}", _order, articles.c.listed_at.desc()).ddl_if(dialect=_dialect)

# The articles themselves, apart, so that what is chosen among many is chosen in a table of short rows.
payloads = Table(
    "payloads",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # of the file
    Column("payload", LargeBinary, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", _TEXT, nullable=False),
    Column("folded", _TEXT, nullable=False),
    Column("slug", _TEXT, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("since", _MOMENT),  # the first listing ever; None: only in the site's data
    Column("modified_at", _MOMENT, nullable=False),
    Column("facts", LargeBinary),  # None: not in the site's data
    Column("shown", Integer, nullable=False),  # articles that were shown at the last refresh
    UniqueConstraint("kind", "folded"),
    Index("ix_collections_slug", "kind", "slug"),
)

former_slugs = Table(
    "former_slugs",
    metadata,
    Column("kind", _TEXT, primary_key=True),
    Column("slug", _TEXT, primary_key=True),
    Column("collection_id", Integer, nullable=False),
)

# Every listing of every article in every collection it belongs to, kept in the order in which feeds need it.
memberships = Table(
    "memberships",
    metadata,
    Column("collection_id", Integer, primary_key=True),
    Column("listed_at", _MOMENT, primary_key=True),
    Column("article_id", Integer, primary_key=True, index=True),
    Column("shown_from", _MOMENT, nullable=False),
    Column("shown_until", _MOMENT, nullable=False),
    Column("name", _TEXT, nullable=False),
    sqlite_with_rowid=False,
)

# How many articles of a collection were shown at the last refresh, by the month of their listing; those with none are left out.
months = Table(
    "months",
    metadata,
    Column("collection_id", Integer, primary_key=True),
    Column("start", _MOMENT, primary_key=True),  # its first second
    Column("shown", Integer, nullable=False),
    sqlite_with_rowid=False,
)

relations = Table(
    "relations",
    metadata,
    Column("key", _TEXT, primary_key=True),
    Column("article_id", Integer, primary_key=True, index=True),
    sqlite_with_rowid=False,
)

# When an identity was first shown; it outlives its files.
listings = Table(
    "listings",
    metadata,
    Column("key", _TEXT, primary_key=True),
    Column("listed_at", _MOMENT, nullable=False),
    sqlite_with_rowid=False,
)

# Moments still ahead of the last refresh at which a collection changes by itself.
turns = Table(
    "turns",
    metadata,
    Column("collection_id", Integer, primary_key=True),
    Column("at", _MOMENT, primary_key=True, index=True),
    sqlite_with_rowid=False,
)

topic_files = Table(
    "topic_files",
    metadata,
    Column("path", _TEXT, primary_key=True),
    Column("facts", LargeBinary),
    Column("problems", LargeBinary),
)

# How far somebody outside follows: the hub that is told of changes, a tree of exported files. A lost one costs work, no truth.
marks = Table(
    "marks",
    metadata,
    Column("holder", _TEXT, primary_key=True),
    Column("token", _TEXT, nullable=False),
    Column("seen", LargeBinary, nullable=False),  # [[kind, slug, modification time], …]
)


def _create(connection: Connection, words: WordIndex) -> None:
    metadata.create_all(connection)
    words.create(connection)


def _add_marks(connection: Connection, _: WordIndex) -> None:
    marks.create(connection, checkfirst=True)


def _index_refused_files(connection: Connection, _: WordIndex) -> None:
    _refused_files.create(connection, checkfirst=True)


def _part_payloads(connection: Connection, _: WordIndex) -> None:
    """Put the payloads into a table of their own, and keep counts; an index that was made just now has it so already."""
    if "payload" not in {column["name"] for column in inspect(connection).get_columns(articles.name)}:
        return
    payloads.create(connection)
    for statement in (
        "INSERT INTO payloads (id, payload) SELECT id, payload FROM articles",
        "ALTER TABLE articles DROP COLUMN payload",
        "ALTER TABLE collections ADD COLUMN shown INTEGER NOT NULL DEFAULT 0",
    ):
        connection.exec_driver_sql(statement)
    for table in (files, articles, collections):
        known = {index["name"] for index in inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in known:
                index.create(connection)
    counted_at = select(meta.c.value.cast(BigInteger)).where(meta.c.name == "refreshed_at").scalar_subquery()
    of_it = and_(
        memberships.c.collection_id == collections.c.id, memberships.c.shown_from <= counted_at, memberships.c.shown_until > counted_at
    )
    shown = select(func.count()).select_from(memberships).where(of_it).scalar_subquery()
    connection.execute(collections.update().values(shown=shown))


def _find_by_collection(connection: Connection, words: WordIndex) -> None:
    """Let articles be found by their collections as by their words."""
    found = connection.execute(select(articles.c.id, articles.c.labels).order_by(articles.c.id)).all()
    words.adopt(connection, [(row.id, collection_words(label[0] for label in rows.labels(row.labels))) for row in found])


def _count_months(connection: Connection, _: WordIndex) -> None:
    from feeds.store.monthcounts import MonthBook  # noqa: PLC0415 - it needs the tables

    months.create(connection, checkfirst=True)
    counted_at = connection.execute(select(meta.c.value).where(meta.c.name == "refreshed_at")).scalar()
    if counted_at is not None:
        MonthBook(connection, int(counted_at)).count(set(connection.execute(select(collections.c.id)).scalars()))


# Add new migrations at the end of the list; never change one that was released.
MIGRATIONS: tuple[Callable[[Connection, WordIndex], None], ...] = (
    _create,
    _add_marks,
    _part_payloads,
    _index_refused_files,
    _find_by_collection,
    _count_months,
)


def is_current(connection: Connection) -> bool:
    """Whether the tables are of this version.

    Raises:
        StoreError: the index was written by a later version, or its version can't be read.
    """
    return _version(connection) == len(MIGRATIONS)


def migrate(connection: Connection, words: WordIndex) -> None:
    """Bring the tables to this version, within the caller's transaction.

    Raises:
        StoreError: the index was written by a later version, or its version can't be read.
    """
    for migration in MIGRATIONS[_version(connection) :]:
        migration(connection, words)
    connection.execute(meta.delete().where(meta.c.name == "version"))
    connection.execute(meta.insert(), {"name": "version", "value": str(len(MIGRATIONS))})


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(meta.name):
        return 0
    written = connection.execute(select(meta.c.value).where(meta.c.name == "version")).scalar()
    if written is None or not written.isdecimal():
        raise StoreError("the index has a version that can't be read")
    if int(written) > len(MIGRATIONS):
        raise StoreError(f"the index has version {written}, this program knows {len(MIGRATIONS)}: update the program")
    return int(written)

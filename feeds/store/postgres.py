"""The index in PostgreSQL: connections, transactions, the lock of the one who writes, words in a text-search vector.

Knows PostgreSQL and psycopg; knows no table but its own of words, and how many articles make a plan worth while.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import accumulate
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, Engine, Integer, Select, cast, column, create_engine, event, inspect, select, table
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from feeds.errors import IndexAwayError, IndexBusyError, StoreError
from feeds.store.database import Sought, collection_word
from feeds.store.schema import IS_REFUSED, files, metadata

# What its indexes are besides. Said here: where the tables are, SQLAlchemy would load its part for PostgreSQL in every process.
_INDEXES: dict[str | None, dict[str, Any]] = {
    "ix_files_path": {"postgresql_using": "hash"},  # a path can be longer than other indexes can hold
    "refused_files": {"postgresql_where": IS_REFUSED},
}
for _index in files.indexes:
    _index.kwargs.update(_INDEXES.get(_index.name, {}))

_CONNECTIONS = 5  # of a process, opened as needed: its threads that read, and one that refreshes
_PATIENCE_SECONDS = 5  # with a connection that is not made, or not given back
_STATEMENT_SECONDS = 10  # of a reader; a writer's may take their time
_BUSY_SECONDS = 10  # how long a migration waits for its turn
_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": _PATIENCE_SECONDS,
    "application_name": "feeds",
    # A server that is gone without a word is noticed in seconds, not in the hours of TCP.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,  # milliseconds
    # Every query is planned with its values: a word in half of all articles needs another way than a rare one.
    "prepare_threshold": None,
}
_LOCK_NAMESPACE = 0x66656564  # "feed"
# One index for each schema; a transaction's own lock goes with its connection, and passes through connection poolers.
_LOCK = f"({_LOCK_NAMESPACE}, current_schema()::regnamespace::oid::integer)"
_WORDS = table("article_words", column("article_id", Integer), column("words", TSVECTOR))
_CREATE_INDEX = "CREATE INDEX word_index ON article_words USING gin (words)"
_MOST_CHARACTERS = 120_000  # of an article's words, its collections' first; each has four bytes at most, and 1 MiB is the limit
_ADOPT_ARRAYS = """
    ALTER TABLE article_words ALTER COLUMN words TYPE tsvector
    USING array_to_tsvector(CASE WHEN octet_length(array_to_string(words, '')) < 500000 THEN words ELSE words[1:1000] END)
"""


class VectorWords:
    """The `WordIndex` (see `database`) of PostgreSQL.

    Its type for texts is filled with our own words; none of its dictionaries, which know languages, is asked.

    Spec: https://www.postgresql.org/docs/current/datatype-textsearch.html
    """

    def create(self, connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE article_words (article_id integer PRIMARY KEY, words tsvector NOT NULL)")
        connection.exec_driver_sql(_CREATE_INDEX)

    def put(self, connection: Connection, found_by: list[tuple[int, str]]) -> None:
        if found_by:
            rows = [(file_id, _fitting(words)) for file_id, words in found_by]
            connection.exec_driver_sql("INSERT INTO article_words VALUES (%s, array_to_tsvector(%s))", rows)

    def drop(self, connection: Connection, file_id: int, _: str) -> None:
        connection.exec_driver_sql("DELETE FROM article_words WHERE article_id = %s", (file_id,))

    def adopt(self, connection: Connection, found_by: list[tuple[int, str]]) -> None:
        kind = "SELECT data_type FROM information_schema.columns WHERE table_name = 'article_words' AND column_name = 'words'"
        if connection.exec_driver_sql(f"{kind} AND table_schema = current_schema()").scalar() == "ARRAY":  # of an earlier version
            connection.exec_driver_sql("DROP INDEX word_index")
            connection.exec_driver_sql(_ADOPT_ARRAYS)
            connection.exec_driver_sql(_CREATE_INDEX)
        if found_by:
            rows = [(_fitting(words), file_id) for file_id, words in found_by]
            connection.exec_driver_sql("UPDATE article_words SET words = words || array_to_tsvector(%s) WHERE article_id = %s", rows)

    def forget(self, connection: Connection) -> None:
        """Do nothing: what was deleted is no one's to overwrite but VACUUM's."""

    def found(self, sought: Sought) -> Select[tuple[int]]:
        return select(_WORDS.c.article_id.label("id")).where(_has(sought))

    def test(self, sought: Sought, article_id: ColumnElement[int]) -> ColumnElement[bool]:
        # A value of the row of this article: the index would give all articles that are sought.
        return select(_has(sought)).where(_WORDS.c.article_id == article_id).scalar_subquery()


class PostgresDatabase:
    """The `Database` (see `database`) at a PostgreSQL URL, whose query may name parameters of libpq.

    Raises:
        StoreError: there is no driver for it.
    """

    words = VectorWords()

    def __init__(self, url: URL) -> None:
        # Neither the password nor a query, which may hold one, is ever said.
        self._name = URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()
        self._engine = self._created(url)
        _let_go_in_forks(self._engine)
        weakref.finalize(self, self._engine.dispose).atexit = False  # an application has no end at which it could close it
        self._writing_engine = self._engine.execution_options(isolation_level="READ COMMITTED")

    def _created(self, url: URL) -> Engine:
        arguments = {name: value for name, value in _ARGUMENTS.items() if name not in url.query}
        try:
            engine = create_engine(
                url.set(drivername="postgresql+psycopg"),
                connect_args=arguments,
                isolation_level="REPEATABLE READ",
                pool_size=_CONNECTIONS,
                max_overflow=0,
                pool_timeout=_PATIENCE_SECONDS,
                pool_pre_ping=True,
                hide_parameters=True,
            )
        except ImportError as error:
            raise StoreError(f"{self._name}: needs psycopg; install it with: pip install 'psycopg[binary]>=3.2'") from error

        @event.listens_for(engine, "connect")
        def _limit(connection: Any, _: object) -> None:
            connection.autocommit = True
            connection.execute(f"SET statement_timeout = {_STATEMENT_SECONDS * 1000}")
            connection.autocommit = False

        return engine

    def identity(self) -> object:
        return self._name

    def exists(self) -> bool:
        with self.reading() as connection:
            return inspect(connection).has_table("meta")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        reader = self._engine.execution_options(postgresql_readonly=True)
        with self._errors(), reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        with self._writing() as connection:
            connection.exec_driver_sql(f"SELECT set_config('lock_timeout', '{_BUSY_SECONDS}s', true)")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock{_LOCK}")
            yield connection

    @contextmanager
    def refreshing(self) -> Iterator[Connection]:
        with self._writing() as connection:
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock{_LOCK}").scalar():
                raise IndexBusyError("another process refreshes the index right now")
            yield connection
            if connection.in_transaction():
                _settle(connection)

    def filling(self) -> AbstractContextManager[None]:
        return nullcontext()

    def rebuilding(self) -> None:
        """Leave what is damaged to who keeps the server and its backups."""

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction that sees what others committed before it got its lock, and that takes its time."""
        with self._errors(), self._writing_engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(
                "SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)"
            )
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise StoreError(f"{self._name}: all {_CONNECTIONS} connections of this process are in use") from error
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if getattr(cause, "sqlstate", None) == "55P03":  # lock_not_available
                raise IndexBusyError("another process refreshes the index right now") from error
            reason = f"{self._name}: {' '.join(str(cause).split())}"
            raise (IndexAwayError if _is_away(error) else StoreError)(reason) from error

    def close(self) -> None:
        self._engine.dispose()


def _has(sought: Sought) -> ColumnElement[bool]:
    wanted = [f"'{word}'" for word in sought.words] + [_any_of(group) for group in sought.groups]
    unwanted = [f"!{_any_of(sought.unwanted)}"] if sought.unwanted else []
    return _WORDS.c.words.op("@@", is_comparison=True)(cast(" & ".join(wanted + unwanted), TSQUERY))


def _any_of(group: tuple[int, ...]) -> str:
    words = [f"'{collection_word(number)}'" for number in group]
    return f"({' | '.join(words)})"


def _fitting(words: str) -> list[str]:
    """Return the words of an article, as many as the database takes: an excerpt of half a megabyte is found by fewer of its words."""
    found = words.split()
    if len(words) > _MOST_CHARACTERS:
        ends = accumulate(len(word) for word in found)
        found = found[: sum(end <= _MOST_CHARACTERS for end in ends)]
    return found


def _is_away(error: SQLAlchemyError) -> bool:
    """Whether a server was not there to answer, or left off.

    Spec: https://www.postgresql.org/docs/current/errcodes-appendix.html, classes 08 and 57P; without a code there was nobody to give one.
    """
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, OperationalError) else "none of that"
    return state is None or state.startswith(("08", "57P"))


def _let_go_in_forks(engine: Engine) -> None:
    """Leave the open connections to this process: gunicorn with `--preload` forks its workers after the index is open."""
    held = weakref.ref(engine)

    def let_go() -> None:
        if (forked := held()) is not None:
            forked.dispose(close=False)

    os.register_at_fork(after_in_child=let_go)


def _settle(connection: Connection) -> None:
    """Put the new words in their place, and let the planner look at tables that it never saw filled; later autovacuum does."""
    connection.exec_driver_sql("SELECT gin_clean_pending_list('word_index')")
    unseen = "SELECT reltuples < 0 AND EXISTS (SELECT FROM articles OFFSET 200) FROM pg_class WHERE oid = 'articles'::regclass"
    if connection.exec_driver_sql(unseen).scalar():
        connection.exec_driver_sql(f"ANALYZE article_words, {', '.join(metadata.tables)}")

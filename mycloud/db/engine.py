"""The only door to the database: ``reader()`` and ``writer()``.

It denies by default: code that runs in no role, or in a role that has no business here (a compute
host), gets DatabaseNotAllowed and the call's stack in the log.

SQLite gets an engine for each side. Its writers start with BEGIN IMMEDIATE, one at a time under a
process-wide lock, because a plain BEGIN fails under concurrent writers and a write lock that is
held across a green switch stalls everybody. No message is sent and no file is touched inside
``writer()``.
"""

import contextlib
import functools
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import sqlalchemy
from oslo_db import api as oslo_db_api
from oslo_db import exception as db_exc
from oslo_db.sqlalchemy import engines, exc_filters
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url

from mycloud.common import concurrency, context, exceptions, patterns

LOG = logging.getLogger(__name__)
R = TypeVar("R")

_SQLITE_PRAGMAS = (
    "journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON"
)

#: What may be tried again because the transaction did not happen.
TRANSIENT = (db_exc.DBDeadlock, db_exc.RetryRequest)


class Database:
    """One database: a reading and a writing engine, and a counter of statements."""

    def __init__(self, url: str, **pool: Any):
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.statements = 0
        self._write_lock = concurrency.Lock() if self.sqlite else contextlib.nullcontext()
        if self.sqlite:
            self.write_engine = _sqlite_engine(url, "BEGIN IMMEDIATE")
            self.read_engine = _sqlite_engine(url, "BEGIN")
        else:
            # max_retries=0: starting up does not wait here; whoever needs the database waits
            self.write_engine = engines.create_engine(url, max_retries=0, **pool)
            self.read_engine = self.write_engine
        for engine in {self.write_engine, self.read_engine}:
            event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, conn: Any, cursor: Any, statement: str, *args: Any) -> None:
        # only on SQLite does a transaction begin by a statement of its own
        if not statement.startswith("BEGIN"):
            self.statements += 1

    @contextlib.contextmanager
    def connect(self, *, write: bool) -> Iterator[Connection]:
        engine = self.write_engine if write else self.read_engine
        lock = self._write_lock if write else contextlib.nullcontext()
        try:
            with lock, _opened(engine) as conn, conn.begin():
                yield conn
        except db_exc.DBConnectionError as error:
            raise exceptions.DatabaseUnavailable() from error
        except sqlalchemy.exc.DBAPIError as error:
            # what oslo.db's filters do not know
            if error.connection_invalidated:
                raise exceptions.DatabaseUnavailable() from error
            raise
        except db_exc.DBError as error:
            if "database is locked" in str(error):
                raise db_exc.DBDeadlock(error) from error
            raise

    def dispose(self) -> None:
        """Close the pooled connections (in a forked child: before the first use)."""
        self.write_engine.dispose()
        self.read_engine.dispose()


def _opened(engine: Engine) -> Connection:
    """A connection of the pool.

    :raises DatabaseUnavailable: whatever keeps a connection from being opened
    """
    try:
        return engine.connect()
    except (db_exc.DBError, sqlalchemy.exc.DBAPIError, sqlalchemy.exc.TimeoutError) as error:
        raise exceptions.DatabaseUnavailable() from error


def _sqlite_engine(url: str, begin: str) -> Engine:
    """An engine with pooled connections (oslo.db's opens the file for every transaction), the
    pragmas that matter, and ``begin`` as its first statement."""
    engine = sqlalchemy.create_engine(
        url, poolclass=sqlalchemy.QueuePool, pool_size=8, max_overflow=64, pool_timeout=30
    )
    exc_filters.register_engine(engine)

    @event.listens_for(engine, "connect")
    def tune(dbapi_connection: Any, record: Any) -> None:
        # the driver's own BEGIN is switched off: the listener below decides which one it is
        dbapi_connection.isolation_level = None
        dbapi_connection.create_function("regexp", 2, patterns.sqlite_regexp, deterministic=True)
        for pragma in _SQLITE_PRAGMAS:
            dbapi_connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def emit_begin(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    return engine


_database: Database | None = None


def configure(url: str, **pool: Any) -> Database:
    """Set this process's database; closes an earlier one."""
    global _database
    if _database is not None:
        _database.dispose()
    _database = Database(url, **pool)
    return _database


def unconfigure() -> None:
    """Forget the database (end of a test, a process that must not have one)."""
    global _database
    if _database is not None:
        _database.dispose()
    _database = None


def get() -> Database:
    """:raises ConfigError: when the process has no database at all"""
    if _database is None:
        raise exceptions.ConfigError(
            option="[database]/connection", reason="no database is configured in this process"
        )
    return _database


def _guard() -> Database:
    role = context.current_role()
    if role not in context.DATABASE_ROLES:
        LOG.error(
            "Database access denied to role %s\n%s", role, "".join(traceback.format_stack()[:-2])
        )
        raise exceptions.DatabaseNotAllowed(role=role)
    return get()


@contextlib.contextmanager
def reader() -> Iterator[Connection]:
    """A transaction for reading.

    :raises DatabaseNotAllowed: in a role that may not touch the database
    :raises DatabaseUnavailable: when it does not answer
    """
    with _guard().connect(write=False) as conn:
        yield conn


@contextlib.contextmanager
def writer() -> Iterator[Connection]:
    """A transaction for writing: committed at the end of the block, rolled back by an error.

    :raises DatabaseNotAllowed: in a role that may not touch the database
    :raises DatabaseUnavailable: when it does not answer
    """
    with _guard().connect(write=True) as conn:
        yield conn


def retried(fn: Callable[..., R]) -> Callable[..., R]:
    """Run a function that opens its own ``writer()`` again after a deadlock or serialization
    failure, at most ten times with growing pauses."""
    wrapped: Callable[..., R] = oslo_db_api.wrap_db_retry(
        max_retries=10,
        retry_interval=0.02,
        inc_retry_interval=True,
        max_retry_interval=1,
        exception_checker=lambda error: isinstance(error, TRANSIENT),
    )(fn)
    return functools.wraps(fn)(wrapped)

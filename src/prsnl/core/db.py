"""PostgreSQL by psycopg: pools, and work that survives a lost connection."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from prsnl.core.errors import DatabaseFullError, PrsnlError, UnavailableError

Row: TypeAlias = dict[str, Any]
Db: TypeAlias = Connection[DictRow]
T = TypeVar("T")

_FIRST_WAIT_S = 0.05
_LONGEST_WAIT_S = 1.0
_LEND_S = 5.0
_WAKEFUL = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}

#: The server went away under us, or refuses for now: see `is_away`.
LOST = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
#: SQL states of a connection that failed, of a server that starts or stops, of too
#: many connections, and of a transaction that another one got in the way of.
_AWAY_STATES = ("08", "57", "53300", "40001", "40P01")
_CANCELED_BY_US = "57014"
_DISK_FULL = "53100"

_AWAY = (
    "The database does not answer. The task goes on when it is back; ./prsnl doctor "
    "says more."
)
_ALL_LENT = (
    "The database does not answer, or all connections of this process are in use: try "
    "again in a moment. If it stays, ./prsnl doctor says more."
)

# A restart of the database shows as our own UnavailableError; the pool's warnings
# about each broken connection would only repeat it.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def connect(url: str, *, autocommit: bool = True, timeout_s: int = 5) -> Db:
    """One connection that gives rows as dictionaries."""
    return psycopg.connect(
        url,
        autocommit=autocommit,
        row_factory=dict_row,
        **{**wakeful(url), "connect_timeout": timeout_s},
    )


def wakeful(url: str) -> dict[str, Any]:
    """What has a connection notice within seconds that its server is out of reach.

    By itself TCP waits a quarter of an hour for an answer to what it has sent, and
    two hours where it only listens. What the address itself says goes before.
    """
    told = conninfo_to_dict(url)
    return {name: value for name, value in _WAKEFUL.items() if name not in told}


def is_away(error: BaseException) -> bool:
    """Whether trying again later may help, rather than the statement was refused."""
    if not isinstance(error, LOST):
        return False
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return True
    return state != _CANCELED_BY_US and state.startswith(_AWAY_STATES)


@contextlib.contextmanager
def said_without_its_text() -> Iterator[None]:
    """Turn the server's refusal of a value into ours: it quotes what it refuses.

    Raises:
        PrsnlError: A value cannot be stored, such as a text with a NUL in it.
    """
    try:
        yield
    except (psycopg.DataError, UnicodeEncodeError) as error:
        raise PrsnlError(
            "What this task made cannot be stored "
            f"({type(error).__name__}): please report it with the task's id."
        ) from None


def _away(error: Exception) -> UnavailableError:
    return UnavailableError(_ALL_LENT if isinstance(error, PoolTimeout) else _AWAY)


def _full() -> DatabaseFullError:
    return DatabaseFullError(
        "The database's disk is full: free some space there. The task goes on then."
    )


@dataclass(frozen=True)
class Database:
    """A pool of connections, all in autocommit; transactions are explicit.

    Attributes:
        pool: psycopg's own pool.
        patience_s: How long `run` goes on trying while the server is away.
    """

    pool: ConnectionPool[Db]
    patience_s: float

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, url: str, *, size: int, name: str, patience_s: float = 30.0
    ) -> Iterator[Database]:
        """Open a pool that connects at its first use, and close it at the end."""
        with ConnectionPool(
            url,
            connection_class=Connection[DictRow],
            min_size=0,
            max_size=size,
            timeout=_LEND_S,
            max_idle=300,
            reconnect_timeout=1,
            open=True,
            kwargs={
                **wakeful(url),
                "autocommit": True,
                "row_factory": dict_row,
                "application_name": f"prsnl {name}",
            },
        ) as pool:
            yield cls(pool, patience_s)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Db]:
        """Lend one connection in autocommit."""
        with self.pool.connection() as connection:
            yield connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Db]:
        """Lend one connection inside one transaction."""
        with self.pool.connection() as connection, connection.transaction():
            yield connection

    def run(self, work: Callable[[Db], T], *, patience_s: float | None = None) -> T:
        """Do *work* on a connection; again if the server was lost under it.

        *work* must be safe to repeat, for a COMMIT whose answer was lost may have
        been done: everything in `prsnl.work` is fenced or guarded for that.

        Raises:
            UnavailableError: The server stayed away for *patience_s*.
            DatabaseFullError: It had no room to write for so long.
        """
        limit_s = self.patience_s if patience_s is None else patience_s
        give_up_at = time.monotonic() + limit_s
        # Without patience it is one try, with the time that the pool gives to one.
        lend_s = min(limit_s or _LEND_S, _LEND_S)
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                with self.pool.connection(timeout=lend_s) as connection:
                    return work(connection)
            except LOST as error:
                is_full = getattr(error, "sqlstate", None) == _DISK_FULL
                if not is_full and not is_away(error):
                    raise
                if time.monotonic() + wait_s > give_up_at:
                    raise (_full() if is_full else _away(error)) from error
            time.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

"""How the parts of the service are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prsnl import __version__
from prsnl.core import schema
from prsnl.core.db import Database, Db, Row
from prsnl.core.errors import UnavailableError
from prsnl.items import watch_store
from prsnl.wire.monitoring import HealthBody, WatchBody, WorkersBody
from prsnl.work.workers import GONE_AFTER

_PATIENCE_S = 1.0


def health(database: Database) -> HealthBody:
    """Look at everything that the rows tell; always an answer."""
    try:
        rows = database.run(_processes, patience_s=_PATIENCE_S)
        watch = database.run(_watched, patience_s=_PATIENCE_S)
    except UnavailableError:
        return HealthBody(
            status="degraded",
            version=__version__,
            database="The database does not answer.",
            broker="unknown",
            schedulers=0,
            workers={},
            problems=["The database does not answer: ./prsnl doctor says more."],
        )
    return told(rows, watch)


def look(connection: Db) -> HealthBody:
    """The same of a database that answers, on a connection to it."""
    return told(_processes(connection), _watched(connection))


def told(rows: list[Row], watch: Sequence[WatchBody] = ()) -> HealthBody:
    """What the rows of the live processes and of the watched folders mean."""
    schedulers = [row for row in rows if row["kind"] == "scheduler"]
    workers: dict[str, WorkersBody] = {}
    for row in rows:
        for queue in row["queues"]:
            before = workers.get(queue, WorkersBody(slots=0, busy=0))
            workers[queue] = WorkersBody(
                slots=before.slots + row["slots"], busy=before.busy + row["busy"]
            )
    trouble = next((row["trouble"] for row in schedulers if row["trouble"]), None)
    problems = [trouble] if trouble else []
    told_by_workers = (
        f"worker {row['host']}: {row['trouble']}"
        for row in rows
        if row["kind"] == "worker" and row["trouble"]
    )
    problems.extend(dict.fromkeys(told_by_workers))
    if not schedulers:
        problems.append("No scheduler is running: start one with ./prsnl scheduler.")
    if not workers:
        problems.append("No worker is running: start one with ./prsnl worker QUEUE.")
    problems.extend(_troubles(watch))
    return HealthBody(
        status="degraded" if problems else "ok",
        version=__version__,
        database="ok",
        broker=trouble or ("ok" if schedulers else "unknown"),
        schedulers=len(schedulers),
        workers=dict(sorted(workers.items())),
        watch=list(watch),
        problems=problems,
    )


def _troubles(watch: Iterable[WatchBody]) -> Iterator[str]:
    for one in watch:
        if one.trouble:
            yield one.trouble
        if one.unreadable:
            yield (
                f"In the watched folder {one.unreadable} files or folders cannot be "
                "read: the scheduler's log names them."
            )


def check_ready(database: Database) -> None:
    """Make sure that requests can be served.

    Raises:
        UnavailableError: The database does not answer, or has another schema.
    """

    def version(connection: Db) -> str:
        return schema.current(connection)

    found = database.run(version, patience_s=_PATIENCE_S)
    if found != schema.newest():
        raise UnavailableError(
            "The database has another schema than this program needs: run "
            "./prsnl migrate."
        )


def _watched(connection: Db) -> list[WatchBody]:
    return [WatchBody(**row) for row in watch_store.told(connection)]


def _processes(connection: Db) -> list[Row]:
    return connection.execute(
        "select kind, host, queues, slots, busy, trouble from workers "
        "where seen_at > now() - %s and state = 'running'",
        [GONE_AFTER],
    ).fetchall()

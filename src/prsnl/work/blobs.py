"""Bytes in the storage that no row names any more, and how they go.

Rows and bytes cannot go in one transaction. So the rows go first, and with them it is
noted which bytes are doomed; these go when nobody can be about to name them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from prsnl.core.db import Db
from prsnl.core.storage import Storage

_BATCH: Final = 500
#: The clocks of two hosts differ by less.
_CLOCKS: Final = timedelta(seconds=10)
#: What is put before its row comes is older than this when it was left behind.
_LEFT_BEHIND: Final = timedelta(hours=1)

_DOOM: Final = """
insert into doomed_blobs (name)
select distinct name from unnest(%s::text[]) as d (name) where name is not null
order by name on conflict do nothing
"""

# One statement, so one moment: a task that names the bytes and ends between two would
# be seen by neither.
_STATE: Final = """
select exists (select from blob_names where name = %s) as is_named,
       (select min(claimed_at) from tasks where status = 'running') as running_since
"""

_UNNAMED: Final = """
select name from unnest(%s::text[]) as b (name)
where not exists (select 1 from blob_names n where n.name = b.name)
"""


def hold(connection: Db, name: str) -> None:
    """Keep bytes from being removed until the transaction ends.

    Whoever puts bytes and then a row that names them holds them from before the put.
    """
    connection.execute(
        "select pg_advisory_xact_lock_shared(hashtextextended('blob/' || %s, 0))",
        [name],
    )


def are_kept(connection: Db, storage: Storage, names: Iterable[str]) -> bool:
    """Whether all these bytes are there, and stay until the transaction ends.

    For a task that runs, and is about to name many bytes that it has put or renewed:
    only those that somebody has doomed need a hold of their own.
    """
    wanted = list(names)
    rows = connection.execute(
        "select name from doomed_blobs where name = any(%s) order by name", [wanted]
    ).fetchall()
    for row in rows:
        hold(connection, row["name"])
    return all(storage.renew(name) for name in wanted)


def doom(connection: Db, names: Iterable[str]) -> None:
    """Note bytes whose rows go in this transaction."""
    connection.execute(_DOOM, [list(names)])


def remove_doomed(connection: Db, storage: Storage) -> int:
    """Remove doomed bytes; tell how many went. Outside of a transaction.

    What another row names stays, another owner's too. So does, for now, what was put
    after the start of a task that runs: it may be about to name the bytes.
    """
    names = connection.execute(
        "select name from doomed_blobs order by doomed_at limit %s", [_BATCH]
    ).fetchall()
    return sum(_remove(connection, storage, row["name"]) for row in names)


def _remove(connection: Db, storage: Storage, name: str) -> bool:
    with connection.transaction():
        connection.execute(
            "select pg_advisory_xact_lock(hashtextextended('blob/' || %s, 0))", [name]
        )
        # Not with the lock: what was committed while we waited is seen.
        state = connection.execute(_STATE, [name]).fetchone()
        assert state is not None
        is_named: bool = state["is_named"]
        if not is_named and _may_be_named_soon(
            storage.touched_at(name), state["running_since"]
        ):
            # To the end of the line: others are not to wait behind it.
            connection.execute(
                "update doomed_blobs set doomed_at = now() where name = %s", [name]
            )
            return False
        if not is_named:
            storage.delete(name)
        connection.execute("delete from doomed_blobs where name = %s", [name])
    return not is_named


def _may_be_named_soon(put_at: datetime | None, since: datetime | None) -> bool:
    """Whether a task runs that may have put bytes, and not yet the row."""
    if put_at is None or since is None:
        return False
    return put_at > since - _CLOCKS


def doom_left_behind(connection: Db, storage: Storage, part: int) -> int:
    """Note the bytes of one part that a killed process put without a row."""
    names = storage.names(part)
    if not names:
        return 0
    rows = connection.execute(_UNNAMED, [names]).fetchall()
    oldest = datetime.now(UTC) - _LEFT_BEHIND
    left = [
        row["name"]
        for row in rows
        if (put_at := storage.touched_at(row["name"])) is not None and put_at < oldest
    ]
    doom(connection, left)
    return len(left)

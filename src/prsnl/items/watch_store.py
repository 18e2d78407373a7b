"""The rows of watched folders: who looks after each, and what was taken in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row

_HOLD: Final = """
insert into watched_folders (folder, holder, held_until)
values (%(folder)s, %(holder)s, now() + %(lease)s)
on conflict (folder) do update
set holder = excluded.holder, held_until = excluded.held_until, looked_at = now()
where watched_folders.holder = excluded.holder or watched_folders.held_until < now()
returning 1 as ok
"""

_KEEP: Final = """
insert into watched_files (folder, path, size_bytes, mtime_ns, sha256, task_id,
                           outcome, reason)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (folder, path) do update
set size_bytes = excluded.size_bytes, mtime_ns = excluded.mtime_ns,
    sha256 = excluded.sha256, task_id = excluded.task_id, outcome = excluded.outcome,
    reason = excluded.reason, is_settled = false, is_away = false, seen_at = now()
"""

_ENDED: Final = """
update watched_files w
set outcome = case when t.status = 'success' then 'done' else 'failed' end,
    reason = case when t.status = 'success' then null
                  else coalesce(t.error_message, 'It was cancelled.') end
from tasks t
where w.folder = %s and w.outcome = 'taken' and not w.is_settled and t.id = w.task_id
  and t.status in ('success', 'failure', 'dead', 'revoked')
"""

_DELETED: Final = """
update watched_files w
set outcome = 'failed', reason = 'It was deleted from the library before it was done.'
where w.folder = %s and w.outcome = 'taken' and not w.is_settled
  and not exists (select from tasks t where t.id = w.task_id)
"""

# What still lies in the folder keeps its row, or it would be taken in once more.
_FORGET: Final = (
    "delete from watched_files where sha256 = any(%s) and is_away",
    "update watched_files set reason = null where sha256 = any(%s) and is_settled",
)


@dataclass(frozen=True)
class Seen:
    """A file as it was seen: another size or time is another file."""

    #: Below the folder, as the file system has it.
    path: bytes
    size_bytes: int
    mtime_ns: int

    @property
    def name(self) -> str:
        """Its last part, for people: a byte that is no UTF-8 is a mark."""
        return self.path.rpartition(b"/")[2].decode(errors="replace")

    def is_like(self, status: os.stat_result) -> bool:
        """Whether a file is still this one."""
        return (status.st_size, status.st_mtime_ns) == (self.size_bytes, self.mtime_ns)


@dataclass(frozen=True)
class Finished:
    """A file that is to be moved, deleted, or left, as the settings say."""

    seen: Seen
    outcome: str
    reason: str | None


def hold(connection: Db, folder: str, holder: UUID, lease: timedelta) -> bool:
    """Look after a folder, if nobody else does."""
    values = {"folder": folder, "holder": holder, "lease": lease}
    return connection.execute(_HOLD, values).fetchone() is not None


def tell(
    connection: Db, folder: str, holder: UUID, *, trouble: str | None, unreadable: int
) -> None:
    """Say how a folder is."""
    connection.execute(
        "update watched_folders set trouble = %s, unreadable = %s, looked_at = now() "
        "where folder = %s and holder = %s",
        [trouble, unreadable, folder, holder],
    )


def let_go(connection: Db, folder: str, holder: UUID) -> None:
    """Leave a folder to the next who looks."""
    connection.execute(
        "update watched_folders set held_until = now() where folder = %s and "
        "holder = %s",
        [folder, holder],
    )


def known(connection: Db, folder: str) -> dict[bytes, Seen]:
    """Every file of a folder that was taken in and stayed, as it was seen then."""
    rows = connection.execute(
        "select path, size_bytes, mtime_ns from watched_files "
        "where folder = %s and not is_away",
        [folder],
    ).fetchall()
    return {bytes(row["path"]): _seen(row) for row in rows}


def keep(
    connection: Db,
    folder: str,
    seen: Seen,
    *,
    sha256: str,
    task_id: UUID | None,
    outcome: str,
    reason: str | None = None,
) -> None:
    """Note that a file was taken in; it never is again, as it is."""
    connection.execute(
        _KEEP,
        [
            folder,
            seen.path,
            seen.size_bytes,
            seen.mtime_ns,
            sha256,
            task_id,
            outcome,
            reason,
        ],
    )


def finished(connection: Db, folder: str) -> list[Finished]:
    """The files with which all is done but what the settings want done."""
    connection.execute(_ENDED, [folder])
    connection.execute(_DELETED, [folder])
    rows = connection.execute(
        "select path, size_bytes, mtime_ns, outcome, reason from watched_files "
        "where folder = %s and not is_settled and outcome <> 'taken' order by path",
        [folder],
    ).fetchall()
    return [Finished(_seen(row), row["outcome"], row["reason"]) for row in rows]


def forget(connection: Db, hashes: Sequence[str]) -> None:
    """Leave of files that are deleted for good what their folder itself shows."""
    for statement in _FORGET:
        connection.execute(statement, [list(hashes)])


def settle(connection: Db, folder: str, seen: Seen, *, is_away: bool) -> None:
    """Note that nothing is left to do with a file, and whether it is gone."""
    connection.execute(
        "update watched_files set is_settled = true, is_away = %s "
        "where folder = %s and path = %s",
        [is_away, folder, seen.path],
    )


def told(connection: Db) -> list[Row]:
    """How each folder is that somebody looks after, without its path."""
    return connection.execute(
        """
        select f.trouble, f.unreadable,
               count(*) filter (where w.outcome = 'taken') as under_way,
               count(*) filter (where w.outcome = 'done') as done,
               count(*) filter (where w.outcome = 'duplicate') as duplicates,
               count(*) filter (where w.outcome = 'failed') as failed
        from watched_folders f left join watched_files w on w.folder = f.folder
        where f.held_until > now()
        group by f.folder order by f.folder
        """
    ).fetchall()


def _seen(row: Row) -> Seen:
    return Seen(bytes(row["path"]), row["size_bytes"], row["mtime_ns"])

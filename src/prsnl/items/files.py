"""Files by the dozen: which are there, and what came of those of one parent task."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import NotFoundError

_NAMED = 3


def require(connection: Db, file_ids: Sequence[UUID], *, owner: str) -> None:
    """Make sure that every file is there and the owner's.

    Raises:
        NotFoundError: One is not; nothing is said of whose it is.
    """
    rows = connection.execute(
        "select w.id from unnest(%s::uuid[]) as w (id) where not exists "
        "(select 1 from attachments a where a.id = w.id and a.owner = %s)",
        [list(dict.fromkeys(file_ids)), owner],
    ).fetchall()
    if rows:
        named = ", ".join(str(row["id"]) for row in rows[:_NAMED])
        more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
        raise NotFoundError(f"There is no such file: {named}{more}.")


def of_parent(connection: Db, task_id: UUID) -> list[Row]:
    """How each child of a task ended, with its file's name, by name."""
    return connection.execute(
        """
        select t.id, t.attachment_id, t.status, t.error_code, t.error_message,
               a.file_name
        from tasks t left join attachments a on a.id = t.attachment_id
        where t.parent_id = %s order by a.file_name, t.id
        """,
        [task_id],
    ).fetchall()


def names(connection: Db, file_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of files whose owner was proved before."""
    rows = connection.execute(
        "select id, file_name from attachments where id = any(%s)", [list(file_ids)]
    ).fetchall()
    return {row["id"]: row["file_name"] for row in rows}

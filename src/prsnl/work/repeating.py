"""What has to hold before a part of a file is done again."""

from __future__ import annotations

from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError
from prsnl.work.specs import ENDED


def run_of_key(connection: Db, owner: str, key: str | None) -> int | None:
    """The number of the run that an idempotency key stands for already."""
    row = connection.execute(
        "select (command->'rerun'->>'run')::integer as run from tasks "
        "where owner = %s and idempotency_key = %s",
        [owner, key],
    ).fetchone()
    return None if row is None else row["run"]


def refuse_while_open(connection: Db, attachment_id: UUID, *, then: str) -> None:
    """Refuse while a task of the file has not ended.

    Args:
        connection: In the transaction of the submit.
        attachment_id: The file.
        then: What to do after that, such as "run pages again".

    Raises:
        ConflictError: One has not.
    """
    ended = [str(status) for status in ENDED]
    row = connection.execute(
        "select status from tasks where attachment_id = %s and not status = any(%s) "
        "limit 1",
        [attachment_id, ended],
    ).fetchone()
    if row is not None:
        raise ConflictError(
            f"A task of this file is {row['status']}: wait until it has ended, or "
            f"cancel it, then {then}."
        )

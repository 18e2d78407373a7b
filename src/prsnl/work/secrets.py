"""A password on its way from the API to a worker, in no row, key, event or log.

It is cut in two: random bytes in the storage, and the password combined with them in
a row. Neither half says anything without the other. The row's half goes in the
transaction that ends the task, however it ends; `sweep` removes the rest.
"""

from __future__ import annotations

import os
from typing import Final
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.core.errors import BadRequestError, NotFoundError
from prsnl.core.storage import Storage

#: Every half is so long: its length says nothing of the password's.
_BYTES: Final = 512
_ABANDONED: Final = "1 hour"
_SEALED: Final = """
select sealed, pad from task_secrets
where sealed is not null
  and task_id in (%(id)s, (select parent_id from tasks where id = %(id)s))
order by task_id = %(id)s desc limit 1
"""


def seal(connection: Db, storage: Storage, task_id: UUID, secret: str) -> None:
    """Keep the secret of a task that is submitted next, or in this transaction.

    Raises:
        BadRequestError: It is too long.
    """
    plain = secret.encode()
    if len(plain) > _BYTES - 2:
        raise BadRequestError(
            f"The password is longer than {_BYTES - 2} bytes: no document has one."
        )
    padded = len(plain).to_bytes(2, "big") + plain + bytes(_BYTES - 2 - len(plain))
    pad = os.urandom(_BYTES)
    name = storage.put_bytes(pad)
    connection.execute(
        "insert into task_secrets (task_id, sealed, pad) values (%s, %s, %s) "
        "on conflict do nothing",
        [task_id, _combined(padded, pad), name],
    )


def reveal(database: Database, storage: Storage, task_id: UUID) -> str | None:
    """The secret of a task, or of the one it is a part of: a file of an archive.

    None if neither has one, or its half is gone.
    """
    row = database.run(
        lambda connection: connection.execute(_SEALED, {"id": task_id}).fetchone()
    )
    if row is None:
        return None
    try:
        with storage.open(row["pad"]) as file:
            padded = _combined(bytes(row["sealed"]), file.read())
    except NotFoundError:
        return None
    length = int.from_bytes(padded[:2], "big")
    return padded[2 : 2 + length].decode()


def sweep(connection: Db, storage: Storage) -> int:
    """Remove what ended tasks, and submits that came to nothing, have left."""
    rows = connection.execute(
        f"""
        delete from task_secrets s
        where s.sealed is null
           or (s.created_at < now() - interval '{_ABANDONED}'
               and not exists (select 1 from tasks t where t.id = s.task_id))
        returning pad
        """
    ).fetchall()
    for row in rows:
        storage.delete(row["pad"])
    return len(rows)


def _combined(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))

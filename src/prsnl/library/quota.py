"""How much one owner may keep."""

from __future__ import annotations

from typing import Final

from prsnl.core.db import Db
from prsnl.core.errors import QuotaError
from prsnl.core.incoming import told_bytes
from prsnl.items.store import NewFile

# Two uploads at once must not both find the same room.
_ALONE: Final = "select pg_advisory_xact_lock(hashtextextended('quota ' || %s, 0))"
_USED: Final = """
select coalesce(sum(size_bytes), 0)::bigint as used,
       coalesce(bool_or(sha256 = %s), false) as is_there
from attachments where owner = %s
"""


def require_room(connection: Db, file: NewFile, quota_bytes: int | None) -> None:
    """Make sure that a file fits into its owner's room, in the caller's transaction.

    What is there already takes no more. The trash counts until it is emptied.

    Raises:
        QuotaError: It does not fit.
    """
    if quota_bytes is None:
        return
    connection.execute(_ALONE, [file.owner])
    row = connection.execute(_USED, [file.sha256, file.owner]).fetchone()
    assert row is not None
    if row["is_there"] or row["used"] + file.size_bytes <= quota_bytes:
        return
    raise QuotaError(
        f"There is no room for {told_bytes(file.size_bytes)}: "
        f"{told_bytes(row['used'])} of the {told_bytes(quota_bytes)} that you may keep "
        "here are used. Delete something and empty the trash, or have "
        "PRSNL_QUOTA_BYTES raised on the server."
    )

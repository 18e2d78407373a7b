"""What a changed setting releases: whatever waited for it is tried again."""

from __future__ import annotations

from typing import Final

from prsnl.core.db import Db
from prsnl.work import providers

_NAME: Final = "engines"

# A row that is not there yet is a first start: nothing was set before.
_NOTE: Final = """
insert into engine_settings (name, mark) values (%(name)s, %(mark)s)
on conflict (name) do update set mark = excluded.mark, changed_at = now()
where engine_settings.mark <> excluded.mark
returning xmax <> 0 as is_changed
"""

# Those that wait between two tries, and those that wait for a limit: it may be another
# now, or another provider's. Each takes its turn under the limits of now.
_TRY_AGAIN: Final = """
with again as (
    update tasks
    set status = 'queued', due_at = now(), sent_at = null, waits_for = null,
        updated_at = now(), seq = seq + 1, message = 'Tried again: a setting changed'
    where not held
      and (status = 'parked' and waits_for is not null
           or status = 'queued' and due_at > now() and retries > 0)
    returning *
)
insert into task_progress (task_id, owner, seq, status, current, total, message)
select id, owner, seq, status, current, total, message from again
"""


def begin_with(connection: Db, mark: str) -> bool:
    """Note the settings that a worker begins with, and release what waited for others.

    A provider that was away is tried with one task, as at every return; all else that
    waits comes back to the queue. Of workers that begin together the first releases.

    Args:
        connection: To the database; one transaction.
        mark: The same for the same settings.

    Returns:
        Whether they have changed.
    """
    with connection.transaction():
        row = connection.execute(_NOTE, {"name": _NAME, "mark": mark}).fetchone()
        if row is None or not row["is_changed"]:
            return False
        connection.execute(_TRY_AGAIN)
        providers.release(connection)
    return True

"""Takes back what silent workers hold; runs every sixth of a lease."""

from __future__ import annotations

from typing import Final

from prsnl.core.db import Db
from prsnl.core.errors import ChildCrashedError, PrsnlError
from prsnl.work.claim import Claim, Ending, Fence, end
from prsnl.work.failures import judge
from prsnl.work.progress import Step
from prsnl.work.specs import Status

_BATCH: Final = 100

_EXPIRED: Final = """
select id, owner, name, command, claim_no, retries, crashes, parent_id, attachment_id,
       provider, current, total, cancel_requested_at is not null as is_cancelled
from tasks where status = 'running' and lease_until < now()
order by lease_until limit %s for update skip locked
"""

_MESSAGE: Final = (
    "The worker that ran this task fell silent (killed, or its host went away)."
)


def reap(connection: Db) -> int:
    """End the claims whose lease has run out; tell how many.

    Each goes back to the queue at once, or is dead after the third crash in a row
    with nothing committed in between.
    """
    with connection.transaction():
        rows = connection.execute(_EXPIRED, [_BATCH]).fetchall()
        for row in rows:
            step = Step(row.pop("current"), row.pop("total"), "", is_event=True)
            is_cancelled = row.pop("is_cancelled")
            claimed = Claim(**row)
            fence = end(
                connection, claimed, _ending(claimed, step, is_cancelled=is_cancelled)
            )
            assert fence is Fence.HELD, "the row was locked by us"
    return len(rows)


def _ending(claimed: Claim, step: Step, *, is_cancelled: bool) -> Ending:
    if is_cancelled:
        return Ending(status=Status.REVOKED, step=step, message="Cancelled")
    error: PrsnlError = ChildCrashedError(_MESSAGE)
    verdict = judge(
        error, retries=claimed.retries, crashes=claimed.crashes, retry_waits_s=()
    )
    message = _MESSAGE
    if verdict.status is Status.DEAD:
        message = (
            "The task was given up: three workers in a row died of it with nothing "
            "done in between. Look at the file, then retry."
        )
        error = ChildCrashedError(message)
    return Ending(
        status=verdict.status,
        step=step,
        message=message,
        crashes=verdict.crashes,
        error=error,
        provider=claimed.provider,
    )

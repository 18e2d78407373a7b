"""Takes back what silent workers hold; runs every sixth of a lease."""

from __future__ import annotations

from typing import Final

from prsnl.core.db import Db
from prsnl.core.errors import ChildCrashedError, PrsnlError, UnavailableError
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

#: A crash that was none is one no more, once; what came of the task since stays.
_PARDON: Final = """
with pardoned as (
    update celery_task_results set error_code = %(is_code)s,
        error_category = %(is_category)s
    where task_id = %(id)s and claim_no = %(claim_no)s and error_code = %(was)s
    returning task_id
)
update tasks t set crashes = t.crashes - 1 from pardoned p
where t.id = p.task_id and t.crashes > 0 and t.status in ('queued', 'running')
"""
#: So often a task is given back by a worker that was cut off. One that cuts its worker
#: off itself, such as by taking all of the machine, then counts its crashes.
_MOST_GIVEN_BACK: Final = 20

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


def give_back(connection: Db, claimed: Claim) -> None:
    """End a claim whose worker lives, and could not say so: the database was away.

    It raises no counter: it was not the task that silenced the worker.
    """
    if claimed.claim_no > _MOST_GIVEN_BACK:
        return
    given_back = Ending(
        status=Status.QUEUED,
        step=Step(0, None, "", is_event=True),
        message="Given back: the database was out of its worker's reach",
        provider=claimed.provider,
    )
    end(connection, claimed, given_back)
    # If it was reaped before.
    connection.execute(
        _PARDON,
        {
            "id": claimed.id,
            "claim_no": claimed.claim_no,
            "was": ChildCrashedError.code,
            "is_code": UnavailableError.code,
            "is_category": UnavailableError.category,
        },
    )


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

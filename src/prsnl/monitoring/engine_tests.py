"""The tests of engines that an owner has asked for: one at a time for each job."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.engines.inventory.jobs import Job
from prsnl.wire.engines import EngineTestBody, EngineTried
from prsnl.work import ledger
from prsnl.work.ledger import TaskView
from prsnl.work.specs import DEAD_LETTERS, ENDED, Status

# By an index of its own, which names these tasks; see the migration.
_NEWEST: Final = """
select distinct on (command ->> 'job') id, command ->> 'job' as job
from tasks
where owner = %(owner)s
  and name in ('try_file_engine_task', 'try_media_engine_task', 'try_ai_engine_task')
  and (%(job)s::text is null or command ->> 'job' = %(job)s)
order by command ->> 'job', id desc
"""
#: A task that has failed says why by itself.
_UNSAID: Final = "The test itself has failed: its task tells more."


def newest(connection: Db, *, owner: str) -> dict[str, EngineTestBody]:
    """What came of the newest test of each job."""
    rows = connection.execute(_NEWEST, {"owner": owner, "job": None}).fetchall()
    jobs = {row["id"]: row["job"] for row in rows}
    views = ledger.some(connection, list(jobs), owner=owner)
    return {jobs[view.task_id]: _body(view) for view in views}


def newest_of(connection: Db, job: Job, *, owner: str) -> TaskView | None:
    """The newest test of one job."""
    values = {"owner": owner, "job": str(job)}
    row = connection.execute(_NEWEST, values).fetchone()
    return None if row is None else ledger.task(connection, row["id"], owner=owner)


def is_under_way(test: TaskView | None) -> bool:
    """Whether one more would tell nothing new."""
    return test is not None and test.status not in ENDED


def key_after(job: Job, test: TaskView | None) -> str:
    """What makes two that ask at the same time ask for the same test."""
    before: UUID | str = "none" if test is None else test.task_id
    return f"engine test of {job}, after {before}"


def _body(view: TaskView) -> EngineTestBody:
    tried = None
    if view.status is Status.SUCCESS and view.result is not None:
        tried = EngineTried.model_validate(view.result)
    works, said = (None, None) if tried is None else (tried.works, tried.said)
    if view.status in DEAD_LETTERS:
        works, said = False, (view.error or {}).get("message") or _UNSAID
    return EngineTestBody(
        task_id=view.task_id,
        status=view.status,
        waiting_because=view.waiting_because,
        works=works,
        engine=tried.engine if tried else None,
        said=said,
        milliseconds=tried.milliseconds if tried else None,
        created_at=view.created_at,
        finished_at=view.finished_at,
    )

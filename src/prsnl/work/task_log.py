"""The log of a task: what rows tell of it, and what workers had to say beside.

Claims, ends and stages are rows already. What else a worker logs within a task is kept
in memory and written with the beat, many lines in one statement: no task waits for it,
and one that nothing is logged of costs nothing.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from prsnl.core.db import Db
from prsnl.work.workers import WorkerIdentity

#: Lines of one task that are kept; what comes later is in the worker's own log alone.
MOST_LINES: Final = 500
#: Lines that one worker holds until its next beat.
_MOST_HELD: Final = 2000
_FIELD_CHARACTERS: Final = 8000
#: What rows tell, and the log of a worker as well.
STARTED: Final = "task.started"
ENDED: Final = "task.ended"
_TOLD_BY_ROWS: Final = frozenset({STARTED, ENDED})
#: Columns of their own, or the row's; and what a foreign error says, which may quote a
#: document: it stays in the worker's own log.
_NOT_FIELDS: Final = frozenset(
    {"task_id", "attempt", "task", "queue", "owner", "stage", "host"}
    | {"timestamp", "level", "event", "exception"}
)

_KEEP: Final = """
insert into task_log (task_id, claim_no, logged_at, level, event, stage, host,
                      worker_id, fields)
select l.task_id, l.claim_no, l.logged_at, l.level, l.event, l.stage, %(host)s,
       %(worker)s, l.fields
from unnest(%(ids)s::uuid[], %(claims)s::integer[], %(times)s::timestamptz[],
            %(levels)s::text[], %(events)s::text[], %(stages)s::text[],
            %(fields)s::jsonb[])
     with ordinality
     as l (task_id, claim_no, logged_at, level, event, stage, fields, place)
join tasks t on t.id = l.task_id
where (select count(*) from task_log k where k.task_id = l.task_id) < %(most)s
order by l.place
"""

# The end of a claim is where its row is; one that has not ended, or was lost, has none.
_READ: Final = """
with asked as (
    select id from tasks where id = %(task)s and owner = %(owner)s
), ended as (
    select r.* from celery_task_results r join asked a on a.id = r.task_id
), told (logged_at, source, place, level, event, attempt, stage, host, worker_id,
         fields) as (
    select started_at, 1, claim_no::bigint, 'info', 'task.started', claim_no,
           null::text, null::text, worker_id,
           jsonb_build_object('waited_s',
               round(extract(epoch from started_at - queued_at)::numeric, 3))
    from ended
    union all
    select t.claimed_at, 1, t.claim_no, 'info', 'task.started', t.claim_no,
           null, null, t.worker_id, '{}'
    from tasks t join asked a on a.id = t.id
    where t.claimed_at is not null
      and not exists (select from ended e where e.claim_no = t.claim_no)
    union all
    select s.committed_at, 2,
           row_number() over (order by s.committed_at, s.stage, s.run, s.unit),
           'info', 'stage.done', s.claim_no, s.stage, null, null,
           jsonb_strip_nulls(jsonb_build_object('unit', nullif(s.unit, 0),
               'run', nullif(s.run, 0), 'ms', round(s.milliseconds::numeric, 1),
               'known_before', nullif(s.from_checkpoint, false)))
    from task_stages s join asked a on a.id = s.task_id
    union all
    select l.logged_at, 3, l.id, l.level, l.event, l.claim_no, l.stage, l.host,
           l.worker_id, l.fields
    from task_log l join asked a on a.id = l.task_id
    union all
    select finished_at, 4, claim_no,
           case when error_code is null then 'info' else 'warning' end,
           'task.ended', claim_no, null, null, worker_id,
           jsonb_strip_nulls(jsonb_build_object('status', status,
               'seconds', round(runtime_s::numeric, 3), 'code', error_code,
               'retries', nullif(retry_count, 0),
               'peak_memory_bytes', peak_memory_bytes))
    from ended
)
select told.logged_at, told.source, told.place, told.level, told.event, told.attempt,
       told.stage, coalesce(told.host, w.host) as host, told.worker_id, told.fields
from told left join workers w on w.id = told.worker_id
where %(after_at)s::timestamptz is null
   or (told.logged_at, told.source, told.place)
      > (%(after_at)s, %(after_source)s, %(after_place)s)
order by told.logged_at, told.source, told.place limit %(limit)s
"""


@dataclass(frozen=True, kw_only=True)
class LogView:
    """One line, and where it stands among the others."""

    logged_at: datetime
    source: int
    place: int
    level: str
    event: str
    attempt: int
    stage: str | None
    host: str | None
    worker_id: UUID | None
    fields: dict[str, Any]


def lines(
    connection: Db,
    task_id: UUID,
    *,
    owner: str,
    after: tuple[datetime, int, int] | None = None,
    limit: int,
) -> list[LogView]:
    """The lines of a task of *owner*, the oldest first.

    Args:
        connection: In autocommit.
        task_id: Which.
        owner: Whose; of another's there are none.
        after: `logged_at`, `source` and `place` of the last line that is known.
        limit: So many at most.
    """
    at, source, place = after or (None, None, None)
    rows = connection.execute(
        _READ,
        {
            "task": task_id,
            "owner": owner,
            "after_at": at,
            "after_source": source,
            "after_place": place,
            "limit": limit,
        },
    ).fetchall()
    return [LogView(**row) for row in rows]


@dataclass(frozen=True)
class _Line:
    task_id: UUID
    claim_no: int
    logged_at: datetime
    told: dict[str, Any]


@dataclass
class TaskLog:
    """Keeps what one process logs of its tasks, until the beat writes it."""

    worker: WorkerIdentity
    _held: deque[_Line] = field(default_factory=lambda: deque(maxlen=_MOST_HELD))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(
        self, _logger: object, _method: str, told: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Look at a line on its way, as a processor of structlog; it goes on as it is.

        One that tells of no claim, or what a row tells, is let by.
        """
        attempt = told.get("attempt")
        if attempt is not None and told.get("event") not in _TOLD_BY_ROWS:
            line = _Line(
                UUID(str(told["task_id"])), int(attempt), datetime.now(UTC), dict(told)
            )
            with self._lock:
                self._held.append(line)
        return told

    @property
    def has_lines(self) -> bool:
        """Whether there is something to write."""
        return bool(self._held)

    def write(self, connection: Db) -> None:
        """Write what is held; on an error it is held again."""
        with self._lock:
            held = list(self._held)
            self._held.clear()
        if not held:
            return
        try:
            self._write(connection, _bounded(held))
        except BaseException:
            with self._lock:
                self._held.extendleft(reversed(held))
            raise

    def _write(self, connection: Db, held: list[_Line]) -> None:
        connection.execute(
            _KEEP,
            {
                "host": self.worker.host,
                "worker": self.worker.id,
                "most": MOST_LINES,
                "ids": [one.task_id for one in held],
                "claims": [one.claim_no for one in held],
                "times": [one.logged_at for one in held],
                "levels": [one.told.get("level", "info") for one in held],
                "events": [one.told["event"] for one in held],
                "stages": [one.told.get("stage") for one in held],
                "fields": [Jsonb(_fields(one.told)) for one in held],
            },
        )


def keep_lines(log: TaskLog) -> None:
    """Have every line of this process pass by *log*, just before it is rendered."""
    *before, renderer = structlog.get_config()["processors"]
    structlog.configure(processors=[*before, log.note, renderer])


def _bounded(held: list[_Line]) -> list[_Line]:
    """At most so many of each task."""
    seen: Counter[UUID] = Counter()
    kept = []
    for one in held:
        seen[one.task_id] += 1
        if seen[one.task_id] <= MOST_LINES:
            kept.append(one)
    return kept


def _fields(told: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _plain(value) for name, value in told.items() if name not in _NOT_FIELDS
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value).replace("\0", "")[:_FIELD_CHARACTERS]

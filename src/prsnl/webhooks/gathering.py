"""From ends of tasks to messages: few of them, each end told once.

Who wants every end is told of all that ended since the last look in one message.
Who wants to know when work has ended is told once nothing is under way any more, of
all that has ended since the last time: of a folder of three hundred files once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from prsnl.core.db import Db, Row
from prsnl.core.ids import new_id
from prsnl.webhooks.specs import DELIVER, DeliverWebhook
from prsnl.wire.webhooks import MOST_TASKS, EndedTask, Event, Message
from prsnl.work.specs import DEAD_LETTERS, ENDED, Status
from prsnl.work.submit import submission, submit

#: Ends that one look reads.
_MOST_ENDS: Final = 5000
#: With so many messages that did not arrive yet, further ends wait for one of theirs.
_MOST_OPEN: Final = 10
_BY_STATUS: Final = {
    Status.SUCCESS: Event.TASK_SUCCEEDED,
    Status.FAILURE: Event.TASK_FAILED,
    Status.DEAD: Event.TASK_FAILED,
    Status.REVOKED: Event.TASK_CANCELLED,
}

_LISTENING: Final = """
select w.id, w.owner, w.events, w.ends_xid::text as ends_xid, w.ends_id,
       w.work_xid::text as work_xid, w.work_id
from webhooks w
where w.disabled_at is null and (
    select count(*) from webhook_deliveries d
    where d.webhook_id = w.id and d.outcome is null) < %s
order by w.id for update of w skip locked
"""

# Whole tasks only: a batch is one, and its parts are in its result. Its own messages
# are no news.
_ENDS: Final = """
with ends as (
    select p.xid, p.id, p.task_id, p.status
    from task_progress p
    where p.owner = %(owner)s and (p.xid, p.id) > (%(xid)s::xid8, %(id)s)
      and p.xid < pg_snapshot_xmin(pg_current_snapshot())
      and p.status = any(%(ended)s)
    order by p.xid, p.id limit %(limit)s
)
select e.xid::text as xid, e.id, t.id as task_id, t.name as task, t.queue, t.status,
       t.error_code, t.attachment_id, a.item_id,
       coalesce(t.finished_at, t.updated_at) as finished_at,
       t.status = e.status and t.parent_id is null and t.name <> %(own)s as is_news
from ends e join tasks t on t.id = e.task_id
left join attachments a on a.id = t.attachment_id
order by e.xid, e.id
"""

_UNDER_WAY: Final = """
select exists (
    select from tasks where owner = %(owner)s and name <> %(own)s
      and status in ('queued', 'running', 'waiting')) as is_so
"""


@dataclass(frozen=True)
class _Track:
    """One of the two places in the feed that a webhook has."""

    name: str
    wanted: frozenset[Event]


def gather(connection: Db) -> int:
    """Make messages of what has ended; tell how many, for they are due now."""
    with connection.transaction():
        listening = connection.execute(_LISTENING, [_MOST_OPEN]).fetchall()
        return sum(_gathered(connection, row) for row in listening)


def ping(connection: Db, webhook_id: UUID, *, owner: str) -> UUID:
    """Make a message that tells of nothing; tell the task that delivers it."""
    with connection.transaction():
        return _queue(connection, webhook_id, owner, Event.PING, [])


def _gathered(connection: Db, webhook: Row) -> int:
    events = frozenset(map(Event, webhook["events"]))
    made = 0
    if single := events - {Event.WORK_ENDED}:
        made += _track(connection, webhook, _Track("ends", single))
    if Event.WORK_ENDED in events and not _is_under_way(connection, webhook["owner"]):
        made += _track(connection, webhook, _Track("work", frozenset(Event)))
    return made


def _track(connection: Db, webhook: Row, track: _Track) -> int:
    rows = connection.execute(
        _ENDS,
        {
            "owner": webhook["owner"],
            "xid": webhook[f"{track.name}_xid"],
            "id": webhook[f"{track.name}_id"],
            "ended": [str(status) for status in ENDED],
            "limit": _MOST_ENDS,
            "own": DELIVER.name,
        },
    ).fetchall()
    if not rows:
        return 0
    connection.execute(
        f"update webhooks set {track.name}_xid = %s::xid8, {track.name}_id = %s "
        "where id = %s",
        [rows[-1]["xid"], rows[-1]["id"], webhook["id"]],
    )
    news = [
        row
        for row in {row["task_id"]: row for row in rows if row["is_news"]}.values()
        if _BY_STATUS[Status(row["status"])] in track.wanted
    ]
    if track.name == "work":
        _queue_if(connection, webhook, Event.WORK_ENDED, news)
        return 1 if news else 0
    made = 0
    for event in sorted(track.wanted):
        of_event = [row for row in news if _BY_STATUS[Status(row["status"])] is event]
        made += _queue_if(connection, webhook, event, of_event)
    return made


def _queue_if(connection: Db, webhook: Row, event: Event, news: list[Row]) -> int:
    if news:
        _queue(connection, webhook["id"], webhook["owner"], event, news)
    return 1 if news else 0


def _is_under_way(connection: Db, owner: str) -> bool:
    """Whether anything moves; what waits for a provider may wait for days."""
    row = connection.execute(
        _UNDER_WAY, {"owner": owner, "own": DELIVER.name}
    ).fetchone()
    return bool(row and row["is_so"])


def _queue(
    connection: Db,
    webhook_id: UUID,
    owner: str,
    event: Event,
    news: Sequence[Row],
) -> UUID:
    """Write a message down, and queue the task that sends it."""
    message = _message(event, news)
    wanted = submission(DELIVER, DeliverWebhook(delivery_id=message.id), owner=owner)
    task_id = submit(connection, [wanted])[0].task_id
    connection.execute(
        "insert into webhook_deliveries (id, webhook_id, owner, task_id, event, body) "
        "values (%s, %s, %s, %s, %s, %s)",
        [
            message.id,
            webhook_id,
            owner,
            task_id,
            str(event),
            Jsonb(message.model_dump(mode="json")),
        ],
    )
    return task_id


def _message(event: Event, news: Sequence[Row]) -> Message:
    failed_first = sorted(news, key=lambda row: row["status"] not in DEAD_LETTERS)
    named = [
        EndedTask(**{name: row[name] for name in EndedTask.model_fields})
        for row in failed_first[:MOST_TASKS]
    ]
    return Message(
        id=new_id(),
        event=event,
        created_at=datetime.now(UTC),
        counts=dict(Counter(row["status"] for row in news)),
        tasks=named,
        not_named=len(news) - len(named),
    )

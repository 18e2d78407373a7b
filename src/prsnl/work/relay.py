"""The relay: from rows that are due to hints in the broker.

A hint is a task's name and id. Few are out at a time, so that order, fairness and
pausing are SQL, and a broker that forgets everything has lost a handful.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from celery import Celery

from prsnl.core.db import Database, Db
from prsnl.core.errors import UnavailableError
from prsnl.work import caps
from prsnl.work.broker import BROKER_ERRORS, Broker, Held, broker_at, celery_settings
from prsnl.work.claim import unsend
from prsnl.work.line import WITH_OWNERS
from prsnl.work.queues import QUEUES
from prsnl.work.ring import Channel, Listener
from prsnl.work.workers import GONE_AFTER

_POLL_S: Final = 1.0
#: Between two looks: what is released meanwhile goes out in one batch.
_LEAST_PAUSE_S: Final = 0.01
_CHECK_BROKER_S: Final = 1.0
_BATCHES: Final = 4
_NAMES: Final = tuple(str(spec.queue) for spec in QUEUES)

#: Per queue that is not paused: the slots of live workers, and the hints believed out.
STATE: Final = """
with slots as (
    select q.queue, sum(w.slots) as slots
    from workers w, unnest(w.queues) as q (queue)
    where w.kind = 'worker' and w.state = 'running' and w.seen_at > now() - %(gone)s
      and not exists (select from queue_pauses p where p.queue = q.queue)
    group by q.queue
)
select s.queue, s.slots, (
    select count(*) from tasks t
    where t.queue = s.queue and t.status = 'queued' and t.sent_at is not null) as out
from slots s
"""

#: The next ids of each queue: each owner gives its first few, and who has least running
#: comes first.
_PICK: Final = f"""
select picked.id
from unnest(%(queues)s::text[], %(rooms)s::integer[]) as q (queue, room)
cross join lateral (
    {WITH_OWNERS}
    select first.id
    from owners o
    cross join lateral (
        select t.id, t.priority, t.due_at,
               row_number() over (order by t.priority desc, t.due_at, t.id) as place
        from tasks t
        where t.status = 'queued' and t.sent_at is null and not t.held
          and t.queue = q.queue and t.owner = o.owner and t.due_at <= now()
        order by t.priority desc, t.due_at, t.id limit {{each}}
    ) first
    cross join lateral (
        select count(*) as running from tasks t
        where t.status = 'running' and t.queue = q.queue and t.owner = o.owner
    ) now_running
    where o.owner is not null
    order by now_running.running + first.place, first.priority desc, first.due_at,
             first.id
    limit q.room
) picked
"""

PICK: Final = _PICK.format(each="q.room")

#: The same where an owner may have only so many running: hints that are out count.
_PICK_CAPPED: Final = _PICK.format(
    each="""least(q.room, greatest(0, %(cap)s
        - (select count(*) from tasks b where b.status = 'running'
           and b.owner = o.owner)
        - (select count(*) from tasks b where b.status = 'queued'
           and b.sent_at is not null and b.owner = o.owner)))"""
)
_RUNNING: Final = """
select queue, count(*) as n from tasks where status = 'running' group by queue
"""

#: Committed before the hints are published: a hint is never out unknown. The commit
#: does not wait for the disk: a server that falls down right then forgets that some
#: hints are out, they are sent again, and the second ones change nothing.
MARK_SENT: Final = """
with quick as materialized (
    select set_config('synchronous_commit', 'off', true)
), due as materialized (
    select id from tasks, quick
    where id = any(%(ids)s) and status = 'queued' and sent_at is null
    for update of tasks skip locked
)
update tasks t set sent_at = now() from due where t.id = due.id
returning t.id, t.name, t.queue
"""

#: Nobody took these for a while, and the broker holds fewer than we sent.
FORGET_SENT: Final = """
update tasks set sent_at = null
where id in (
    select id from tasks
    where status = 'queued' and queue = %(queue)s and sent_at < now() - %(after)s
    order by sent_at limit %(count)s for update skip locked)
"""

_FORGET_ALL: Final = """
update tasks set sent_at = null where status = 'queued' and sent_at is not null
"""

log = structlog.get_logger()


def celery_app(broker_url: str) -> Celery:
    """Celery as PRSNL uses it: a carrier of hints, with nothing to remember."""
    app = Celery("prsnl", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_create_missing_queues=True,
        task_default_queue="prsnl_unrouted",
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=3,
        broker_connection_max_retries=None,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        **celery_settings(broker_url),
    )
    return app


@dataclass(frozen=True)
class Hint:
    """All that a message says."""

    task_id: UUID
    name: str
    queue: str


def publish(app: Celery, hints: Sequence[Hint]) -> None:
    """Send hints in one batch; a task's id and name are Celery's own."""
    with app.producer_pool.acquire(block=True) as producer:
        producer.connection.ensure_connection(max_retries=1)
        with producer.batch():
            for hint in hints:
                message = app.amqp.as_task_v2(
                    str(hint.task_id), hint.name, args=(), kwargs={}
                )
                producer.publish(
                    message.body,
                    exchange="",
                    routing_key=hint.queue,
                    serializer="json",
                    headers=message.headers,
                    **message.properties,
                )


@dataclass
class Window:
    """How many hints may be out: twice the slots, and the claims of the last second.

    The claims are told from what went away since the last look. Where there are many,
    hints go out in batches of a quarter of the window: one look for each of them
    costs the servers more than the task.
    """

    _claims: deque[tuple[float, int]] = field(default_factory=deque)
    _out: int = 0

    def room(self, *, slots: int, out: int, now: float) -> int:
        """So many more may be sent now."""
        if (claimed := self._out - out) > 0:
            self._claims.append((now, claimed))
        while self._claims and self._claims[0][0] < now - 1:
            self._claims.popleft()
        self._out = out
        whole = 2 * slots + sum(count for _, count in self._claims)
        room = max(0, whole - out)
        is_worth_it = room >= whole // _BATCHES or out <= slots
        return room if is_worth_it else 0

    @property
    def out(self) -> int:
        """How many are believed out."""
        return self._out

    @property
    def is_open(self) -> bool:
        """Whether hints were out at the last look."""
        return self._out > 0

    def sent(self, count: int) -> None:
        """Count what was sent."""
        self._out += count


@dataclass
class Relay:
    """Sends hints until told to stop; any number may run side by side."""

    database: Database
    app: Celery
    listener: Listener
    resend_after: timedelta
    #: The reason why nothing can be sent, for those who wait; None if all is well.
    trouble: str | None = None
    _windows: dict[str, Window] = field(default_factory=dict)
    _checked_at: float = float("-inf")
    _broker: Broker | None = None

    def run(self, stop: threading.Event) -> None:
        """Relay until *stop* is set."""
        while not stop.is_set():
            try:
                sent = self.turn()
            except UnavailableError:
                log.warning("relay.database_away")
                sent = 0
            if not sent:
                self.listener.wait(_POLL_S)
            time.sleep(_LEAST_PAUSE_S)
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.listener.close()
        if self._broker is not None:
            self._broker.close()

    def turn(self) -> int:
        """Look once; tell how many hints went out."""
        if time.monotonic() - self._checked_at >= _CHECK_BROKER_S:
            self._check_broker()
            self._checked_at = time.monotonic()
        if self.trouble is not None:
            return 0
        rows = self.database.run(self._mark, patience_s=0)
        if rows:
            self._publish(rows)
        return len(rows)

    def _mark(self, connection: Db) -> list[dict[str, Any]]:
        rooms = self._rooms(connection)
        in_force = caps.read(connection) if rooms else caps.NONE
        if in_force.running:
            rooms = self._capped(connection, rooms, in_force)
        if not rooms:
            return []
        cap = in_force.owner_running
        picked = connection.execute(
            PICK if cap is None else _PICK_CAPPED,
            {"queues": list(rooms), "rooms": list(rooms.values()), "cap": cap},
        ).fetchall()
        if not picked:
            return []
        sent = connection.execute(
            MARK_SENT, {"ids": [row["id"] for row in picked]}
        ).fetchall()
        for queue, window in self._windows.items():
            window.sent(sum(row["queue"] == queue for row in sent))
        by_id = {row["id"]: row for row in sent}
        return [by_id[row["id"]] for row in picked if row["id"] in by_id]

    def _rooms(self, connection: Db) -> dict[str, int]:
        now = time.monotonic()
        rooms = {}
        for row in connection.execute(STATE, {"gone": GONE_AFTER}).fetchall():
            window = self._windows.setdefault(row["queue"], Window())
            room = window.room(slots=row["slots"], out=row["out"], now=now)
            if room:
                rooms[row["queue"]] = room
        return rooms

    def _capped(
        self, connection: Db, rooms: dict[str, int], in_force: caps.Caps
    ) -> dict[str, int]:
        """No more for a queue than it may have running, hints that are out counted."""
        rows = connection.execute(_RUNNING).fetchall()
        running = {row["queue"]: row["n"] for row in rows}
        told = {}
        for queue, room in rooms.items():
            cap = in_force.running.get(queue)
            out = self._windows[queue].out
            left = room if cap is None else cap - running.get(queue, 0) - out
            if (fits := min(room, left)) > 0:
                told[queue] = fits
        return told

    def _publish(self, rows: Sequence[dict[str, Any]]) -> None:
        try:
            publish(self.app, [Hint(r["id"], r["name"], r["queue"]) for r in rows])
        except BROKER_ERRORS as error:
            self._note_trouble(error)
            self._unsend([row["id"] for row in rows])

    def _unsend(self, ids: list[UUID]) -> None:
        self.database.run(
            partial(unsend, task_ids=ids),
            patience_s=1,
        )

    def _check_broker(self) -> None:
        try:
            held = self._held()
        except BROKER_ERRORS as error:
            self._note_trouble(error)
            return
        if self.trouble is not None:
            log.info("relay.broker_back")
            self.trouble = None
        may_be_out = not self._windows or any(
            window.is_open for window in self._windows.values()
        )
        if held.is_new or may_be_out:
            self.database.run(partial(self._forget, held), patience_s=0)

    def _held(self) -> Held:
        if self._broker is None:
            self._broker = broker_at(self.app.conf.broker_url)
        return self._broker.look(_NAMES)

    def _forget(self, held: Held, connection: Db) -> None:
        if held.is_new:
            forgotten = connection.execute(_FORGET_ALL).rowcount
            log.info("relay.broker_is_new", hints_sent_again=forgotten)
            return
        for row in connection.execute(STATE, {"gone": GONE_AFTER}).fetchall():
            lost = row["out"] - held.lengths.get(row["queue"], 0)
            if lost > 0:
                connection.execute(
                    FORGET_SENT,
                    {
                        "queue": row["queue"],
                        "after": self.resend_after,
                        "count": lost,
                    },
                )

    def _note_trouble(self, error: Exception) -> None:
        if self._broker is not None:
            self._broker.close()
        if self.trouble is None:
            log.warning("relay.broker_away", error=type(error).__name__)
        self.trouble = "The broker does not answer; hints go out when it is back."


def due_listener(database_url: str) -> Listener:
    """What a relay listens to."""
    return Listener(database_url, Channel.DUE)

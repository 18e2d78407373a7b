"""Caps: how many tasks an owner, or a queue, may have running and waiting at once.

They are rows, written by the scheduler from its settings, so that the API and the
workers of every host obey the same ones. Without a row there is no cap, and nothing of
this costs more than a look at an empty table.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.core.errors import SettingsError, TooManyTasksError
from prsnl.work.queues import Queue

What = Literal["running", "queued"]

#: In the place of a queue: each owner, over all queues.
EACH_OWNER: Final = ""
_FRESH_S: Final = 1.0
#: Somebody who was refused asks again after so long: a task may have ended by then.
AGAIN_S: Final = 5.0
#: What a task waits for that is to queue more than may wait now.
PLACES: Final = "places in line"
#: Many are queued a step at a time, each of this part of the lowest cap.
_STEP: Final = 4

_WRITE: Final = """
with given as (
    select * from unnest(%(whats)s::text[], %(queues)s::text[], %(mosts)s::integer[])
        as g (what, queue, most)
), gone as (
    delete from caps c
    where not exists (
        select 1 from given g where g.what = c.what and g.queue = c.queue)
)
insert into caps (what, queue, most) select what, queue, most from given
on conflict (what, queue) do update set most = excluded.most
where caps.most <> excluded.most
"""

# Parts of a task came with it: who has a batch of a thousand waiting has one task. So
# far as the cap and no further is counted.
_WAITING_OF_OWNER: Final = """
select count(*) as n from (
    select 1 from tasks
    where owner = %(owner)s and parent_id is null
      and status in ('queued', 'parked')
    limit %(most)s) t
"""
_WAITING_IN_QUEUE: Final = """
select count(*) as n from (
    select 1 from tasks
    where queue = %(queue)s and parent_id is null
      and status in ('queued', 'parked')
    limit %(most)s) t
"""

#: Who would take a task has to stand behind others that would: two at once must not
#: both find the last place.
_LOCK: Final = """
select pg_advisory_xact_lock(hashtextextended('cap ' || lockable, 0))
from unnest(%(names)s::text[]) lockable order by lockable
"""
_WANTED: Final = """
select owner, queue from tasks where id = %(id)s and status = 'queued'
"""
_RUNNING: Final = """
select count(*) filter (where owner = %(owner)s) as owner,
       count(*) filter (where queue = %(queue)s) as queue
from tasks where status = 'running' and (owner = %(owner)s or queue = %(queue)s)
"""


@dataclass(frozen=True)
class Caps:
    """The caps in force; a queue that is not named has none."""

    running: Mapping[str, int] = field(default_factory=dict)
    queued: Mapping[str, int] = field(default_factory=dict)

    @property
    def owner_running(self) -> int | None:
        """How many tasks of one owner run at once."""
        return self.running.get(EACH_OWNER)

    def reason(self, queue: str, *, of_owner: int, in_queue: int) -> str | None:
        """Why a task waits though a worker may be free; None if for no cap."""
        own, whole = self.owner_running, self.running.get(queue)
        if own is not None and of_owner >= own:
            return (
                f"You have {told_tasks(of_owner)} running, the most at once: this one "
                f"begins when {_one_of(of_owner)} ends."
            )
        if whole is not None and in_queue >= whole:
            return (
                f"{queue} has {told_tasks(in_queue)} running, the most at once: this "
                f"one begins when {_one_of(in_queue)} ends."
            )
        return None


NONE: Final = Caps()


def told_tasks(count: int) -> str:
    """A number of tasks in words: "1 task", "12 tasks"."""
    return f"{count} task{'' if count == 1 else 's'}"


def _one_of(count: int) -> str:
    return "it" if count == 1 else "one of them"


def parsed(
    owner_running: int | None,
    owner_queued: int | None,
    queue_running: str | None,
    queue_queued: str | None,
) -> Caps:
    """The caps as they are set.

    Raises:
        SettingsError: A setting names no queue of ours, or no number.
    """
    return Caps(
        running=_one(owner_running, queue_running, "PRSNL_QUEUE_RUNNING_MAX"),
        queued=_one(owner_queued, queue_queued, "PRSNL_QUEUE_QUEUED_MAX"),
    )


def _one(each_owner: int | None, by_queue: str | None, name: str) -> dict[str, int]:
    told = {} if each_owner is None else {EACH_OWNER: each_owner}
    for part in filter(None, (one.strip() for one in (by_queue or "").split(","))):
        queue, _, most = (each.strip() for each in part.partition("="))
        if queue not in set(Queue) or not most.isdecimal() or int(most) < 1:
            raise SettingsError(
                f"{name} is wrong: `{part}` is no QUEUE=NUMBER. The queues are "
                f"{', '.join(Queue)}, and a number is 1 or more."
            )
        told[queue] = int(most)
    return told


def write(connection: Db, caps: Caps) -> None:
    """Put these caps in force, for every process of every host."""
    rows = [
        (what, queue, most)
        for what, given in (("running", caps.running), ("queued", caps.queued))
        for queue, most in given.items()
    ]
    whats, queues, mosts = zip(*rows, strict=True) if rows else ((), (), ())
    connection.execute(
        _WRITE, {"whats": list(whats), "queues": list(queues), "mosts": list(mosts)}
    )


def read(connection: Db) -> Caps:
    """The caps in force."""
    rows = connection.execute("select what, queue, most from caps").fetchall()
    told: dict[str, dict[str, int]] = {"running": {}, "queued": {}}
    for row in rows:
        told[row["what"]][row["queue"]] = row["most"]
    return Caps(**told) if rows else NONE


def require_room(
    connection: Db,
    caps: Caps,
    *,
    owner: str,
    queue: str | None,
    key: str | None = None,
    then: str = "send this one",
) -> None:
    """Make sure that one more task of this owner may wait in this queue.

    Args:
        connection: Reads what waits.
        caps: Those in force.
        owner: Whose task it is.
        queue: Where it would wait; None where nobody knows yet.
        key: Its idempotency key: a task that is in already is no new one.
        then: What to do when some have ended.

    Raises:
        TooManyTasksError: So many wait already.
    """
    own = caps.queued.get(EACH_OWNER)
    whole = None if queue is None else caps.queued.get(queue)
    values = {"owner": owner, "queue": queue, "key": key}
    if own is not None and _count(connection, _WAITING_OF_OWNER, own, values) >= own:
        told = (
            f"You have {told_tasks(own)} waiting, the most at once: {then} "
            "when some have ended, or cancel what is not needed. "
            "PRSNL_OWNER_QUEUED_MAX on the server sets how many."
        )
    elif (
        whole is not None
        and _count(connection, _WAITING_IN_QUEUE, whole, values) >= whole
    ):
        told = (
            f"{queue} has {told_tasks(whole)} waiting, the most at once: {then} "
            "when some have ended. PRSNL_QUEUE_QUEUED_MAX on the server sets how many."
        )
    else:
        return
    if not _is_in(connection, owner, key):
        raise TooManyTasksError(told, retry_after_s=AGAIN_S)


def room(connection: Db, *, owner: str, queue: str) -> int | None:
    """How many more tasks of this owner may wait in this queue; None: any number."""
    queued = read(connection).queued
    values = {"owner": owner, "queue": queue}
    left = [
        most - _count(connection, statement, most, values)
        for statement, most in (
            (_WAITING_OF_OWNER, queued.get(EACH_OWNER)),
            (_WAITING_IN_QUEUE, queued.get(queue)),
        )
        if most is not None
    ]
    return min(left, default=None)


def step(connection: Db, *, most: int) -> int:
    """How many tasks are queued at a time by who has many: others find places, too."""
    lowest = min(read(connection).queued.values(), default=most * _STEP)
    return min(most, max(1, lowest // _STEP))


def why_full(connection: Db, *, owner: str, wanted: Mapping[str, int]) -> str | None:
    """Why so many more tasks of an owner may not wait now; None if they may.

    Where nothing waits they may in any case, or a cap that was lowered meanwhile would
    hold them for ever.

    Args:
        connection: Reads what waits.
        owner: Whose tasks they are.
        wanted: How many, by queue.
    """
    queued = read(connection).queued
    asked = [
        (_WAITING_OF_OWNER, EACH_OWNER, sum(wanted.values())),
        *((_WAITING_IN_QUEUE, queue, count) for queue, count in wanted.items()),
    ]
    for statement, name, count in asked:
        most = queued.get(name)
        if most is None or not count:
            continue
        values = {"owner": owner, "queue": name}
        waiting = _count(connection, statement, most, values)
        if waiting and waiting + count > most:
            whose = name or "you"
            setting = f"PRSNL_{'QUEUE' if name else 'OWNER'}_QUEUED_MAX"
            return f"{whose} may have {told_tasks(most)} waiting at once ({setting})"
    return None


def running_by_owner(connection: Db) -> dict[str, int]:
    """How many tasks of each owner run."""
    rows = connection.execute(
        "select owner, count(*) as n from tasks where status = 'running' group by owner"
    ).fetchall()
    return {row["owner"]: row["n"] for row in rows}


def _count(
    connection: Db, statement: str, most: int, values: Mapping[str, object]
) -> int:
    row = connection.execute(statement, {**values, "most": most}).fetchone()
    assert row is not None
    return int(row["n"])


def _is_in(connection: Db, owner: str, key: str | None) -> bool:
    if key is None:
        return False
    found = connection.execute(
        "select 1 from tasks where owner = %s and idempotency_key = %s", [owner, key]
    ).fetchone()
    return found is not None


def has_place(connection: Db, task_id: UUID) -> bool:
    """Whether a task may run beside those of its owner and its queue.

    In the transaction that claims it: until its end no other claim of theirs looks.
    """
    caps = read(connection)
    if not caps.running:
        return True
    wanted = connection.execute(_WANTED, {"id": task_id}).fetchone()
    if wanted is None:
        return True  # the claim itself finds that there is nothing to take
    own = caps.owner_running
    whole = caps.running.get(wanted["queue"])
    names = [
        *([f"owner {wanted['owner']}"] if own is not None else []),
        *([f"queue {wanted['queue']}"] if whole is not None else []),
    ]
    if not names:
        return True
    connection.execute(_LOCK, {"names": names})
    running = connection.execute(_RUNNING, wanted).fetchone()
    assert running is not None
    return (own is None or running["owner"] < own) and (
        whole is None or running["queue"] < whole
    )


@dataclass
class KnownCaps:
    """The caps, as the API knows them: asked anew each second."""

    database: Database
    _caps: Caps = NONE
    _read_at: float = float("-inf")

    def require_room(self, *, owner: str, queue: str | None, key: str | None) -> None:
        """Make sure that one more task may wait.

        Raises:
            TooManyTasksError: So many wait already.
        """
        caps = self.now()
        if caps.queued:
            self.database.run(
                lambda connection: require_room(
                    connection, caps, owner=owner, queue=queue, key=key
                )
            )

    def now(self) -> Caps:
        """The caps in force."""
        if not self.is_fresh:
            self._caps = self.database.run(read)
            self._read_at = time.monotonic()
        return self._caps

    @property
    def is_fresh(self) -> bool:
        """Whether they were read a moment ago."""
        return time.monotonic() - self._read_at < _FRESH_S

    @property
    def is_open(self) -> bool:
        """Whether nothing bounds what waits, as far as is known just now."""
        return self.is_fresh and not self._caps.queued

"""Why a task waits: one sentence, which also says what ends it.

Every reason is a function of its own. Of those that a state can have the first that
holds is the one: `REASONS` is the list of them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.work import caps, line
from prsnl.work.caps import Caps
from prsnl.work.line import Lines
from prsnl.work.pauses import Paused, paused
from prsnl.work.slots import GPU, HEAVY
from prsnl.work.specs import Status
from prsnl.work.workers import GONE_AFTER

_WORKERS: Final = """
select kind, queues, slots, trouble from workers
where seen_at > now() - %s and state = 'running'
"""
_RUNNING: Final = """
select queue, count(*) as n from tasks where status = 'running' group by queue
"""
_PROVIDERS: Final = """
select name, state, reason, down_since,
       extract(epoch from next_try_at - now()) as next_in_s
from providers
"""
_HOLDERS: Final = """
select m.name, t.id, t.owner
from machine_slots m join tasks t on t.id = m.task_id where m.name = any(%s)
"""
_PARTS: Final = """
select parent_id as id, count(*) as n from tasks
where parent_id = any(%s) group by parent_id
"""
_AT_ONCE: Final = """
select id, coalesce(children_at_once, 0) as n from tasks where id = any(%s)
"""

_NEXT: Final = "Next in line: a worker takes it within a moment."
_NO_SCHEDULER: Final = "No scheduler is running: start one with ./prsnl scheduler."
_KINDS: Final = {
    HEAVY: "another large job of {host}",
    GPU: "what uses the graphics processor of {host}",
}
_SECONDS_ALONE: Final = 100
_MINUTES_ALONE: Final = 100


@dataclass(frozen=True)
class Scene:
    """What is needed to say why some tasks wait; read once for all of them."""

    #: By queue: live slots, and how many are taken.
    slots: Mapping[str, int] = field(default_factory=dict)
    running: Mapping[str, int] = field(default_factory=dict)
    has_scheduler: bool = True
    trouble: str | None = None
    providers: Mapping[str, Row] = field(default_factory=dict)
    pauses: Mapping[str, Paused] = field(default_factory=dict)
    #: By slot: the tasks that hold it, with their owners.
    holders: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    #: By parent: how many parts it has, and how many of them run at once.
    parts: Mapping[UUID, int] = field(default_factory=dict)
    at_once: Mapping[UUID, int] = field(default_factory=dict)
    caps: Caps = caps.NONE
    #: By owner, where each may have only so many: how many run.
    running_of: Mapping[str, int] = field(default_factory=dict)
    #: None where a place would be out of date before it is read.
    lines: Lines | None = None

    @classmethod
    def look(cls, connection: Db, rows: Sequence[Row], *, with_place: bool) -> Scene:
        """Read what the rows that wait need.

        Args:
            connection: To the database.
            rows: Of tasks; of events with their task's columns.
            with_place: Look up where tasks stand in line, too.
        """
        parts = _numbers(connection, _PARTS, _ids_of(rows, Status.WAITING))
        waiting = [r for r in rows if r["status"] in (Status.QUEUED, Status.PARKED)]
        if not waiting:
            return cls(parts=parts)
        workers = connection.execute(_WORKERS, [GONE_AFTER]).fetchall()
        running = connection.execute(_RUNNING).fetchall()
        schedulers = [w for w in workers if w["kind"] == "scheduler"]
        queued = [row for row in waiting if row["status"] == Status.QUEUED]
        in_force = caps.read(connection)
        scene = cls(
            slots=_slots(workers),
            running={row["queue"]: row["n"] for row in running},
            has_scheduler=bool(schedulers),
            trouble=next((w["trouble"] for w in schedulers if w["trouble"]), None),
            providers={
                row["name"]: row for row in connection.execute(_PROVIDERS).fetchall()
            },
            pauses={str(name): one for name, one in paused(connection).items()},
            caps=in_force,
            running_of=(
                caps.running_by_owner(connection) if in_force.owner_running else {}
            ),
            holders=_holders(connection, queued),
            parts=parts,
            at_once=_numbers(
                connection, _AT_ONCE, {r["parent_id"] for r in queued if r["held"]}
            ),
        )
        if not with_place:
            return scene
        return replace(scene, lines=line.look(connection, scene.in_line(queued)))

    def in_line(self, rows: Iterable[Row]) -> list[tuple[str, str]]:
        """The queues and owners of those that wait for nothing but their turn."""
        return sorted(
            {
                (row["queue"], row["owner"])
                for row in rows
                if self._why(row) is next_in_line
            }
        )

    def _why(self, row: Row) -> Reason | None:
        reasons = REASONS.get(Status(row["status"]), ())
        return next((reason for reason in reasons if reason(self, row)), None)

    def reason(self, row: Row) -> str | None:
        """Why a task waits; None for one that runs, or has ended."""
        why = self._why(row)
        return why(self, row) if why else None


Reason = Callable[[Scene, Row], str | None]


def its_parts(scene: Scene, row: Row) -> str:
    """It is done when the last of its parts has ended."""
    still = row["children_open"]
    whole = max(still, scene.parts.get(_id(row), still))
    return f"Waits for {still:,} of its {whole:,} parts to end."


def a_paused_queue(scene: Scene, row: Row) -> str | None:
    """Somebody has paused its queue."""
    pause = scene.pauses.get(row["queue"])
    return pause.reason(row["queue"]) if pause else None


def a_limit(_scene: Scene, row: Row) -> str | None:
    """A limit or the budget is used up: its message says which."""
    if not row["waits_for"]:
        return None
    until = f" Goes on {in_about(row['due_in_s'])}." if row["due_in_s"] > 0 else ""
    return f"{row['message']}{until}"


def a_provider(scene: Scene, row: Row) -> str | None:
    """Its provider is away; None where nobody would try it."""
    provider = scene.providers.get(row["provider"])
    if provider is None or (not scene.has_scheduler and provider["next_in_s"] <= 0):
        return None
    name = row["provider"]
    if provider["state"] == "recovering":
        return f"{name} is back; its tasks go on a few at a time."
    if provider["state"] == "probing":
        return f"{name} is being tried with another task first."
    return (
        f"{name} is away since {clock(provider['down_since'])} ({provider['reason']}) "
        f"It is tried again {in_about(provider['next_in_s'])}."
    )


def an_unknown_provider(_scene: Scene, row: Row) -> str:
    """The scheduler takes it in hand, within a second."""
    return f"Waits for {row['provider']}; it is tried again at once."


def its_time(_scene: Scene, row: Row) -> str | None:
    """It was never to begin sooner."""
    if row["due_in_s"] <= 0 or row["retries"] or row["error_message"] or row["slot"]:
        return None
    return f"Begins {in_about(row['due_in_s'])}."


def a_slot(scene: Scene, row: Row) -> str | None:
    """Another task has what it needs for itself; whose it is not told."""
    if row["slot"] is None:
        return None
    kind, _, host = row["slot"].partition(" ")
    what = _KINDS.get(kind, "another task on {host}").format(host=host)
    own = [
        str(one["id"])
        for one in scene.holders.get(row["slot"], ())
        if one["owner"] == row["owner"]
    ]
    named = f" (task {own[0]})" if own else ""
    if row["slot"] in scene.holders:
        return f"Waits for {what} to end{named}: such jobs run one at a time."
    looks = in_about(row["due_in_s"])
    return f"Waited for {what}, which has ended: it goes on {looks} at the latest."


def a_retry(_scene: Scene, row: Row) -> str | None:
    """It failed, and is tried again later."""
    if row["due_in_s"] <= 0:
        return None
    after = row["error_message"] or row["message"]
    when = f"{in_about(row['due_in_s'])}, at {clock(row['due_at'])}, after: {after}"
    if row["retries"] and row["retries_of"]:
        return f"Retry {row['retries']} of {row['retries_of']} begins {when}"
    return f"Tries again {when}"


def no_scheduler(scene: Scene, _row: Row) -> str | None:
    """Nobody sends hints, wakes what is parked, or finds what was lost."""
    return None if scene.has_scheduler else _NO_SCHEDULER


def the_broker(scene: Scene, _row: Row) -> str | None:
    """The scheduler cannot send hints: it says why."""
    return scene.trouble


def no_worker(scene: Scene, row: Row) -> str | None:
    """Nobody serves its queue."""
    if scene.slots.get(row["queue"], 0):
        return None
    return (
        f"No worker for {row['queue']} is running: start one with "
        f"./prsnl worker {row['queue']}."
    )


def its_turn_among_parts(scene: Scene, row: Row) -> str | None:
    """Of its parent's parts only so many run at once."""
    if not row["held"]:
        return None
    number = scene.at_once.get(row["parent_id"])
    only = f"only {number:,}" if number else "only so many"
    run = "runs" if number == 1 else "run"
    return f"Waits for a part of the same batch to end: {only} {run} at once."


def a_cap(scene: Scene, row: Row) -> str | None:
    """Its owner, or its queue, has as many running as may be."""
    return scene.caps.reason(
        row["queue"],
        of_owner=scene.running_of.get(row["owner"], 0),
        in_queue=scene.running.get(row["queue"], 0),
    )


def next_in_line(scene: Scene, row: Row) -> str:
    """Others are before it, or nobody is."""
    queue = row["queue"]
    slots = scene.slots.get(queue, 0)
    free = slots - scene.running.get(queue, 0)
    head = f"Every worker for {queue} is busy ({slots} of {slots})"
    if scene.lines is None:
        return f"{head}." if free <= 0 else _NEXT
    before = scene.lines.before.get(_id(row))
    if free > 0 and before is not None and before < free:
        return _NEXT
    if free > 0:
        head = f"Waits for a worker for {queue}"
    if before is None:
        return f"{head}: more than {line.FARTHEST:,} tasks are before it in line."
    begins = line.begins_in_s(before, slots, scene.lines.took.get(queue, ()))
    when = f", begins {between(*begins)}" if begins else ""
    return f"{head}: it is number {before + 1:,} in line{when}."


#: By state, in the order in which they are looked for.
REASONS: Final[Mapping[Status, tuple[Reason, ...]]] = {
    Status.WAITING: (its_parts,),
    Status.PARKED: (
        a_paused_queue,
        a_limit,
        a_provider,
        no_scheduler,
        an_unknown_provider,
    ),
    Status.QUEUED: (
        a_paused_queue,
        its_time,
        a_slot,
        a_retry,
        no_scheduler,
        the_broker,
        no_worker,
        its_turn_among_parts,
        a_cap,
        next_in_line,
    ),
}


def reasons(
    connection: Db, rows: Sequence[Row], *, with_place: bool = True
) -> list[str | None]:
    """Why each of these tasks waits; None for one that does not."""
    scene = Scene.look(connection, rows, with_place=with_place)
    return [scene.reason(row) for row in rows]


def in_about(seconds: float) -> str:
    """`in 42 s`, `in 4 min`, `in 5 h`."""
    return "at once" if seconds < 1 else f"in {_length(seconds)}"


def between(low_s: float, high_s: float) -> str:
    """`in 10 to 20 s`, `in 40 s to 2 min`."""
    low, high = _length(low_s), _length(high_s)
    if low == high:
        return f"in about {high}"
    (number, unit), (_, other) = low.split(), high.split()
    return f"in {number if unit == other else low} to {high}"


def clock(at: datetime) -> str:
    """A time in everybody's zone: the reader may be anywhere."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _length(seconds: float) -> str:
    if seconds < _SECONDS_ALONE:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < _MINUTES_ALONE else f"{round(minutes / 60)} h"


def _id(row: Row) -> UUID:
    """Of a task's row, or of an event's."""
    found = row.get("task_id", row["id"])
    assert isinstance(found, UUID)
    return found


def _ids_of(rows: Iterable[Row], status: Status) -> set[UUID]:
    return {_id(row) for row in rows if row["status"] == status}


def _numbers(connection: Db, query: str, ids: Iterable[UUID]) -> dict[UUID, int]:
    wanted = list(ids)
    if not wanted:
        return {}
    rows = connection.execute(query, [wanted]).fetchall()
    return {row["id"]: row["n"] for row in rows}


def _slots(workers: Sequence[Row]) -> dict[str, int]:
    slots: dict[str, int] = {}
    for worker in workers:
        for queue in worker["queues"]:
            slots[queue] = slots.get(queue, 0) + worker["slots"]
    return slots


def _holders(connection: Db, queued: Sequence[Row]) -> dict[str, list[Row]]:
    names = sorted({row["slot"] for row in queued if row["slot"]})
    found: dict[str, list[Row]] = {}
    if names:
        for row in connection.execute(_HOLDERS, [names]).fetchall():
            found.setdefault(row["name"], []).append(row)
    return found

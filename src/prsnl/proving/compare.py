"""Plain Celery under the same faults: what it loses and what it does twice."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final
from uuid import UUID, uuid4

from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from rich.table import Table

from prsnl.core.db import Db
from prsnl.proving import plain_worker
from prsnl.proving.harness import Harness
from prsnl.proving.report import Report
from prsnl.proving.scene import Scene

_POLL_S: Final = 0.5
_QUIET_S: Final = 25.0

_BOOKS: Final = """
select count(distinct d.task_id) as done,
       (select count(*) from (
            select task_id from proving_effects where n > 1 group by task_id) t
       ) as doubled
from proving_done d
"""


@dataclass(frozen=True)
class Plain:
    """What plain Celery did.

    Attributes:
        tasks: What it was given, and took.
        lost: Never done, with nothing left that would do it within the run.
        held: Of these, so many messages wait for the visibility timeout of an hour.
        doubled: Tasks of which some effect was had twice.
    """

    seconds: float
    faults: int
    tasks: int
    lost: int
    held: int
    doubled: int


@dataclass
class PlainLoad:
    """Submits counters as `send_task` does."""

    seed: int
    ids: list[UUID] = field(default_factory=list)

    def top_up(self, scene: Scene, backlog: int) -> None:
        """Keep so many in the queue; what the broker does not take, not now."""
        with suppress(BrokerError, RedisError, OSError):
            with scene.broker() as broker:
                waiting = int(broker.llen(plain_worker.QUEUE))
            self._submit(scene, max(0, backlog - waiting))

    def _submit(self, scene: Scene, wanted: int) -> None:
        if not wanted:
            return
        with plain_worker.plain_app(scene.urls.broker_url) as app:
            for _ in range(wanted):
                task_id = uuid4()
                random = Random(f"{self.seed}/{len(self.ids)}")  # noqa: S311 - a seed
                shape = {
                    "stages": 3,
                    "units": random.choice([1, 1, 2]),
                    "work_ms": random.choice([1, 10, 100]),
                }
                app.send_task(
                    plain_worker.NAME,
                    kwargs=shape,
                    task_id=str(task_id),
                    queue=plain_worker.QUEUE,
                    retry=False,
                )
                self.ids.append(task_id)


class PlainHarness(Harness):
    """The same harness, around plain Celery."""

    def compare(self) -> Plain:
        """Load, hurt, wait, count."""
        with self.stack() as scene:
            scene.is_ours = False
            load = PlainLoad(self.plan.seed)
            self._began_s = time.monotonic()
            self._hurt(scene, load)
            seconds = time.monotonic() - self._began_s
            self._await_quiet(scene, load)
            row = scene.again(_books)
            return Plain(
                seconds=seconds,
                faults=len(self._injected),
                tasks=len(load.ids),
                lost=len(load.ids) - row[0],
                held=_held(scene),
                doubled=row[1],
            )

    def _await_quiet(self, scene: Scene, load: PlainLoad) -> None:
        """Wait until all is done, or nothing more is."""
        self._say(load, "no more faults; waiting until nothing more is done")
        done, since_s = -1, time.monotonic()
        while time.monotonic() - since_s < _QUIET_S:
            now, _ = scene.again(_books)
            if now >= len(load.ids):
                return
            if now != done:
                done, since_s = now, time.monotonic()
            time.sleep(_POLL_S)

    def _tell(self, scene: Scene) -> None:
        """Its tasks have no rows to be counted."""


def _books(connection: Db) -> tuple[int, int]:
    row = connection.execute(_BOOKS).fetchone()
    assert row is not None
    return int(row["done"]), int(row["doubled"])


def _held(scene: Scene) -> int:
    with suppress(RedisError), scene.broker() as broker:
        return int(broker.hlen("unacked"))
    return 0


def side_by_side(ours: Report, plain: Plain) -> Table:
    """Two columns."""
    made = Table("", "PRSNL", "plain Celery, acks_late", box=None)
    for name, one, other in (
        ("tasks", ours.audit.tasks, plain.tasks),
        ("faults", sum(ours.faults.values()), plain.faults),
        ("lost", ours.audit.lost + ours.audit.stuck, plain.lost),
        ("  of these held for an hour", 0, plain.held),
        ("done twice", ours.audit.doubled, plain.doubled),
    ):
        made.add_row(name, str(one), str(other))
    return made

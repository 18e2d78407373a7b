"""The scaler with real rows and real processes, as light as they may be."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from prsnl.core.db import Database, connect
from prsnl.embedded.machine import Machine
from prsnl.embedded.scaling import Bounds, Rows, Scaler
from prsnl.embedded.supervisor import ProcessSpec, State, Supervisor
from prsnl.proving.specs import COUNT, Count
from prsnl.work.pauses import pause, resume
from prsnl.work.queues import Queue
from prsnl.work.submit import submission, submit
from prsnl.work.workers import WorkerIdentity, say_seen
from tests.integration.embedded.test_supervisor import until

QUEUES = (Queue.FILE_PROCESSING,)
KIND = "light"
BOUNDS = Bounds(least=1, most=4)
IDLE_S = 30.0
ROOMY = Machine(cores=4, available_bytes=64 * 2**30, load_per_core=0)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as running:
        yield running


@dataclass
class House:
    """A scaler, its processes, and hands to move rows and time."""

    folder: Path
    database: Database
    supervisor: Supervisor
    scaler: Scaler
    now_s: float = 0.0
    #: The worker's row of each process, by its name.
    rows: dict[str, WorkerIdentity] = field(default_factory=dict)

    def submit(self, count: int) -> None:
        wanted = [submission(COUNT, Count(stages=1), owner="ada") for _ in range(count)]
        with self.database.transaction() as connection:
            submit(connection, wanted)

    def names(self) -> list[str]:
        """Those that take tasks."""
        return sorted(
            state.name
            for state in self.supervisor.states()
            if state.state is not State.RETIRING
        )

    def report(self) -> None:
        """Give each process its row, and each row a task while there is one."""
        for state in self.supervisor.states():
            if state.pid is None:
                continue
            row = self.rows.setdefault(
                state.name,
                WorkerIdentity(kind="worker", queues=QUEUES, slots=1, pid=state.pid),
            )
            with self.database.connection() as connection:
                say_seen(connection, row)
                connection.execute(
                    "update tasks set status = 'running', worker_id = %(id)s "
                    "where id = (select id from tasks where status = 'queued' limit 1) "
                    "and not exists (select from tasks where worker_id = %(id)s "
                    "and status = 'running')",
                    {"id": row.id},
                )

    def finish(self, *, keep: int = 0) -> None:
        """Let all tasks be done but so many that run."""
        with self.database.connection() as connection:
            connection.execute(
                "update tasks set status = 'success' where status = 'queued' or id in "
                "(select id from tasks where status = 'running' order by id offset %s)",
                [keep],
            )

    def is_started(self, count: int) -> bool:
        told = [self.folder / name for name in self.names()]
        return len(told) == count and all(each.exists() for each in told)

    def turn(self, *, after_s: float = 1.0) -> None:
        self.now_s += after_s
        self.scaler.turn()


@pytest.fixture
def house(
    tmp_path: Path, database: Database, database_url: str, supervisor: Supervisor
) -> Iterator[House]:
    def spec(number: int) -> ProcessSpec:
        name = f"{KIND}-{number}"
        # Told to retire it finishes something first.
        script = (
            f"trap \"sleep 0.1; echo finished >> '{tmp_path}/{name}'; exit 0\" USR2; "
            f"trap \"echo cut >> '{tmp_path}/{name}'; exit 0\" TERM; "
            f"echo began > '{tmp_path}/{name}'; while true; do sleep 0.02; done"
        )
        return ProcessSpec(
            name=name, argv=("sh", "-c", script), retire_signal=signal.SIGUSR2
        )

    rows = Rows(database_url, QUEUES, BOUNDS.most)
    made = House(
        tmp_path,
        database,
        supervisor,
        Scaler(
            supervisor=supervisor,
            spec=spec,
            kind=KIND,
            bounds=BOUNDS,
            demand=rows.look,
            machine=lambda: ROOMY,
            idle_s=IDLE_S,
            clock=lambda: made.now_s,
        ),
    )
    supervisor.add(spec(1))
    until(lambda: made.is_started(1))
    yield made
    rows.close()


def test_two_hundred_due_tasks_bring_the_most_and_their_end_the_fewest(
    house: House,
) -> None:
    house.turn()
    assert house.names() == ["light-1"]

    house.submit(200)
    house.turn()
    until(lambda: house.is_started(4))
    house.report()
    house.turn(after_s=10 * IDLE_S)
    assert len(house.names()) == 4

    house.finish(keep=1)  # a long one goes on
    house.turn()
    house.turn(after_s=IDLE_S - 2)
    assert len(house.names()) == 4, "more may come"
    house.turn(after_s=3)
    assert len(house.names()) == 2, "the busy one, and one in spare"
    busy = next(row.pid for name, row in house.rows.items() if name in house.names())
    os.kill(busy, 0)

    house.finish()
    house.turn()
    house.turn(after_s=IDLE_S)
    until(lambda: len(house.supervisor.states()) == 1)
    lives = [(house.folder / f"light-{n}").read_text().split() for n in range(1, 5)]
    assert sorted(lives) == [["began"], *[["began", "finished"]] * 3]


def test_the_busy_one_is_never_chosen(house: House) -> None:
    house.submit(4)
    house.turn()
    until(lambda: house.is_started(4))
    house.report()
    house.finish(keep=2)
    with house.database.connection() as connection:
        busy = {
            row["pid"]
            for row in connection.execute(
                "select w.pid from workers w join tasks t on t.worker_id = w.id "
                "where t.status = 'running'"
            )
        }

    house.turn()
    house.turn(after_s=IDLE_S)

    until(lambda: len(house.supervisor.states()) == 3)
    assert busy <= {state.pid for state in house.supervisor.states()}


def test_one_that_dies_while_it_leaves_is_not_started_again(house: House) -> None:
    house.submit(1)
    house.turn()
    until(lambda: house.is_started(2))
    leaving = next(s for s in house.supervisor.states() if s.name == "light-2")
    assert leaving.pid is not None

    house.supervisor.retire("light-2")
    os.killpg(leaving.pid, signal.SIGKILL)

    until(lambda: [s.name for s in house.supervisor.states()] == ["light-1"])


def test_a_stop_does_not_wait_for_one_that_finishes_what_it_has(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    """Its task goes back, as that of every worker does."""
    script = (
        f"trap '' USR2; trap \"touch '{tmp_path}/cut'; exit 0\" TERM; "
        f"touch '{tmp_path}/began'; while true; do sleep 0.02; done"
    )
    supervisor.add(
        ProcessSpec(
            name="light-1", argv=("sh", "-c", script), retire_signal=signal.SIGUSR2
        )
    )
    until((tmp_path / "began").exists)

    supervisor.retire("light-1")
    supervisor.stop()

    assert (tmp_path / "cut").exists()


def test_without_the_database_all_stays_and_goes_on_when_it_is_back(
    house: House, database_url: str
) -> None:
    name = database_url.rsplit("/", 1)[1]
    with connect(database_url.rsplit("/", 1)[0] + "/postgres") as admin:
        house.turn()
        admin.execute(f"alter database {name} allow_connections false")
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
            [name],
        )
        house.turn(after_s=10 * IDLE_S)
        house.turn(after_s=10 * IDLE_S)
        assert house.names() == ["light-1"]
        admin.execute(f"alter database {name} allow_connections true")

    house.submit(8)
    house.turn()

    assert len(house.names()) == 4


def test_of_a_paused_queue_nothing_is_due(house: House) -> None:
    """Workers would only wait."""
    house.submit(8)
    with house.database.connection() as connection:
        pause(connection, Queue.FILE_PROCESSING, by="ada")
        house.turn()
        assert house.names() == ["light-1"]
        resume(connection, Queue.FILE_PROCESSING)
    house.turn()

    assert len(house.names()) == 4


def test_what_waits_for_later_or_for_a_sibling_is_not_due(house: House) -> None:
    house.submit(3)
    with house.database.connection() as connection:
        connection.execute("update tasks set due_at = now() + interval '1 minute'")
        connection.execute(
            "update tasks set held = true, due_at = now() where id = "
            "(select id from tasks limit 1)"
        )

    house.turn()

    assert house.names() == ["light-1"]

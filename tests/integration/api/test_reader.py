"""The reader of a process, without its bell and its poll."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID, uuid4

import pytest

from prsnl.core.db import Database
from prsnl.monitoring.reader import OfTask, Reader
from prsnl.work.ring import Listener
from tests.fakes.progress_events import steps, submitted

PATIENCE_S = 20.0


class DeafListener(Listener):
    """Hears no ring, and never polls: it only returns when it is called."""

    def __init__(self) -> None:
        super().__init__("postgresql://nobody/nothing")

    def wait(self, timeout_s: float, *, or_readable: int | None = None) -> bool:
        """Wait for the call."""
        del timeout_s
        select.select([or_readable], [], [])
        return False


@pytest.fixture
def reader(database: Database) -> Iterator[Reader]:
    made = Reader(database, DeafListener())
    with closing(made):
        yield made
    made.join()


async def have_looked(reader: Reader) -> None:
    """Let the reader look once, for somebody else."""
    with reader.watching(uuid4(), 0) as watch:
        async with asyncio.timeout(PATIENCE_S):
            await watch.changed.wait()


def test_who_was_busy_when_the_bell_rang_is_not_left_to_the_next_ring(
    database: Database, reader: Reader
) -> None:
    """The look that the ring was for has asked for the others only."""
    task_id: UUID = submitted(database, "ada")

    async def follow() -> tuple[int, int]:
        with reader.following("ada", OfTask(task_id, -1)) as follower:
            before = await follower.more(PATIENCE_S)
            await asyncio.to_thread(steps, database, task_id, "one")
            await have_looked(reader)
            after = await follower.more(PATIENCE_S)
        return len(before), len(after)

    assert asyncio.run(follow()) == (1, 1)


def test_an_event_that_nobody_understands_does_not_end_the_others(
    database: Database, reader: Reader
) -> None:
    """As during an update, when newer workers know more states than this process."""
    task_id, strange = submitted(database, "ada"), submitted(database, "ben")
    with database.connection() as connection:
        connection.execute(
            "update task_progress set status = 'unheard of' where task_id = %s",
            [strange],
        )

    async def follow() -> tuple[int, int]:
        with reader.following("ben", OfTask(strange, -1)) as his:
            missed = await his.more(timeout_s=1)
        with reader.following("ada", OfTask(task_id, -1)) as hers:
            return len(missed), len(await hers.more(PATIENCE_S))

    assert asyncio.run(follow()) == (0, 1)


def test_who_comes_when_it_is_over_is_sent_home(reader: Reader) -> None:
    async def follow() -> bool:
        reader.close()
        with reader.following("ada", OfTask(uuid4(), -1)) as follower:
            await follower.more(PATIENCE_S)
            return follower.has_ended

    assert asyncio.run(follow())

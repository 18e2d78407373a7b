"""Many tasks or items of one owner: picked once, then worked through in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from pydantic import BaseModel

from prsnl.engines.contracts import Value
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage

#: Between two commits, and between two looks for a cancel.
BATCH: Final = 50

R = TypeVar("R", bound=BaseModel)


class Picked(Value):
    """Those that fitted when the task began."""

    ids: tuple[UUID, ...]
    #: So many go together.
    at_once: int = BATCH


@dataclass(frozen=True)
class Batch:
    """Those that go together."""

    ids: Sequence[UUID]
    #: How many came before them, and how many there are in all.
    before: int
    of: int


def in_batches(
    run: TaskRun,
    pick: Stage[Picked],
    picked: Callable[[], Picked],
    stage: Stage[R],
    work: Callable[[Batch], R],
) -> list[R]:
    """Pick ids as one stage and work through them as another, a batch a unit.

    A batch that was under way when its worker died is done again: *work* has to find
    out what of it was done before.

    Returns:
        What became of each batch, in the order of the ids.
    """
    found = run.stage(
        pick,
        inputs=[run.task_id.bytes],
        work=picked,
        store=lambda _connection, _picked: None,
    )
    batches = dict(enumerate(_batches(found.value), start=1))
    run.progress.expect(1 + len(batches))

    def each(units: Sequence[int]) -> Iterator[tuple[int, R]]:
        for unit in units:
            yield unit, work(batches[unit])
            run.rang()

    done = run.units(
        stage,
        units=list(batches),
        inputs=[found.key],
        work=each,
        store=lambda _connection, _made: None,
    )
    run.rang()
    return list(done.values.values())


def _batches(picked: Picked) -> Iterator[Batch]:
    count, size = len(picked.ids), picked.at_once
    for before in range(0, count, size):
        yield Batch(picked.ids[before : before + size], before, count)

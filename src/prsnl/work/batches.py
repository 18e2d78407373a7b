"""Many tasks or items of one owner: picked once, then worked through in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar
from uuid import UUID

from pydantic import BaseModel

from prsnl.engines.contracts import Value
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage

#: Between two commits, and between two looks for a cancel.
_BATCH: Final = 50

R = TypeVar("R", bound=BaseModel)


class Picked(Value):
    """Those that fitted when the task began."""

    ids: tuple[UUID, ...]


def in_batches(
    run: TaskRun,
    pick: Stage[Picked],
    ids: Callable[[], Iterable[UUID]],
    stage: Stage[R],
    work: Callable[[Sequence[UUID]], R],
) -> list[R]:
    """Pick ids as one stage and work through them as another, a batch a unit.

    A batch that was under way when its worker died is done again: *work* has to find
    out what of it was done before.

    Returns:
        What became of each batch, in the order of the ids.
    """
    picked = run.stage(
        pick,
        inputs=[run.task_id.bytes],
        work=lambda: Picked(ids=tuple(ids())),
        store=lambda _connection, _picked: None,
    )
    found = picked.value.ids
    batches = dict(
        enumerate((found[n : n + _BATCH] for n in range(0, len(found), _BATCH)), 1)
    )
    run.progress.expect(1 + len(batches))

    def each(units: Sequence[int]) -> Iterator[tuple[int, R]]:
        for unit in units:
            yield unit, work(batches[unit])
            run.rang()

    done = run.units(
        stage,
        units=list(batches),
        inputs=[picked.key],
        work=each,
        store=lambda _connection, _made: None,
    )
    run.rang()
    return list(done.values.values())

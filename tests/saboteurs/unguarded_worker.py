"""A worker that takes every commit for a new one: the guard's conflict is an update."""

from __future__ import annotations

import sys

from prsnl import worker
from prsnl.proving.worker import proving_wiring
from prsnl.work import stages
from prsnl.work.queues import Queue


def remove_the_guard() -> None:
    """Have the effects of a stage applied whenever it is found."""
    before = stages.GUARD
    vars(stages)["GUARD"] = before.replace(
        "on conflict do nothing",
        "on conflict (task_id, stage, unit, run) do update set run = excluded.run",
    )
    assert before != vars(stages)["GUARD"]


if __name__ == "__main__":
    remove_the_guard()
    worker.main(proving_wiring(), [Queue(name) for name in sys.argv[1:]])

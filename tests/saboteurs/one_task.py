"""Does one task of the product in a process of its own, so that it can be killed.

`python -m tests.saboteurs.one_task TASK_ID`, with the settings of a worker.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from uuid import UUID

from prsnl.wiring import read
from prsnl.work.runner import Runner
from prsnl.work.workers import WorkerIdentity


def main(task_id: UUID) -> None:
    """Claim and do a task, as a worker does."""
    wiring = read()
    worker = WorkerIdentity(kind="worker", slots=1)
    with (
        wiring.database("test", size=4) as database,
        wiring.services(database) as services,
    ):
        beat = wiring.beat(database, worker, services)
        with beat.beating():
            Runner(
                database=database,
                storage=wiring.storage,
                catalogue=wiring.catalogue,
                services=services,
                beat=beat,
                rang=lambda: None,
                told=lambda: None,
                waits_scale=0.01,
                provider_probe=timedelta(seconds=1),
            ).execute(task_id)


if __name__ == "__main__":
    main(UUID(sys.argv[1]))

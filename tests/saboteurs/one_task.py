"""Does one task of the product in a process of its own, so that it can be killed.

`python -m tests.saboteurs.one_task TASK_ID`, with the settings of a worker.
"""

from __future__ import annotations

import sys
from uuid import UUID

from prsnl.wiring import read
from tests.fakes.one_worker import runner_on


def main(task_id: UUID) -> None:
    """Claim and do a task, as a worker does."""
    with runner_on(read()) as runner:
        runner.execute(task_id)


if __name__ == "__main__":
    main(UUID(sys.argv[1]))

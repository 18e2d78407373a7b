"""Plain Celery as most people set it up, doing the same counting: to compare with.

Late acknowledgement, one message ahead, JSON, results in the broker, three more tries
after an error. Each effect is committed when it is done, as such tasks do.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from celery import Celery

from prsnl.core.db import connect
from prsnl.proving.service import EFFECT
from prsnl.work.queues import Queue

QUEUE: Final = str(Queue.FILE_PROCESSING)
NAME: Final = "count"

_DONE: Final = "insert into proving_done (task_id) values (%s)"


def plain_app(broker_url: str) -> Celery:
    """The application, for a worker and for who submits."""
    app = Celery("plain", broker=broker_url, backend=broker_url)
    app.conf.update(
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_timeout": 5},
        result_serializer="json",
        task_acks_late=True,
        task_default_queue=QUEUE,
        task_serializer="json",
        worker_prefetch_multiplier=1,
    )
    return app


def _count(task: Any, *, stages: int, units: int, work_ms: int) -> dict[str, int]:
    """Count each unit of each stage; nobody says which are counted already."""
    with connect(os.environ["PRSNL_DATABASE_URL"]) as connection:
        for stage in range(1, stages + 1):
            for unit in range(1, units + 1):
                time.sleep(work_ms / 1e3)
                name = f"count {stage}"
                connection.execute(EFFECT, [task.request.id, name, unit])
        connection.execute(_DONE, [task.request.id])
    return {"effects": stages * units}


def main(environment: Mapping[str, str]) -> None:
    """Work until TERM."""
    app = plain_app(environment["PRSNL_BROKER_URL"])
    app.task(
        name=NAME,
        bind=True,
        autoretry_for=(Exception,),
        max_retries=3,
        default_retry_delay=1,
    )(_count)
    app.worker_main(
        ["worker", "-c", "1", "-Q", QUEUE, "-l", "WARNING", "-n", f"w{os.getpid()}@%h"]
    )


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    main(os.environ)

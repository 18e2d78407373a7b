"""Bare Celery in its usual settings, to compare with; run by `throughput`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

QUEUE = "bare"
EVENTS = 5

app = Celery(
    "bare_celery",
    broker=os.environ["PRSNL_BROKER_URL"],
    backend=os.environ["BARE_RESULTS_URL"],
)
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    task_acks_late=True,
    task_default_queue=QUEUE,
    broker_connection_retry_on_startup=True,
)


@app.task(name="plain")  # type: ignore[untyped-decorator]
def plain(events: int) -> dict[str, int]:
    """Nothing; the result is stored."""
    return {"events": events}


@app.task(name="telling", bind=True)  # type: ignore[untyped-decorator]
def telling(task: Any, events: int) -> dict[str, int]:
    """Nothing, with as many stored states."""
    for number in range(1, events + 1):
        task.update_state(
            state="PROGRESS",
            meta={"current": number, "total": events, "message": f"Tick {number}"},
        )
    return {"events": events}

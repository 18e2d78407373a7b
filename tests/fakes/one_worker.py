"""A worker in the caller's own process, that does what it is given at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from prsnl.wiring import Wiring
from prsnl.work.runner import Runner
from prsnl.work.workers import WorkerIdentity


@contextmanager
def runner_on(wiring: Wiring, *, waits_scale: float = 0.01) -> Iterator[Runner]:
    """The runner of a worker with everything that its wiring has, and no broker."""
    with (
        wiring.database("test", size=4) as database,
        wiring.services(database) as services,
    ):
        beat = wiring.beat(database, WorkerIdentity(kind="worker", slots=1), services)
        with beat.beating():
            yield Runner(
                database=database,
                storage=wiring.storage,
                catalogue=wiring.catalogue,
                services=services,
                beat=beat,
                rang=lambda: None,
                told=lambda: None,
                waits_scale=waits_scale,
                provider_probe=timedelta(seconds=1),
            )

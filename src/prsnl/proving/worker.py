"""A real worker that counts too: `python -m prsnl.proving.worker QUEUE...`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from prsnl import wiring, worker
from prsnl.core.db import Database
from prsnl.core.logging import configure_logging
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.proving.service import Prover
from prsnl.proving.tasks import TASKS
from prsnl.wiring import Wiring
from prsnl.work.queues import Queue
from prsnl.work.run import Services
from prsnl.work.specs import Catalogue

_OPERATIONS = {**OPERATIONS, "proving.hold": "prsnl.proving.operations:hold"}


class ProvingWiring(Wiring):
    """The product's wiring, with the harness's tasks beside its own."""

    @contextmanager
    def services(self, database: Database) -> Iterator[Services]:
        """The product's services and the prover."""
        with super().services(database) as ours:
            prover = Prover(database, ours.get(SandboxPool))
            yield Services({**ours.by_type, Prover: prover})


def proving_wiring() -> Wiring:
    """Read the settings; add the tasks that are counted."""
    plain = wiring.read()
    return ProvingWiring(
        **{
            **vars(plain),
            "catalogue": Catalogue.merged([plain.catalogue, TASKS]),
            "operations": _OPERATIONS,
        }
    )


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if not name.startswith("--")]
    threads = next(
        (int(a.removeprefix("--threads=")) for a in sys.argv if "--threads=" in a), 1
    )
    wired = proving_wiring()
    configure_logging(wired.settings.logs)
    worker.main(wired, [Queue(name) for name in names], threads=threads)

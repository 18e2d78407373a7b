"""A real worker whose one task asks a server one question through the gate."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

import httpx2

from prsnl import wiring, worker
from prsnl.core.db import Database
from prsnl.core.errors import ProviderFailedError, ProviderUnreachableError
from prsnl.engines import guarded
from prsnl.engines.reach import endpoint
from prsnl.wiring import Wiring
from prsnl.wiring.outside import gate
from prsnl.work.outside import Answered, Gate, Outgoing
from prsnl.work.queues import Queue
from prsnl.work.run import Services, TaskRun
from prsnl.work.specs import Catalogue, Command, Result, TaskSpec

URL: Final = "PRSNL_BENCH_URL"
PROVIDER: Final = "bench"


class Ask(Command):
    """One question."""

    number: int


class Asked(Result):
    """It was answered."""


ASK: Final = TaskSpec(
    name="ask_task", queue=Queue.AI_PROCESSING, command=Ask, result=Asked
)
TASKS: Final = Catalogue()


@TASKS.handles(ASK)
def ask_task(run: TaskRun, _command: Ask) -> Asked:
    """Ask once."""
    url = os.environ[URL]
    going = Outgoing(
        endpoint=endpoint("compatible", url, "model"),
        stage="ask",
        purpose="bench",
        sent_bytes=10,
        tokens_in=100,
        tokens_out=100,
    )
    run.get(Gate).call(run, going, lambda key: _send(url, key))
    return Asked()


def _send(url: str, key: str) -> Answered[None]:
    try:
        answer = _client().post(url, content=key)
    except httpx2.ConnectError as error:
        raise ProviderUnreachableError("The server is away.") from error
    if answer.is_server_error:
        raise ProviderFailedError("The server failed.")
    return Answered(value=None, tokens_in=100, tokens_out=100)


@cache
def _client() -> httpx2.Client:
    return guarded.client(timeout_s=30)


class AskingWiring(Wiring):
    """A gate, and nothing else of the product's services."""

    @contextmanager
    def services(self, database: Database) -> Iterator[Services]:
        """What the one task needs, and the sandbox that the beat looks at."""
        with super().services(database) as ours:
            own = {Gate: gate(self.settings, database)}
            yield Services({**ours.by_type, **own})


if __name__ == "__main__":
    plain = wiring.read()
    asking = AskingWiring(
        **{**vars(plain), "catalogue": Catalogue.merged([plain.catalogue, TASKS])}
    )
    worker.main(asking, [ASK.queue], threads=int(sys.argv[1]))

"""The server that a command works with: one that runs, or its own while it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from prsnl.client import Client
from prsnl.core.settings import Settings
from prsnl.terminal import servers
from prsnl.terminal.stack import service
from prsnl.wire.access import Scope

_STARTING: Final = "Starting the database, the broker and the workers ..."


@contextmanager
def reached(
    settings: Settings,
    server: str | None,
    *,
    what: str,
    is_quiet: bool,
    needed: Sequence[Scope] = (Scope.READ, Scope.WRITE),
) -> Iterator[Client]:
    """The server in use: named, running, or started for as long as the block runs.

    Args:
        settings: What the user set.
        server: The address that he named, if he did.
        what: The command, for whoever finds the data folder held.
        is_quiet: Say nothing of a start.
        needed: What the key must be good for.
    """
    client = servers.named(settings, server)
    client = client or servers.running(settings, is_lasting=True)
    with ExitStack() as stack:
        if client is None:
            if not is_quiet and sys.stderr.isatty():
                sys.stderr.write(f"{_STARTING}\n")
            started = stack.enter_context(service(settings, what=what, is_passing=True))
            client = servers.own(settings, started.url)
        yield stack.enter_context(servers.checked(client, *needed))

"""What a weaker engine has done, done again with the one that is set now."""

from __future__ import annotations

from prsnl.client import Client
from prsnl.core.settings import Settings
from prsnl.terminal import servers
from prsnl.terminal.live import print_lines

COMMAND = "./prsnl engines redo"


def redo(settings: Settings, server: str | None) -> int:
    """Queue every draft of a transcript again; tell how many, and how long it takes.

    Raises:
        UnavailableError: No server runs.
    """
    with servers.required(settings, server) as client:
        told = client.redo_drafts()
    print_lines(told.message)
    if told.count:
        print_lines("Follow them: ./prsnl status --watch")
    return 0


def drafts_there(settings: Settings) -> str | None:
    """What could be done again at the server that runs here; None if nothing could."""
    client = servers.running(settings)
    if client is None:
        return None
    with client:
        return _told(client)


def _told(client: Client) -> str | None:
    found = client.drafts()
    return f"{found.message} {COMMAND} does it." if found.count else None

"""Which server a command talks to."""

from __future__ import annotations

from prsnl.client import Client, is_local, local_key
from prsnl.core.errors import ForbiddenError, PrsnlError, UnavailableError
from prsnl.core.settings import Settings
from prsnl.discovery import RunningServer
from prsnl.wire.access import Scope


def named(settings: Settings, server: str | None) -> Client | None:
    """The server that the user named; None if he named none.

    Raises:
        BadRequestError: The address is none.
    """
    url = server or settings.server.server
    return None if url is None else _client(settings, url)


def running(settings: Settings, *, is_lasting: bool = False) -> Client | None:
    """The server that runs on the data folder; None if there is none.

    Args:
        settings: What the user set.
        is_lasting: Only one that goes on when the command that started it ends.
    """
    found = RunningServer.find(settings.storage.folder)
    if found is None or (is_lasting and found.is_passing):
        return None
    client = _client(settings, found.url)
    try:
        client.health()
    except UnavailableError:
        client.close()
        return None
    return client


def required(settings: Settings, server: str | None) -> Client:
    """The named server, or the one that runs here.

    Raises:
        UnavailableError: There is none.
    """
    client = named(settings, server) or running(settings)
    if client is None:
        raise UnavailableError(
            "No server is running: start one with ./prsnl up, or name one with "
            "PRSNL_SERVER."
        )
    return client


def checked(client: Client, *needed: Scope) -> Client:
    """The same client, once its server and its key are known to be good.

    Else every file would fail for itself, and after a minute's patience each.

    Raises:
        PrsnlError: No server answers, or the key may not do this; one sentence.
    """
    try:
        who = client.me()
    except PrsnlError:
        client.close()
        raise
    lacking = [scope for scope in needed if scope not in who.scopes]
    if lacking:
        client.close()
        raise ForbiddenError(
            f"The key in use may not do this at {client.server}: it lacks the scope "
            f"`{'` and `'.join(lacking)}`. Set PRSNL_API_KEY to one that has it "
            "(./prsnl keys create makes one)."
        )
    return client


def own(settings: Settings, url: str) -> Client:
    """A client for the server that this command has started."""
    return _client(settings, url)


def _client(settings: Settings, url: str) -> Client:
    """The key of this data folder is told to nobody but this machine."""
    given = settings.server.api_key
    key = given.get_secret_value() if given else None
    if key is None and is_local(url):
        key = local_key(settings.storage.folder)
    return Client(url, key)

"""What would be better, and is on this machine already."""

from __future__ import annotations

from prsnl.core.settings import Settings
from prsnl.discovery import RunningServer
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.nearby import Nearby, look


def around(settings: Settings) -> tuple[Nearby, ...]:
    """The language model servers on loopback, where none is set; never our own."""
    if language_model.chosen(settings) is not None:
        return ()
    own = {settings.server.port}
    if (running := RunningServer.find(settings.storage.folder)) is not None:
        own.add(int(running.url.rpartition(":")[2]))
    return look(but=own)


def better_summaries(settings: Settings) -> str | None:
    """What runs on this machine and would write summaries; None if nothing does.

    Who has said that he wants none is not told again.
    """
    if settings.llm.llm_provider is not None:
        return None
    for server in around(settings):
        if server.chat_models:
            return (
                f"Better summaries: {server.name} is running on this machine: "
                f"{server.command}"
            )
    return None

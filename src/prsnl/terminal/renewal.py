"""Changed settings taken up by what runs on the data folder."""

from __future__ import annotations

import os
from contextlib import suppress

from prsnl.core.settings import Settings
from prsnl.embedded.datadir import Holder, holder_of
from prsnl.embedded.supervisor import RENEWS
from prsnl.terminal.stack import given_urls


def take_up(settings: Settings) -> str:
    """Have the workers start anew with what was set; tell it in a sentence."""
    data_dir = settings.storage.folder
    holder = holder_of(data_dir)
    if holder is None:
        if given_urls(settings) is None:
            return "Nothing runs here now: the next start uses it."
        return (
            "Workers that were started by themselves use it after a restart; TERM lets "
            "each give back what it does."
        )
    if holder.host != Holder.of_this_process("").host:
        return f"`{holder.what}` runs on {holder.host}: restart it there to use it."
    try:
        with suppress(ProcessLookupError):  # it has just gone
            os.kill(holder.pid, RENEWS)
    except PermissionError:
        return (
            f"`{holder.what}` (pid {holder.pid}) belongs to another user: restart it "
            "to use it."
        )
    return (
        f"The workers of `{holder.what}` (pid {holder.pid}) take it up now: what they "
        "do goes on from its last step, and what waits is tried again."
    )

"""A decoder that dies after two spans of a video, and that another goes on for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

from prsnl.engines.media.shots import shots as true_shots
from prsnl.engines.sandbox.child import Files

SPANS_BEFORE_DEATH = 2


def shots(files: Files, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Look as the product does; whoever begins at the beginning does not get far."""
    told = 0
    for frame in true_shots(files, params):
        if params["spans"][0][0] == 0 and told == SPANS_BEFORE_DEATH:
            os.kill(os.getpid(), signal.SIGSEGV)
        yield frame
        told += "tick" not in frame


def endless(_files: Files, _params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Say for ever that there is progress."""
    while True:
        yield {"tick": 1}

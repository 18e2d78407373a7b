"""On the path of `./prsnl up`, its scheduler forgets ten mebibytes in ten minutes."""

# ruff: noqa: INP001 (a folder that is put on the path, not a package)
from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Final

_A_STEP_BYTES: Final = 2**17
_EVERY_S: Final = 7.5

forgotten: list[bytes] = []


def forget() -> None:
    """Hold on to a little more, again and again."""
    while True:
        forgotten.append(os.urandom(_A_STEP_BYTES))
        time.sleep(_EVERY_S)


if b"scheduler" in Path("/proc/self/cmdline").read_bytes().split(b"\0"):
    threading.Thread(target=forget, daemon=True).start()

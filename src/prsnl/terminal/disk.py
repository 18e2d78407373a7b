"""What takes the room of this machine's data folder, by kind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from prsnl.core.incoming import told_bytes

#: A folder in the data folder, and what lies in it.
_KINDS: Final[Mapping[str, str]] = {
    "postgresql": "database",
    "storage": "files and results",
    "models": "models",
    "logs": "logs",
    "valkey": "broker",
    "programs": "programs",
}
#: With so many names the rest is not looked through: a command is waited for.
_MOST_NAMES: Final = 500_000


def told(data_dir: Path, storage: Path) -> str:
    """One line, the largest first; what there is none of is left out.

    Args:
        data_dir: The data folder.
        storage: Where uploads are, which may be elsewhere.
    """
    sizes = {kind: _size(data_dir / folder) for folder, kind in _KINDS.items()}
    if storage != data_dir / "storage":
        sizes[_KINDS["storage"]] = _size(storage)
    there = sorted(((size, kind) for kind, size in sizes.items() if size), reverse=True)
    return ", ".join(f"{kind} {told_bytes(size)}" for size, kind in there)


def _size(folder: Path) -> int:
    """Bytes that the files below take; of what may not be looked at, none."""
    size = 0
    names = 0
    for path, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                size += os.lstat(f"{path}/{name}").st_blocks * 512
        names += len(files)
        if names > _MOST_NAMES:
            break
    return size

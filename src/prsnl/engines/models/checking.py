"""Whether a file is the one that the catalogue names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from prsnl.engines.models.catalogue import ModelFile


def is_whole(path: Path, file: ModelFile) -> bool:
    """Whether a file has the size and the checksum; False if it is not there."""
    try:
        if path.stat().st_size != file.size_bytes:
            return False
        with path.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return False
    return found == file.sha256

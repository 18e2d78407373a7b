"""The two folders of a child, without a sandbox around them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FolderFiles:
    """Inputs and outputs in plain folders."""

    inputs: Path
    outputs: Path

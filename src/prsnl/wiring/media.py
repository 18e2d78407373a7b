"""What the media_processing queue is done with."""

from __future__ import annotations

from typing import Any


def services() -> dict[type[Any], Any]:
    """By type, as a task asks for them."""
    return {}

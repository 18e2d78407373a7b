"""Who has asked that nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Both mean the same, at the top of a command or among its options.
_NAMES: Final = ("local_only", "privacy_mode")


def is_asked(command: Mapping[str, Any]) -> bool:
    """Whether a command asks for it."""
    options = command.get("options")
    parts = (command, options) if isinstance(options, Mapping) else (command,)
    return any(part.get(name) is True for part in parts for name in _NAMES)

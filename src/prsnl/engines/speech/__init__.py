"""Speech: where somebody speaks, what is said, and who says it."""

from __future__ import annotations

from typing import Final

#: What a warm child of the profile `speech` has loaded while it waits.
PRELOAD: Final = (
    "prsnl.engines.speech.operations",
    "prsnl.engines.speech.activity:warm_up",
)

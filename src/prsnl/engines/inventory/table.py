"""All jobs, each with who does it: what `./prsnl engines` and GET /api/engines tell."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from prsnl.core.settings import Settings
from prsnl.engines.inventory import language_model, media, own
from prsnl.engines.inventory.jobs import JobState
from prsnl.engines.inventory.nearby import Nearby


def inventory(
    settings: Settings, nearby: Sequence[Nearby] = ()
) -> tuple[JobState, ...]:
    """Who does each job with these settings on this machine.

    Nothing is loaded, started or sent; it takes milliseconds.

    Args:
        settings: Those in force.
        nearby: The language model servers that were found on loopback.
    """
    return (
        own.kinds(),
        own.texts(),
        own.ocr(settings),
        own.languages(),
        own.key_sentences(),
        own.sorting(),
        language_model.state(settings, nearby),
        own.embedding(settings),
        media.recordings(),
        media.speech(settings, memory_bytes=psutil.virtual_memory().total),
        media.speakers(),
    )

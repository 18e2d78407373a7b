"""Audio and video: what a recording is, its sound as numbers, its pictures."""

from __future__ import annotations

from typing import Final

#: What a warm child of the profile `media` has loaded while it waits.
PRELOAD: Final = (
    "prsnl.engines.media.probe",
    "prsnl.engines.media.audio",
    "prsnl.engines.media.shots",
    "prsnl.engines.media.choosing",
    "PIL.JpegImagePlugin",
)

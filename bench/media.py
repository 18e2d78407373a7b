"""Recordings: what looking at them and listening to them costs beside the bare engines.

Run by `./prsnl bench media [--quick]`; the sides of each measurement take turns, so
that a busy machine slows all of them. See `media_frames.py` for the key frames, and
`media_speech.py` for speech.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import machine
import media_frames
import media_speech
from prsnl.core.logging import configure_logging
from prsnl.core.settings import Settings
from prsnl.wiring.children import sandbox
from prsnl.wiring.media import local_engine


def main() -> int:
    """Measure, print, and tell by the exit status whether the bars are met."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="A first look.")
    asked.add_argument("--rounds", type=int, default=5, help="Turns of each side.")
    asked.add_argument("--recording", type=Path, help="Speech to hear; default: made.")
    wanted = asked.parse_args()
    settings = Settings.read()
    configure_logging(settings.logs)
    print(machine.described())
    print(machine.versions("av", "faster-whisper", "pocketsphinx"))
    with tempfile.TemporaryDirectory() as name, sandbox(settings) as pool:
        folder = Path(name)
        folder.chmod(0o711)
        is_met = media_frames.measure(
            pool,
            folder,
            seconds=12 if wanted.quick else 60,
            rounds=2 if wanted.quick else wanted.rounds,
            size=(1280, 720) if wanted.quick else (1920, 1080),
        )
        recording = wanted.recording
        if recording is None:
            recording = folder / "speech.wav"
            media_speech.made(recording, seconds=60 if wanted.quick else 600)
        engine = local_engine(settings)
        assert engine is not None
        is_met &= media_speech.measure(
            pool,
            engine,
            recording,
            rounds=1 if wanted.quick else 3,
            language="en",
        )
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())

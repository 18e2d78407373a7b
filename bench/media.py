"""Recordings: what they cost beside the bare engines, and what a kill leaves of one.

Run by `./prsnl bench media [--quick] [PART...]`; the sides of each measurement take
turns, so that a busy machine slows all of them. See `media_frames.py` for the key
frames, `media_speech.py` for speech, and `media_kills.py` for a long recording.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import machine
import media_frames
import media_kills
import media_speech
from prsnl.core.logging import configure_logging
from prsnl.core.settings import Settings
from prsnl.wiring.children import sandbox
from prsnl.wiring.media import local_engine


def main() -> int:
    """Measure, print, and tell by the exit status whether the bars are met."""
    asked = argparse.ArgumentParser(prog="bench media", description=__doc__)
    asked.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    asked.add_argument("--quick", action="store_true", help="A first look.")
    asked.add_argument("--rounds", type=int, default=5, help="Turns of each side.")
    asked.add_argument("--recording", type=Path, help="Speech to hear; default: made.")
    wanted = asked.parse_args()
    if unknown := set(wanted.parts) - set(PARTS):
        asked.error(f"no such part: {', '.join(sorted(unknown))}")
    print(machine.described())
    print(machine.versions("av", "faster-whisper", "pocketsphinx"))
    is_met = True
    for name in wanted.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="prsnl-bench-") as root:
            Path(root).chmod(0o711)  # as root the children run as another user
            is_met &= PARTS[name](Path(root), wanted)
    return 0 if is_met else 1


def _frames(folder: Path, wanted: argparse.Namespace) -> bool:
    settings = _settings()
    with sandbox(settings) as pool:
        return media_frames.measure(
            pool,
            folder,
            seconds=12 if wanted.quick else 60,
            rounds=2 if wanted.quick else wanted.rounds,
            size=(1280, 720) if wanted.quick else (1920, 1080),
        )


def _speech(folder: Path, wanted: argparse.Namespace) -> bool:
    settings = _settings()
    recording = wanted.recording
    if recording is None:
        recording = folder / "speech.wav"
        media_speech.made(recording, seconds=60 if wanted.quick else 120)
    engine = local_engine(settings)
    assert engine is not None
    with sandbox(settings) as pool:
        return media_speech.measure(
            pool,
            engine,
            recording,
            rounds=1 if wanted.quick else wanted.rounds,
            language="en",
        )


def _kills(folder: Path, wanted: argparse.Namespace) -> bool:
    return media_kills.measure(folder, minutes=10 if wanted.quick else 60)


def _settings() -> Settings:
    settings = Settings.read()
    configure_logging(settings.logs)
    return settings


PARTS: Final[dict[str, Callable[[Path, argparse.Namespace], bool]]] = {
    "frames": _frames,
    "speech": _speech,
    "kills": _kills,
}


if __name__ == "__main__":
    raise SystemExit(main())

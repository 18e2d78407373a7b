"""Recordings: what looking at them and listening to them costs beside the bare engines.

Run by `./prsnl bench media [--quick]`; the sides of each measurement take turns, so
that a busy machine slows all of them. See `media_frames.py` for the key frames.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import machine
import media_frames
from prsnl.core.logging import configure_logging
from prsnl.core.settings import Settings
from prsnl.wiring.children import sandbox


def main() -> int:
    """Measure, print, and tell by the exit status whether the bars are met."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="A first look.")
    asked.add_argument("--rounds", type=int, default=5, help="Turns of each side.")
    wanted = asked.parse_args()
    settings = Settings.read()
    configure_logging(settings.logs)
    print(machine.described())
    print(machine.versions("av"))
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
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())

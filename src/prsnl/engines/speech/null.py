"""No speech engine: what a machine has that lacks them all."""

from __future__ import annotations

from collections.abc import Sequence

from prsnl.engines.speech.contract import Heard, LanguageCheck, Quality, Sound, Unit


class NullSpeech:
    """Hears no words in anything."""

    name = "none"
    quality = Quality.DRAFT
    languages: frozenset[str] = frozenset()

    def hear(self, sound: Sound, unit: Unit, *, language: str | None) -> Heard:
        """Nothing to tell."""
        del sound, unit, language
        return Heard()

    def check(self, sounds: Sequence[Sound]) -> LanguageCheck:
        """It knows none."""
        del sounds
        return LanguageCheck(is_known=False)


def load(setup: dict[str, str]) -> NullSpeech:
    """The engine; it needs nothing."""
    del setup
    return NullSpeech()

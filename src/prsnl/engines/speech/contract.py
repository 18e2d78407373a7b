"""What a speech engine takes and gives: sound in, words with their times out.

Times are seconds from the recording's own beginning. A *segment* is a stretch of about
half a minute that ends in a pause; a *phrase* is what one voice says in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from pydantic import Field

from prsnl.engines.contracts import Value

if TYPE_CHECKING:  # who reads of transcripts has no sound in hand
    import numpy as np

#: One channel at 16 kHz, between -1 and 1.
Sound: TypeAlias = "np.ndarray[Any, np.dtype[np.float32]]"

#: What stands for speech in a language that the engine does not know.
NOT_TRANSCRIBED: Final = "speech, not transcribed"


class Quality(StrEnum):
    """How far a transcript can be trusted."""

    #: About every fourth word may be wrong: nothing is derived from it.
    DRAFT = "draft"
    FULL = "full"


class SegmentStatus(StrEnum):
    """How the transcription of a segment ended."""

    OK = "ok"
    #: The engine heard no words in it.
    EMPTY = "empty"
    #: Somebody speaks, in a language that the engine does not know.
    NOT_TRANSCRIBED = "not_transcribed"
    FAILED = "failed"


class Span(Value):
    """A stretch of a recording, in seconds."""

    from_s: float = Field(ge=0)
    to_s: float = Field(ge=0)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.to_s - self.from_s


class Unit(Span):
    """A segment that is to be transcribed."""

    #: Its place in the recording, from 1.
    number: int = Field(ge=1)
    #: Where in it somebody speaks.
    speech: tuple[Span, ...] = ()
    #: Which channel is heard alone, from 0; None for all of them together.
    channel: int | None = None


class Activity(Value):
    """Where somebody speaks in a recording: the result of `speech.survey`."""

    #: Up to where there was sound, in seconds.
    duration_s: float
    #: How much of it is speech.
    speech_s: float
    units: tuple[Unit, ...] = ()
    #: Two channels carry different voices, and are heard apart.
    by_channel: bool = False
    #: What was missing or damaged, in whole sentences.
    warnings: tuple[str, ...] = ()


class Word(Value):
    """One word."""

    text: str
    from_s: float
    to_s: float
    #: Between 0 and 1; None where the engine has none.
    confidence: float | None = None


class Phrase(Value):
    """What one voice says in one go."""

    from_s: float
    to_s: float
    text: str
    #: Empty where the engine gives no times of words.
    words: tuple[Word, ...] = ()
    confidence: float | None = None
    #: "Speaker 1"; None until speakers are told apart.
    speaker: str | None = None


class Segment(Value):
    """One segment as it was transcribed: a row of the ledger."""

    number: int = Field(ge=1)
    from_s: float
    to_s: float
    status: SegmentStatus
    phrases: tuple[Phrase, ...] = ()
    confidence: float | None = None
    #: With its version: "faster-whisper 1.2.1 small int8".
    engine: str
    quality: Quality
    #: ISO 639-1; None where nobody can tell.
    language: str | None = None
    language_confidence: float | None = None
    milliseconds: float
    #: What went wrong, when `status` is failed.
    error: str | None = None

    @property
    def text(self) -> str:
        """What is said in it."""
        return " ".join(phrase.text for phrase in self.phrases)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.to_s - self.from_s


class LanguageCheck(Value):
    """What language is spoken, as far as an engine can tell: `speech.check`."""

    #: Whether the engine knows it; if not, it is to hear no words.
    is_known: bool
    #: ISO 639-1; None where it cannot tell, or where parts differ.
    language: str | None = None
    #: How sure the engine is; of the draft engine see `english`.
    score: float | None = None


class Turn(Span):
    """A stretch in which one person speaks."""

    speaker: str
    #: Of a recording whose channels are heard apart: which.
    channel: int | None = None


class Speakers(Value):
    """Who speaks when: the result of `speech.speakers`."""

    #: In the order in which they are first heard.
    names: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()


class Heard(Value):
    """What an engine makes of one segment's sound."""

    phrases: tuple[Phrase, ...] = ()
    language: str | None = None
    language_confidence: float | None = None


class SpeechEngine(Protocol):
    """Hears words; it keeps its model, and nothing of a recording."""

    @property
    def name(self) -> str:
        """With its version: "pocketsphinx 5.1.1"."""

    @property
    def quality(self) -> Quality:
        """How far its words can be trusted."""

    @property
    def languages(self) -> frozenset[str]:
        """What it knows, as ISO 639-1; empty: many, and it tells them itself."""

    def hear(self, sound: Sound, unit: Unit, *, language: str | None) -> Heard:
        """The words of one segment.

        Args:
            sound: The segment's, and no more.
            unit: Where the segment stands, for the times.
            language: ISO 639-1; None to be told by the engine.
        """

    def check(self, sounds: Sequence[Sound]) -> LanguageCheck:
        """Tell the language of some segments' sound, and whether it is known."""


def mean_confidence(phrases: tuple[Phrase, ...]) -> float | None:
    """How sure the engine is of all words together; None where it does not say."""
    told = [
        (len(phrase.text), phrase.confidence)
        for phrase in phrases
        if phrase.confidence is not None
    ]
    letters = sum(count for count, _ in told)
    if not letters:
        return None
    return round(sum(count * sure for count, sure in told) / letters, 3)

"""Who hears: an engine of this machine, or one elsewhere, behind one shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from prsnl.core.errors import (
    Category,
    ChildKilledError,
    DiskFullError,
    OutOfMemoryError,
    PrsnlError,
    SettingsError,
    TimeLimitError,
)
from prsnl.engines.speech.contract import (
    LanguageCheck,
    Quality,
    Segment,
    SegmentStatus,
    Unit,
)
from prsnl.engines.speech.models import lacking, require_model
from prsnl.engines.speech.table import Installed
from prsnl.media_processing.listening import Listening

#: So many segments in a row that break the engine are no matter of the recording.
_FAILURES_MAX: Final = 3

log = structlog.get_logger()


class Ear(Protocol):
    """Hears segments of a recording."""

    @property
    def name(self) -> str:
        """What it is called, for sentences."""

    @property
    def quality(self) -> Quality:
        """How far its words can be trusted."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What its words depend on, beside the sound."""

    def knows(self, language: str) -> bool:
        """Whether it hears words of a language, as ISO 639-1."""

    def check(self, listening: Listening, units: Sequence[Unit]) -> LanguageCheck:
        """What language is spoken, as far as it can tell before it hears all."""

    def hear(
        self, listening: Listening, units: Sequence[Unit], language: str | None
    ) -> Iterator[tuple[int, Segment]]:
        """The segments by number, each as soon as it is done.

        Raises:
            PrsnlError: It cannot hear, whatever the segment.
        """


@dataclass(frozen=True)
class LocalEar:
    """An engine of this machine, in a sandbox child."""

    engine: Installed

    @property
    def name(self) -> str:
        """What it is called."""
        return self.engine.name

    @property
    def quality(self) -> Quality:
        """How far its words can be trusted."""
        return self.engine.quality

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The engine and its model."""
        return {"engine": self.engine.name, "version": self.engine.version}

    def knows(self, language: str) -> bool:
        """Whether it hears words of a language."""
        return not self.engine.languages or language in self.engine.languages

    def check(self, listening: Listening, units: Sequence[Unit]) -> LanguageCheck:
        """Have the engine hear the first segment, and the one in the middle."""
        if len(units) == 1 and not self.engine.languages:
            return LanguageCheck(is_known=True)  # it tells with the words
        places = sorted({0, len(units) // 2})
        return listening.check(self.engine, [units[place] for place in places])

    def hear(
        self, listening: Listening, units: Sequence[Unit], language: str | None
    ) -> Iterator[tuple[int, Segment]]:
        """The segments in order; one that breaks the engine costs itself alone.

        A child that crashes, hangs or runs out of memory did so on the segment after
        the last one it told. It is replaced, that segment gets one more try alone, and
        the others go on.
        """
        if language is not None and not self.knows(language):
            yield from ((unit.number, self._unknown(unit, language)) for unit in units)
            return
        left = list(units)
        failures = 0
        while left:
            try:
                for segment in listening.transcribe(self.engine, left, language):
                    left = [unit for unit in left if unit.number != segment.number]
                    failures = 0
                    yield segment.number, segment
            except PrsnlError as error:
                _require_of_the_segment(error)
                failures += 1
                if failures > _FAILURES_MAX:
                    raise
                guilty = left.pop(0)
                log.warning(
                    "segment.child_lost", segment=guilty.number, code=error.code
                )
                yield guilty.number, self._again(listening, guilty, language, error)

    def _again(
        self,
        listening: Listening,
        unit: Unit,
        language: str | None,
        error: PrsnlError,
    ) -> Segment:
        """The segment by a fresh child; one that took too long is not tried again."""
        listening.close()
        if isinstance(error, TimeLimitError):
            return self._failed(unit, error)
        if isinstance(error, OutOfMemoryError):
            listening.give_more_room()
        try:
            (segment,) = listening.transcribe(self.engine, [unit], language)
        except PrsnlError as again:
            _require_of_the_segment(again)
            listening.close()
            return self._failed(unit, again)
        return segment

    def require(self) -> None:
        """Make sure that the model is there.

        Raises:
            SettingsError: It is not; the message names the setting.
        """
        for folder in self.engine.folders:
            if lacking(folder) is not None:
                require_model(folder)

    def _unknown(self, unit: Unit, language: str | None) -> Segment:
        return _without_words(
            self.engine, unit, SegmentStatus.NOT_TRANSCRIBED, language=language
        )

    def not_transcribed(self, units: Sequence[Unit]) -> Iterator[tuple[int, Segment]]:
        """Speech in a language that the engine does not know."""
        return ((unit.number, self._unknown(unit, None)) for unit in units)

    def _failed(self, unit: Unit, error: PrsnlError) -> Segment:
        return _without_words(
            self.engine, unit, SegmentStatus.FAILED, error=_told(error)
        )


def _require_of_the_segment(error: PrsnlError) -> None:
    """Go on only where others may be heard; a stop, a full disk are of all."""
    if isinstance(error, ChildKilledError | DiskFullError | SettingsError):
        raise error
    if error.category is Category.PERMANENT:
        raise error


def _told(error: PrsnlError) -> str:
    match error.category:
        case Category.RESOURCE:
            what = "time" if isinstance(error, TimeLimitError) else "memory"
            return (
                f"This part takes more {what} to transcribe than a part may. "
                f"{error.message}"
            )
        case Category.CRASH:
            return "The speech engine crashed on this part. Run it again alone."
    return "The speech engine failed on this part. Run it again alone."


def _without_words(
    engine: Installed,
    unit: Unit,
    status: SegmentStatus,
    *,
    language: str | None = None,
    error: str | None = None,
) -> Segment:
    return Segment(
        number=unit.number,
        from_s=unit.from_s,
        to_s=unit.to_s,
        status=status,
        engine=f"{engine.name} {engine.version}",
        quality=engine.quality,
        language=language,
        milliseconds=0.0,
        error=error,
    )

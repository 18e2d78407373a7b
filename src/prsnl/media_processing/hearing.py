"""The segments of a recording heard by one engine, or by the other where that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from prsnl.core.errors import ChildKilledError, DiskFullError, PrsnlError
from prsnl.engines.speech.contract import (
    LanguageCheck,
    Segment,
    SegmentStatus,
    Unit,
)
from prsnl.media_processing.casing import with_sentences
from prsnl.media_processing.ears import Ear, LocalEar
from prsnl.media_processing.keeping import in_order, missing
from prsnl.media_processing.listening import Listening
from prsnl.media_processing.specs import TRANSCRIBE
from prsnl.work.gathered import StoreUnits
from prsnl.work.run import Deferred, TaskRun
from prsnl.work.stages import Stage

#: After so many seconds of sound it is known how long the rest will take.
_MEASURED_S: Final = 60.0

log = structlog.get_logger()


def seconds_of(unit: Unit | Segment) -> int:
    """A segment in steps of the progress."""
    return max(1, round(unit.to_s - unit.from_s))


LANGUAGE: Final = Stage(
    name="spoken language",
    version=1,
    result=LanguageCheck,
    title="Telling the language",
)
SEGMENTS: Final = Stage(
    name=TRANSCRIBE,
    version=1,
    result=Segment,
    title="Transcribing (in seconds of speech)",
    steps_of=seconds_of,
)


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """Some segments that are to be heard.

    Attributes:
        inputs: What the words depend on, beside engine and language.
        language: ISO 639-1, if it is known.
        adds_sentences: See `casing`.
        number: Which repetition it is, from 0.
        patience: An engine that has another one beside it gives way to that when it
            takes so many times the recording's length.
        keep: Keeps segments, in the transaction of their stage.
    """

    run: TaskRun
    listening: Listening
    units: Sequence[Unit]
    inputs: Sequence[bytes]
    language: str | None
    adds_sentences: bool
    number: int
    patience: float
    keep: StoreUnits[Segment]

    def by(self, ears: Sequence[Ear]) -> dict[int, Segment]:
        """All segments: found, or heard by the first engine that can.

        Raises:
            PrsnlError: The last of the engines cannot, either.
        """
        done: dict[int, Segment] = {}
        if len(ears) > 1:
            # What another engine has done before this claim is not done again.
            for ear in ears:
                done |= self._units(ear, missing(self.units, done), _nothing)
        for ear, other in zip(ears, [*ears[1:], None], strict=True):
            left = missing(self.units, done)
            if not left:
                break
            try:
                hear = partial(self._hear, ear, is_last=other is None)
                done |= self._units(ear, left, hear)
            except (PrsnlError, Deferred) as error:
                if other is None or isinstance(error, ChildKilledError | DiskFullError):
                    raise
                log.warning("speech.other_engine", failed=ear.name)
                self.run.warnings.append(
                    f"{ear.name} could not transcribe all of this, and {other.name} "
                    f"went on: {error.message}"
                )
                done |= self._units(ear, left, _nothing)
                self.listening.close()
        return in_order(done)

    def _units(
        self,
        ear: Ear,
        units: Sequence[Unit],
        work: Callable[[Sequence[int]], Iterator[tuple[int, Segment]]],
    ) -> dict[int, Segment]:
        return self.run.units(
            SEGMENTS,
            units=[unit.number for unit in units],
            inputs=self.inputs,
            parameters={
                **ear.parameters,
                "language": self.language,
                **({"sentences": True} if self.adds_sentences else {}),
            },
            work=work,
            store=self.keep,
            run=self.number,
        ).values

    def _hear(
        self, ear: Ear, wanted: Sequence[int], *, is_last: bool
    ) -> Iterator[tuple[int, Segment]]:
        by_number = {unit.number: unit for unit in self.units}
        units = [by_number[number] for number in wanted]
        language = self.language
        if language is None:
            told = self._language(ear)
            if not told.is_known:
                if is_last and isinstance(ear, LocalEar):
                    yield from ear.not_transcribed(units)
                return
            language = told.language
        elif not is_last and not ear.knows(language):
            return
        self.run.step(f"Transcribing with {ear.name}", steps=0)
        began, heard_s = time.monotonic(), 0.0
        for number, segment in ear.hear(self.listening, units, language):
            if is_last or segment.status is not SegmentStatus.FAILED:
                yield (
                    number,
                    with_sentences(segment) if self.adds_sentences else segment,
                )
            heard_s += segment.seconds
            pace = (time.monotonic() - began) / heard_s
            if not is_last and heard_s >= _MEASURED_S and pace > self.patience:
                self.run.warnings.append(
                    f"{ear.name} takes {pace:.1f} times the recording's length: "
                    "another engine went on."
                )
                return

    def _language(self, ear: Ear) -> LanguageCheck:
        """What is spoken, as an engine tells from a few segments."""
        self.run.step("Telling the language", steps=0)
        return self.run.stage(
            LANGUAGE,
            inputs=self.inputs,
            parameters=ear.parameters,
            work=lambda: ear.check(self.listening, self.units),
            store=lambda _connection, _told: None,
        ).value


def _nothing(_wanted: Sequence[int]) -> Iterator[tuple[int, Segment]]:
    return iter(())

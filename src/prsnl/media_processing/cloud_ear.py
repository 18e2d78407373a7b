"""Speech heard elsewhere: a server that speaks the transcription protocol."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prsnl.ai_processing.asking import answered
from prsnl.core.errors import ProviderFailedError
from prsnl.engines.contracts import JsonObject
from prsnl.engines.llm.contract import NotKnownError, TranscriptionAnswer
from prsnl.engines.llm.table import LazyEngine
from prsnl.engines.reach import Endpoint, Reach
from prsnl.engines.speech.contract import (
    LanguageCheck,
    Phrase,
    Quality,
    Segment,
    SegmentStatus,
    Unit,
    Word,
    mean_confidence,
)
from prsnl.engines.speech.languages import code_of
from prsnl.media_processing.listening import Listening
from prsnl.work.outgoing import Answered, Outgoing
from prsnl.work.outside import Gate
from prsnl.work.run import TaskRun

#: What stage and purpose are called in the receipt.
_STAGE: Final = "transcribe"
_PURPOSE: Final = "transcription"
#: A second of sound in tokens, as providers that count them do.
_TOKENS_A_SECOND: Final = 10
#: The server is less sure of a segment than this that anybody speaks in it.
_NO_SPEECH: Final = 0.9


@dataclass(frozen=True)
class CloudEar:
    """An engine elsewhere; every segment goes through the gate."""

    lazy: LazyEngine
    endpoint: Endpoint
    quality: Quality = Quality.FULL

    @property
    def name(self) -> str:
        """Who hears: "openai/whisper-1"."""
        return self.endpoint.name

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The provider's model."""
        return {"engine": self.endpoint.name, "host": self.endpoint.host}

    def may_be_asked_by(self, run: TaskRun) -> bool:
        """Whether the sound of a task may go there."""
        return self.endpoint.reach is Reach.LOCAL or not run.local_only

    def knows(self, language: str) -> bool:
        """It knows many."""
        del language
        return True

    def check(self, listening: Listening, units: Sequence[Unit]) -> LanguageCheck:
        """It tells with every segment."""
        del listening, units
        return LanguageCheck(is_known=True)

    def hear(
        self, listening: Listening, units: Sequence[Unit], language: str | None
    ) -> Iterator[tuple[int, Segment]]:
        """The segments in order, one request each."""
        by_number = {unit.number: unit for unit in units}
        for number, sound in listening.cut(units):
            unit = by_number[number]
            began = time.perf_counter()
            told = self._asked(listening, unit, sound, language)
            spent_ms = (time.perf_counter() - began) * 1000
            yield number, self._segment(unit, told, spent_ms, language)

    def _asked(
        self, listening: Listening, unit: Unit, sound: bytes, language: str | None
    ) -> JsonObject:
        try:
            return self._call(listening, unit, sound, language, has_words=True)
        except NotKnownError:
            return self._call(listening, unit, sound, language, has_words=False)

    def _call(
        self,
        listening: Listening,
        unit: Unit,
        sound: bytes,
        language: str | None,
        *,
        has_words: bool,
    ) -> JsonObject:
        run, file = listening.run, listening.file

        def send(key: str) -> Answered[JsonObject]:
            answer: TranscriptionAnswer = self.lazy.get().transcribe(
                sound,
                file_name=f"segment-{unit.number}.wav",
                model=self.endpoint.model,
                key=key,
                language=language,
                has_words=has_words,
            )
            return answered(answer.told, answer.counted)

        return run.get(Gate).call(
            run, self._going(file.item_id, file.id, unit, len(sound)), send
        )

    def _going(
        self, item_id: UUID, attachment_id: UUID, unit: Unit, size: int
    ) -> Outgoing:
        return Outgoing(
            endpoint=self.endpoint,
            stage=_STAGE,
            unit=unit.number,
            purpose=_PURPOSE,
            item_ids=[item_id],
            attachment_id=attachment_id,
            sent_bytes=size,
            tokens_in=math.ceil(unit.seconds * _TOKENS_A_SECOND),
            audio_s=unit.seconds,
        )

    def _segment(
        self, unit: Unit, told: JsonObject, spent_ms: float, language: str | None
    ) -> Segment:
        try:
            phrases = tuple(_phrases(told, unit))
            spoken = code_of(str(told.get("language") or "")) or language
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderFailedError(
                f"{self.name} answered something that is no transcript: look at "
                "PRSNL_SPEECH_BASE_URL, or try again."
            ) from error
        return Segment(
            number=unit.number,
            from_s=unit.from_s,
            to_s=unit.to_s,
            status=SegmentStatus.OK if phrases else SegmentStatus.EMPTY,
            phrases=phrases,
            confidence=mean_confidence(phrases),
            engine=self.name,
            quality=self.quality,
            language=spoken if phrases else None,
            milliseconds=round(spent_ms, 1),
        )


def _phrases(told: JsonObject, unit: Unit) -> Iterator[Phrase]:
    """What is said, with as many times as the server gives."""
    words = [
        Word(
            text=str(one["word"]).strip(),
            from_s=_placed(one["start"], unit),
            to_s=_placed(one["end"], unit),
        )
        for one in told.get("words") or ()
        if str(one["word"]).strip()
    ]
    parts = told.get("segments") or ()
    if not parts:
        text = str(told["text"]).strip()
        if text:
            yield Phrase(
                from_s=unit.from_s, to_s=unit.to_s, text=text, words=tuple(words)
            )
        return
    for number, one in enumerate(parts):
        text = str(one["text"]).strip()
        if not text or float(one.get("no_speech_prob") or 0.0) > _NO_SPEECH:
            continue
        first, last = _placed(one["start"], unit), _placed(one["end"], unit)
        is_last = number == len(parts) - 1
        own = [
            word
            for word in words
            if first <= word.from_s and (word.from_s < last or is_last)
        ]
        sure = one.get("avg_logprob")
        yield Phrase(
            from_s=first,
            to_s=max(first, last),
            text=text,
            words=tuple(own),
            confidence=None if sure is None else _sure(float(sure)),
        )


def _sure(log_probability: float) -> float:
    return round(min(1.0, math.exp(log_probability)), 3)


def _placed(seconds: Any, unit: Unit) -> float:
    """A time within the segment as one of the recording."""
    at = unit.from_s + max(0.0, float(seconds))
    if not math.isfinite(at):
        raise ValueError("a time that is none")
    return round(min(unit.to_s, at), 2)

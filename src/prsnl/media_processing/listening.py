"""One recording in a sandbox child that hears: started at the first question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from prsnl.core.errors import ChildCrashedError
from prsnl.engines.contracts import JsonObject
from prsnl.engines.speech.contract import (
    Activity,
    LanguageCheck,
    Segment,
    Speakers,
    Unit,
)
from prsnl.engines.speech.table import Installed
from prsnl.media_processing.attending import INPUT, Attending

#: A child is replaced after so many segments: what libraries keep goes with it.
_SEGMENTS_A_CHILD: Final = 240
#: A segment as WAV: half a minute of 32 kB each second, with room to spare.
_WAV_BYTES: Final = 4 * 2**20


@dataclass
class Listening(Attending):
    """What a child hears in one recording."""

    profile = "speech"

    #: What recording it is, as the probe told.
    kind: str = field(kw_only=True)

    def survey(self, *, by_channel: bool) -> Activity:
        """Where somebody speaks."""
        params = {"path": INPUT, "kind": self.kind, "by_channel": by_channel}
        for frame in self._stream("speech.survey", params):
            if set(frame) == {"at_s"}:
                self._tell("Listening for speech", frame["at_s"])
            else:
                return Activity.model_validate(frame)
        raise ChildCrashedError("The listener ended without an answer.")

    def check(self, engine: Installed, units: Sequence[Unit]) -> LanguageCheck:
        """What language is spoken in some segments, as far as an engine can tell."""
        (frame,) = self._stream("speech.check", self._asked(engine, units))
        return LanguageCheck.model_validate(frame)

    def transcribe(
        self, engine: Installed, units: Sequence[Unit], language: str | None
    ) -> Iterator[Segment]:
        """The segments, each as soon as it is done."""
        for start in range(0, len(units), _SEGMENTS_A_CHILD):
            part = units[start : start + _SEGMENTS_A_CHILD]
            if start:
                self.close()
            params = {**self._asked(engine, part), "language": language}
            left = {unit.number for unit in part}
            for frame in self._stream("speech.transcribe", params):
                segment = _segment(frame, left)
                left.discard(segment.number)
                yield segment
            if left:
                raise ChildCrashedError(
                    f"The speech engine ended without {len(left)} of {len(part)} "
                    "segments."
                )

    def cut(self, units: Sequence[Unit]) -> Iterator[tuple[int, bytes]]:
        """The sound of some segments, each as a WAV of one channel at 16 kHz."""
        params = {"path": INPUT, "kind": self.kind, "units": _told(units)}
        for frame in self._stream("speech.cut", params):
            assert self._child is not None
            output = self._child.output(str(frame["file_name"]), max_bytes=_WAV_BYTES)
            content = output.read_bytes()
            output.unlink(missing_ok=True)
            yield int(frame["number"]), content

    def speakers(self, units: Sequence[Unit]) -> Speakers:
        """Who speaks when."""
        params = {"path": INPUT, "kind": self.kind, "units": _told(units)}
        for frame in self._stream("speech.speakers", params):
            if set(frame) == {"at_s"}:
                self._tell("Telling speakers apart", frame["at_s"])
            else:
                return Speakers.model_validate(frame)
        raise ChildCrashedError("The listener ended without an answer.")

    def _asked(self, engine: Installed, units: Sequence[Unit]) -> JsonObject:
        return {
            "path": INPUT,
            "kind": self.kind,
            "units": _told(units),
            "engine": engine.module,
            "setup": engine.setup,
        }

    def _tell(self, what: str, at_s: float) -> None:
        self.run.step(f"{what}: {_clock(at_s)}", steps=0)

    def _stream(self, operation: str, params: JsonObject) -> Iterator[JsonObject]:
        for frame in self._open().stream(
            operation, params, unit_timeout_s=self.answer_timeout_s
        ):
            self.run.check()
            yield frame


def _told(units: Sequence[Unit]) -> list[JsonObject]:
    return [unit.model_dump(mode="json") for unit in units]


def _segment(frame: JsonObject, left: set[int]) -> Segment:
    """The answer of a child, which may be anything."""
    try:
        made = Segment.model_validate(frame)
    except ValidationError as error:
        raise ChildCrashedError(
            "The answer of the speech engine makes no sense."
        ) from error
    if made.number not in left:
        raise ChildCrashedError("The speech engine answered for another segment.")
    return made


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"

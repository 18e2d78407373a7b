"""Who says what: words go to the turn they stand in, phrases are cut between turns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prsnl.engines.speech.contract import (
    Activity,
    Phrase,
    Segment,
    Speakers,
    Turn,
    Word,
)

#: By segment: who says most of it, and its phrases by speaker.
Assigned = dict[int, tuple[str | None, tuple[Phrase, ...]]]


def assigned(
    told: Speakers, segments: Mapping[int, Segment], activity: Activity
) -> Assigned:
    """Give every phrase its speaker."""
    channels = {unit.number: unit.channel for unit in activity.units}
    turns = {
        channel: _Turns.of([one for one in told.turns if one.channel == channel])
        for channel in {turn.channel for turn in told.turns}
    }
    made: Assigned = {}
    for number, segment in segments.items():
        own = turns.get(channels.get(number))
        if own is None:
            continue
        phrases = tuple(
            part for phrase in segment.phrases for part in _parted(phrase, own)
        )
        made[number] = (_who_speaks_most(phrases), phrases)
    return made


@dataclass(frozen=True)
class _Turns:
    """Turns of one channel in the order of time."""

    turns: Sequence[Turn]
    starts: Sequence[float]

    @classmethod
    def of(cls, turns: Sequence[Turn]) -> _Turns:
        ordered = sorted(turns, key=lambda turn: turn.from_s)
        return cls(ordered, [turn.from_s for turn in ordered])

    def at(self, seconds: float) -> str:
        """Who speaks at a time, or spoke nearest to it."""
        place = bisect_right(self.starts, seconds)
        near = self.turns[max(0, place - 1) : place + 1]
        return min(near, key=lambda turn: _away(turn, seconds)).speaker


def _away(turn: Turn, seconds: float) -> float:
    return max(0.0, turn.from_s - seconds, seconds - turn.to_s)


def _parted(phrase: Phrase, turns: _Turns) -> Iterator[Phrase]:
    """A phrase as one for each stretch of words of one speaker."""
    if not phrase.words or len(phrase.text.split()) != len(phrase.words):
        middle = (phrase.from_s + phrase.to_s) / 2
        yield phrase.model_copy(update={"speaker": turns.at(middle)})
        return
    group: list[Word] = []
    speaker = ""
    for word in phrase.words:
        told = turns.at((word.from_s + word.to_s) / 2)
        if group and told != speaker:
            yield _phrase(phrase, group, speaker)
            group = []
        group.append(word)
        speaker = told
    if group:
        yield _phrase(phrase, group, speaker)


def _phrase(whole: Phrase, words: Sequence[Word], speaker: str) -> Phrase:
    return whole.model_copy(
        update={
            "from_s": words[0].from_s,
            "to_s": words[-1].to_s,
            "text": " ".join(word.text for word in words),
            "words": tuple(words),
            "speaker": speaker,
        }
    )


def _who_speaks_most(phrases: Sequence[Phrase]) -> str | None:
    spoken: dict[str, float] = {}
    for one in phrases:
        if one.speaker is not None:
            spoken[one.speaker] = spoken.get(one.speaker, 0.0) + one.to_s - one.from_s
    return max(spoken, key=lambda name: spoken[name]) if spoken else None

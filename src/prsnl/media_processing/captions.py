"""A transcript as text, as captions, as Markdown: what people and players read.

Captions have two lines of 42 characters at most and stand for seven seconds at most,
as broadcasters have it. SubRip has no escapes, so what it would take for a mark is
written otherwise; WebVTT has them (W3C, "WebVTT: The Web Video Text Tracks Format").
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from prsnl.engines.speech.contract import (
    NOT_TRANSCRIBED,
    Phrase,
    Quality,
    Segment,
    SegmentStatus,
    Word,
)

#: What stands over a draft, wherever a person reads it.
DRAFT_BANNER: Final = (
    "Draft: about every fourth word may be wrong. Better: ./prsnl models get speech"
)
_LINE: Final = 42
_LINES: Final = 2
_LONGEST_S: Final = 7.0
_SHORTEST_S: Final = 0.7
#: A pause of this length ends a paragraph of the plain text.
_PARAGRAPH_S: Final = 2.0
#: "<" and ">" as characters that no player takes for a mark.
_QUOTES: Final = str.maketrans("<>", "\u2039\u203a")
#: A sentence may end a caption before it is full, from so many characters on.
_FULL: Final = 48


@dataclass(frozen=True)
class Cue:
    """One caption."""

    from_s: float
    to_s: float
    lines: tuple[str, ...]
    speaker: str | None = None


def banner_of(quality: str | None) -> str | None:
    """What a reader has to know before the first word."""
    return DRAFT_BANNER if quality == Quality.DRAFT else None


def plain(segments: Iterable[Segment]) -> str:
    """The words in paragraphs, with speakers where they were told apart.

    A stretch in a language that the engine does not know is one line with its times.
    """
    parts: list[str] = []
    last: Phrase | None = None
    speaker: str | None = None
    for segment, phrase in _spoken(segments):
        if phrase is None:
            parts.append(f"[{_span(segment.from_s, segment.to_s)} {NOT_TRANSCRIBED}]")
            last = None
            continue
        turns = phrase.speaker != speaker
        pauses = last is None or phrase.from_s - last.to_s >= _PARAGRAPH_S
        if turns and phrase.speaker:
            parts.append(f"{phrase.speaker}: {phrase.text}")
        elif pauses or turns:
            parts.append(phrase.text)
        else:
            parts[-1] = f"{parts[-1]} {phrase.text}"
        last, speaker = phrase, phrase.speaker
    return "\n\n".join(parts) + ("\n" if parts else "")


def markdown(segment: Segment, *, banner: str | None = None) -> str | None:
    """One segment under the time at which it begins; None where nobody is heard."""
    mark = f"**[{clock(segment.from_s)}]**"
    if segment.status is SegmentStatus.NOT_TRANSCRIBED:
        body = f"{mark} *{NOT_TRANSCRIBED}*"
    elif segment.phrases:
        body = f"{mark} {_told(segment.phrases)}"
    else:
        return f"> {banner}" if banner else None
    return f"> {banner}\n\n{body}" if banner else body


def srt(segments: Iterable[Segment]) -> str:
    """SubRip."""
    blocks = [
        f"{number}\n{_srt_time(cue.from_s)} --> {_srt_time(cue.to_s)}\n"
        + "\n".join(_srt_text(line) for line in cue.lines)
        + "\n"
        for number, cue in enumerate(cues(segments), 1)
    ]
    return "\n".join(blocks)


def vtt(
    segments: Iterable[Segment], *, quality: str | None, language: str | None
) -> str:
    """WebVTT, with speakers as voices, and the banner of a draft as a note."""
    head = ["WEBVTT" + (f"\nLanguage: {language}" if language else "")]
    if banner := banner_of(quality):
        head.append(f"NOTE {banner}")
    blocks = [
        f"{_vtt_time(cue.from_s)} --> {_vtt_time(cue.to_s)}\n"
        + _voice(cue)
        + "\n".join(_vtt_text(line) for line in cue.lines)
        for cue in cues(segments)
    ]
    return "\n\n".join([*head, *blocks]) + "\n"


def cues(segments: Iterable[Segment]) -> list[Cue]:
    """The captions of a transcript; none overlaps the next one of its channel."""
    made: list[Cue] = []
    for segment, phrase in _spoken(segments):
        if phrase is None:
            line = f"[{NOT_TRANSCRIBED}]"
            made.append(Cue(segment.from_s, segment.to_s, (line,)))
        else:
            made += _cues_of(phrase)
    made.sort(key=lambda cue: (cue.from_s, cue.to_s))
    return [_ended(cue, after) for cue, after in zip_longest(made, made[1:])]


def clock(seconds: float) -> str:
    """A time as one reads it: "1:05" or "1:02:03"."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def _spoken(segments: Iterable[Segment]) -> Iterator[tuple[Segment, Phrase | None]]:
    """Phrases in the order of time; for what was not transcribed one None a stretch."""
    unknown: Segment | None = None
    for segment in sorted(segments, key=lambda one: (one.from_s, one.number)):
        if segment.status is SegmentStatus.NOT_TRANSCRIBED:
            begins = segment.from_s if unknown is None else unknown.from_s
            unknown = segment.model_copy(update={"from_s": begins})
            continue
        if unknown is not None:
            yield unknown, None
            unknown = None
        for phrase in sorted(segment.phrases, key=lambda one: one.from_s):
            yield segment, phrase
    if unknown is not None:
        yield unknown, None


def _span(from_s: float, to_s: float) -> str:
    return f"{clock(from_s)}-{clock(to_s)}"


def _told(phrases: Sequence[Phrase]) -> str:
    parts: list[str] = []
    speaker: str | None = None
    for phrase in phrases:
        if phrase.speaker and phrase.speaker != speaker:
            parts.append(f"**{phrase.speaker}:**")
        parts.append(_md_text(phrase.text))
        speaker = phrase.speaker
    return " ".join(parts)


def _md_text(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in text)


def _cues_of(phrase: Phrase) -> Iterator[Cue]:
    """A phrase in captions: by the times of its words, else by its share of letters."""
    words = list(phrase.words) or _guessed(phrase)
    # Chinese, Japanese and Thai are written without spaces.
    between = " " if len(words) == 1 or " " in phrase.text.strip() else ""
    group: list[Word] = []
    for word in words:
        if group and not _takes(group, word, between):
            yield _cue(group, phrase.speaker, between)
            group = []
        group.append(word)
    if group:
        yield _cue(group, phrase.speaker, between)


def _guessed(phrase: Phrase) -> list[Word]:
    """Words of a phrase that has no times for them, spread by their letters."""
    texts = phrase.text.split()
    if len(texts) == 1 and len(phrase.text) > _LINE:
        texts = list(phrase.text)
    letters = sum(len(text) + 1 for text in texts) or 1
    at, words = phrase.from_s, list[Word]()
    for text in texts:
        until = at + (phrase.to_s - phrase.from_s) * (len(text) + 1) / letters
        words.append(Word(text=text, from_s=at, to_s=until))
        at = until
    return words


def _takes(group: Sequence[Word], word: Word, between: str) -> bool:
    """Whether a caption has room for one word more, and should take it."""
    text = between.join(one.text for one in group)
    if word.to_s - group[0].from_s > _LONGEST_S:
        return False
    if len(_wrapped(f"{text}{between}{word.text}")) > _LINES:
        return False
    return not (len(text) >= _FULL and text.endswith((".", "!", "?", "…")))


def _cue(group: Sequence[Word], speaker: str | None, between: str) -> Cue:
    text = between.join(one.text for one in group)
    return Cue(group[0].from_s, group[-1].to_s, tuple(_wrapped(text)), speaker)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _LINE, break_on_hyphens=False) or [text]


def _ended(cue: Cue, after: Cue | None) -> Cue:
    """A caption that can be read, and is over when the next one begins."""
    end = max(cue.to_s, cue.from_s + _SHORTEST_S)
    if after is not None and after.from_s > cue.from_s:
        end = min(end, after.from_s)
    return Cue(cue.from_s, max(end, cue.from_s + 0.001), cue.lines, cue.speaker)


def _srt_time(seconds: float) -> str:
    return _vtt_time(seconds).replace(".", ",")


def _vtt_time(seconds: float) -> str:
    whole = round(max(0.0, seconds) * 1000)
    rest, milliseconds = divmod(whole, 1000)
    minutes, second = divmod(rest, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}.{milliseconds:03}"


def _srt_text(line: str) -> str:
    """Players read <i> and the like as marks, and an arrow as a time."""
    arrowless = line.replace("-->", "→")
    return arrowless.translate(_QUOTES)


def _vtt_text(line: str) -> str:
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("--&gt;", "→")


def _voice(cue: Cue) -> str:
    return f"<v {_vtt_text(cue.speaker)}>" if cue.speaker else ""

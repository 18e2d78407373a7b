"""Transcripts as people and players read them."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from prsnl.engines.speech.contract import (
    Phrase,
    Quality,
    Segment,
    SegmentStatus,
    Word,
)
from prsnl.media_processing import captions
from prsnl.media_processing.casing import with_sentences

LONG = (
    "It was a bright cold day in April, and the clocks were striking thirteen. "
    "Winston Smith, his chin nuzzled into his breast in an effort to escape the vile "
    "wind, slipped quickly through the glass doors of Victory Mansions."
)


def phrase(
    text: str,
    from_s: float = 0.0,
    to_s: float = 4.0,
    *,
    speaker: str | None = None,
    has_words: bool = True,
) -> Phrase:
    texts = text.split()
    step = (to_s - from_s) / max(1, len(texts))
    words = tuple(
        Word(text=one, from_s=from_s + n * step, to_s=from_s + (n + 1) * step)
        for n, one in enumerate(texts)
    )
    return Phrase(
        from_s=from_s,
        to_s=to_s,
        text=text,
        words=words if has_words else (),
        speaker=speaker,
    )


def segment(
    *phrases: Phrase,
    number: int = 1,
    from_s: float = 0.0,
    to_s: float = 30.0,
    status: SegmentStatus = SegmentStatus.OK,
) -> Segment:
    return Segment(
        number=number,
        from_s=from_s,
        to_s=to_s,
        status=status,
        phrases=phrases,
        engine="test 1",
        quality=Quality.FULL,
        milliseconds=1.0,
    )


@pytest.mark.parametrize("has_words", [True, False])
def test_captions_can_be_read(has_words: bool) -> None:  # noqa: FBT001
    """Two lines of 42 characters, seven seconds, none over the next: as broadcast."""
    cues = captions.cues([segment(phrase(LONG, 1.0, 19.0, has_words=has_words))])

    assert " ".join(line for cue in cues for line in cue.lines) == LONG
    assert all(len(cue.lines) <= 2 for cue in cues)
    assert all(len(line) <= 42 for cue in cues for line in cue.lines)
    assert all(cue.to_s - cue.from_s <= 7.01 for cue in cues)
    for before, after in pairwise(cues):
        assert before.from_s < before.to_s <= after.from_s


def test_subrip_counts_and_has_commas_in_its_times() -> None:
    told = captions.srt(
        [segment(phrase("One", 0.5, 1.75), phrase("Two", 3661.0, 3662.25))]
    )

    assert told == (
        "1\n00:00:00,500 --> 00:00:01,750\nOne\n\n"
        "2\n01:01:01,000 --> 01:01:02,250\nTwo\n"
    )


def test_marks_of_the_formats_are_not_obeyed() -> None:
    """A transcript may say anything; a player must show it, and do nothing."""
    said = [segment(phrase("<script> & 1 --> 2 </script>"))]

    srt, vtt = captions.srt(said), captions.vtt(said, quality="full", language=None)

    assert "<" not in srt
    assert srt.count("-->") == 1
    assert "&lt;script&gt; &amp; 1" in vtt
    assert vtt.count("-->") == 1


def test_webvtt_has_voices_and_says_that_it_is_a_draft() -> None:
    said = [segment(phrase("Hello there", speaker="Speaker 1"))]

    draft = captions.vtt(said, quality="draft", language="en")

    assert draft.startswith("WEBVTT\nLanguage: en\n\nNOTE Draft: about every fourth ")
    assert "\n<v Speaker 1>Hello there\n" in draft
    assert "NOTE" not in captions.vtt(said, quality="full", language="en")


def test_the_text_has_speakers_and_paragraphs() -> None:
    said = segment(
        phrase("Good morning.", 0, 1, speaker="Speaker 1"),
        phrase("How are you?", 1.2, 2, speaker="Speaker 1"),
        phrase("Fine.", 2.5, 3, speaker="Speaker 2"),
    )

    assert captions.plain([said]) == (
        "Speaker 1: Good morning. How are you?\n\nSpeaker 2: Fine.\n"
    )
    apart = segment(phrase("One.", 0, 1), phrase("Two.", 9, 10))
    assert captions.plain([apart]) == "One.\n\nTwo.\n"


def test_what_was_not_transcribed_is_one_line_with_its_times() -> None:
    """Of a language that the engine lacks no word is invented."""
    unknown = SegmentStatus.NOT_TRANSCRIBED
    said = [
        segment(number=1, from_s=0.7, to_s=28.0, status=unknown),
        segment(number=2, from_s=28.5, to_s=67.2, status=unknown),
        segment(phrase("Hello.", 70, 71), number=3, from_s=70.0, to_s=71.0),
    ]

    assert captions.plain(said) == ("[0:00-1:07 speech, not transcribed]\n\nHello.\n")
    cues = captions.cues(said)
    assert cues[0].lines == ("[speech, not transcribed]",)
    assert (cues[0].from_s, cues[0].to_s) == (0.7, 67.2)


def test_nothing_said_is_nothing() -> None:
    assert captions.plain([]) == ""
    assert captions.srt([]) == ""
    assert captions.vtt([], quality=None, language=None) == "WEBVTT\n"
    assert captions.markdown(segment(status=SegmentStatus.EMPTY)) is None


def test_markdown_has_times_and_no_marks_of_its_own() -> None:
    made = captions.markdown(
        segment(phrase("a *b* [c]"), from_s=65.0), banner="Draft: careful"
    )

    assert made == "> Draft: careful\n\n**[1:05]** a \\*b\\* \\[c\\]"


def test_a_long_word_is_kept_whole() -> None:
    word = "x" * 60
    told = captions.srt([segment(phrase(word))])

    assert re.sub(r"\s", "", told.split("\n", 2)[2]) == word


@pytest.mark.parametrize("has_words", [True, False])
def test_a_script_without_spaces_gets_none(has_words: bool) -> None:  # noqa: FBT001
    text = "今日は良い天気ですね" * 12
    words = tuple(
        Word(text=text[at : at + 2], from_s=at / 6, to_s=(at + 2) / 6)
        for at in range(0, len(text), 2)
    )
    spoken = Phrase(from_s=0.0, to_s=20.0, text=text, words=words if has_words else ())

    cues = captions.cues([segment(spoken)])

    assert "".join(line for cue in cues for line in cue.lines) == text
    assert all(len(cue.lines) <= 2 for cue in cues)
    assert all(len(line) <= 42 for cue in cues for line in cue.lines)


def test_sentences_are_added_where_there_are_none() -> None:
    bare = segment(phrase("i think i'm in it", 0, 2), phrase("so what", 3, 4))
    kept = segment(phrase("Good morning, i say"))

    made = with_sentences(bare)

    assert [one.text for one in made.phrases] == ["I think I'm in it.", "So what."]
    assert [word.text for word in made.phrases[1].words] == ["So", "what."]
    assert with_sentences(kept) == kept

"""Sentences for a transcript that has none: capitals, and full stops at pauses.

A rule of thumb for engines that write neither; where there are some it changes nothing.
"""

from __future__ import annotations

import re
from typing import Final

from prsnl.engines.speech.contract import Phrase, Segment, Word

_MARKS: Final = re.compile(r"[.,;:!?]|[A-Z]")
_I: Final = re.compile(r"i(?='|$)")


def with_sentences(segment: Segment) -> Segment:
    """The same, with each phrase as a sentence."""
    if _MARKS.search(segment.text):
        return segment
    phrases = tuple(_sentence(phrase) for phrase in segment.phrases)
    return segment.model_copy(update={"phrases": phrases})


def _sentence(phrase: Phrase) -> Phrase:
    told = [_I.sub("I", word) for word in phrase.text.split()]
    if not told:
        return phrase
    told[0] = told[0][0].upper() + told[0][1:]
    told[-1] += "."
    words = phrase.words
    if len(words) == len(told):
        words = tuple(map(_named, words, told))
    return phrase.model_copy(update={"text": " ".join(told), "words": words})


def _named(word: Word, text: str) -> Word:
    return word.model_copy(update={"text": text})

"""Key sentences by TextRank.

R. Mihalcea and P. Tarau, "TextRank: Bringing Order into Texts", EMNLP 2004: sentences
vote for those that they share words with.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prsnl.engines.text.words import terms

_DAMPING: Final = 0.85
_ROUNDS_MAX: Final = 60
_CONVERGED: Final = 1e-6
#: A square of this many sentences is compared; 4 MB a matrix.
_SENTENCES_MAX: Final = 1_000
_VOCABULARY_MAX: Final = 6_000
_FEW: Final = 3
_MANY: Final = 5
#: From so many sentences on, five are picked instead of three.
_LONG_TEXT: Final = 30
#: Two sentences that share more of their words than this say the same.
_SAME_SHARE: Final = 0.55
_CHARACTERS_MIN: Final = 30
_CHARACTERS_MAX: Final = 420
_TERMS_MIN: Final = 4
_LETTERS_SHARE_MIN: Final = 0.65
_ENDS: Final = (".", "!", "?", "…", "\u3002", "\uff01", "\uff1f", "\u061f", "\u06d4")
_CLOSERS: Final = "\"')]}»”\u2019"
_BOILERPLATE: Final = re.compile(
    r"©|\bcopyright\b|\ball rights reserved\b|\balle rechte vorbehalten\b|"
    r"\btous droits réservés\b|https?://|www\.|\bcookies?\b|\bpage \d|\bseite \d|"
    r"\bunsubscribe\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence with the page it stands on."""

    text: str
    page: int


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A sentence with its rank, between 0 and 1: the best has 1."""

    sentence: Sentence
    score: float


def is_candidate(text: str) -> bool:
    """Whether a sentence is one: not a heading, a table row or boilerplate."""
    if not _CHARACTERS_MIN <= len(text) <= _CHARACTERS_MAX or "\t" in text:
        return False
    if not text.rstrip(_CLOSERS).endswith(_ENDS):
        return False
    letters = sum(letter.isalpha() or letter.isspace() for letter in text)
    return letters >= _LETTERS_SHARE_MIN * len(text) and not _BOILERPLATE.search(text)


def key_sentences(sentences: Sequence[Sentence], language: str | None) -> list[Ranked]:
    """Pick three to five sentences that stand for the others, in document order.

    Args:
        sentences: Those of the document, in order; of more than 1,000 candidates the
            first 1,000 are compared.
        language: ISO 639-1, for the words that do not count.
    """
    candidates: list[tuple[Sentence, frozenset[str]]] = []
    for sentence in sentences:
        words = frozenset(terms(sentence.text, language))
        if len(words) >= _TERMS_MIN and is_candidate(sentence.text):
            candidates.append((sentence, words))
            if len(candidates) == _SENTENCES_MAX:
                break
    if not candidates:
        return []
    scores = _ranks([words for _, words in candidates])
    wanted = _MANY if len(candidates) >= _LONG_TEXT else _FEW
    picked: list[int] = []
    for index in sorted(range(len(candidates)), key=lambda one: (-scores[one], one)):
        words = candidates[index][1]
        if not any(
            _share(words, candidates[other][1]) > _SAME_SHARE for other in picked
        ):
            picked.append(index)
        if len(picked) == wanted:
            break
    top = max(float(scores[index]) for index in picked)
    return [
        Ranked(
            sentence=candidates[index][0],
            score=round(float(scores[index]) / top, 4) if top else 1.0,
        )
        for index in sorted(picked)
    ]


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / min(len(one), len(other))


def _ranks(sentences: Sequence[frozenset[str]]) -> NDArray[np.float64]:
    similar = _similarities(sentences)
    weights = similar.sum(axis=1, keepdims=True)
    votes = np.divide(similar, weights, out=np.zeros_like(similar), where=weights > 0)
    count = len(sentences)
    ranks = np.full(count, 1.0 / count)
    for _ in range(_ROUNDS_MAX):
        before = ranks
        ranks = (1 - _DAMPING) / count + _DAMPING * (votes.T @ before)
        if float(np.abs(ranks - before).sum()) < _CONVERGED:
            break
    return ranks


def _similarities(sentences: Sequence[frozenset[str]]) -> NDArray[np.float64]:
    """Shared words, divided by the logarithms of both lengths; 0 with itself."""
    vocabulary = _vocabulary(sentences)
    holds = np.zeros((len(sentences), max(1, len(vocabulary))), dtype=np.float32)
    for row, words in enumerate(sentences):
        columns = [vocabulary[word] for word in words if word in vocabulary]
        holds[row, columns] = 1.0
    similar = (holds @ holds.T).astype(np.float64)
    lengths = np.array([math.log(1 + len(words)) for words in sentences])
    similar /= lengths[:, None] + lengths[None, :]
    np.fill_diagonal(similar, 0.0)
    return similar


def _vocabulary(sentences: Iterable[frozenset[str]]) -> dict[str, int]:
    counts = Counter(word for words in sentences for word in sorted(words))
    shared = [word for word, count in counts.most_common(_VOCABULARY_MAX) if count > 1]
    return {word: column for column, word in enumerate(shared)}

"""Key sentences by TextRank: central to the text, and from all of its parts.

R. Mihalcea and P. Tarau, "TextRank: Bringing Order into Texts", EMNLP 2004: sentences
vote for those that they share words with.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prsnl.engines.text.wholeness import is_whole, usefulness
from prsnl.engines.text.words import terms

_DAMPING: Final = 0.85
_ROUNDS_MAX: Final = 60
_CONVERGED: Final = 1e-6
#: A square of this many sentences is compared; 4 MB a matrix.
_SENTENCES_MAX: Final = 1_000
_VOCABULARY_MAX: Final = 6_000
#: So many are picked of a text with at least so many sentences.
_COUNTS: Final = ((200, 7), (30, 5), (0, 3))
#: Two sentences that share more of their words than this say the same.
_SAME_SHARE: Final = 0.55
#: What a sentence loses that says again what is picked: all of it would be 1.
_REDUNDANCY: Final = 0.8
#: And what it keeps in a part of the text that has one already.
_SAME_PART: Final = 0.3
_TERMS_MIN: Final = 4
#: A text says at its beginning what it is about, and at its end what came of it.
_BEGINNING: Final = 0.06
_AT_BEGINNING: Final = 1.35
_END: Final = 0.94
_AT_END: Final = 1.1


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence with the page it stands on."""

    text: str
    page: int
    #: More than 1 where the document sums itself up.
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A picked sentence; the higher the score, the earlier it was picked.

    The best has 1: the first three of five by their score are what would have been
    picked of three.
    """

    sentence: Sentence
    score: float


@dataclass(frozen=True)
class _Candidate:
    sentence: Sentence
    words: frozenset[str]
    #: Where in the text it stands, from 0 to 1.
    place: float


def key_sentences(
    sentences: Sequence[Sentence], language: str | None, *, count: int | None = None
) -> list[Ranked]:
    """Pick sentences that stand for the others and for each part, in document order.

    Args:
        sentences: Those of the document, in order; of more than 1,000 candidates the
            1,000 with the commonest words are compared, as many of each part.
        language: ISO 639-1, for the words that do not count.
        count: At most so many; else three to seven, by the length of the text.
    """
    found = _candidates(sentences, language)
    if not found:
        return []
    wanted = count or next(n for least, n in _COUNTS if len(found) >= least)
    candidates = _within(found)
    ranks = _ranks([one.words for one in candidates])
    worth = [
        float(rank) * _worth(one) for rank, one in zip(ranks, candidates, strict=True)
    ]
    picked = _pick(candidates, worth, wanted)
    top = max(picked.values())
    return [
        Ranked(
            sentence=candidates[index].sentence,
            score=round(picked[index] / top, 4) if top else 1.0,
        )
        for index in sorted(picked)
    ]


def _candidates(
    sentences: Sequence[Sentence], language: str | None
) -> list[_Candidate]:
    whole = sum(len(one.text) for one in sentences) or 1
    found: list[_Candidate] = []
    before = 0
    for one in sentences:
        words = frozenset(terms(one.text, language))
        if len(words) >= _TERMS_MIN and is_whole(one.text, language):
            found.append(_Candidate(one, words, before / whole))
        before += len(one.text)
    return found


def _within(candidates: Sequence[_Candidate]) -> Sequence[_Candidate]:
    """At most 1,000 of them: of equal parts those with the commonest words."""
    if len(candidates) <= _SENTENCES_MAX:
        return candidates
    counts = Counter(word for one in candidates for word in one.words)
    parts = 20
    kept: list[int] = []
    for part in range(parts):
        start, end = (len(candidates) * at // parts for at in (part, part + 1))
        best = sorted(
            range(start, end),
            key=lambda index: (-_commonness(candidates[index], counts), index),
        )
        kept += best[: _SENTENCES_MAX // parts]
    return [candidates[index] for index in sorted(kept)]


def _commonness(one: _Candidate, counts: Counter[str]) -> float:
    return sum(math.log(counts[word]) for word in one.words) / len(one.words)


def _worth(one: _Candidate) -> float:
    """What its place and its form make of a sentence."""
    place = 1.0
    if one.place < _BEGINNING:
        place = _AT_BEGINNING
    elif one.place > _END:
        place = _AT_END
    return place * one.sentence.weight * usefulness(one.sentence.text)


def _pick(
    candidates: Sequence[_Candidate], worth: Sequence[float], wanted: int
) -> dict[int, float]:
    """The best, then the best beside it, and so on, each with what it was worth then.

    J. Carbonell and J. Goldstein, "The Use of MMR, Diversity-Based Reranking for
    Reordering Documents and Producing Summaries", SIGIR 1998; and a part of the text
    that has a sentence gives way to one that has none.
    """
    picked: dict[int, float] = {}
    parts: set[int] = set()
    nearest = [0.0] * len(candidates)
    while len(picked) < wanted:
        gains = [
            0.0
            if index in picked or nearest[index] > _SAME_SHARE
            else worth[index]
            * (1 - _REDUNDANCY * nearest[index])
            * (_SAME_PART if int(one.place * wanted) in parts else 1.0)
            for index, one in enumerate(candidates)
        ]
        best = max(range(len(gains)), key=gains.__getitem__)
        if gains[best] <= 0:
            break
        picked[best] = min(gains[best], *picked.values()) if picked else gains[best]
        parts.add(int(candidates[best].place * wanted))
        for index, one in enumerate(candidates):
            share = _share(one.words, candidates[best].words)
            nearest[index] = max(nearest[index], share)
    return picked


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

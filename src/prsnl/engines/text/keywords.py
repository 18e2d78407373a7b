"""Keywords from the text alone, by five statistics of its words.

After R. Campos et al., "YAKE! Keyword extraction from single documents using multiple
local features", Information Sciences 509 (2020): case, position, frequency, company
and spread of a word. Written from the paper.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median, pstdev
from typing import Final

from prsnl.engines.text.dates import MONTHS
from prsnl.engines.text.words import UNSPACED, WORD, stop_words

_PHRASE_MAX: Final = 3
_WORD_MIN: Final = 3
_KEYWORDS: Final = 10
_TAGS: Final = 5
#: Words of dates and sums, of address and of speech: they tell nothing of the matter.
_GENERIC: Final = """
    eur usd gbp chf euro euros page pages seite seiten http https www com org html
    nbsp total amount number numbers nr no date figure figures table tables section
    chapter appendix item items note notes dkt vol pp et al etc ibid
    monday tuesday wednesday thursday friday saturday sunday
    montag dienstag mittwoch donnerstag freitag samstag sonntag
    mr mrs ms miss dr prof sir madam dear herr herrn frau firma familie monsieur madame
    said says say told tell tells ask asked asks think thought know known knows
    make makes made making take takes taken took give gives given gave get gets got
    go goes going gone went come comes came keep keeps kept put puts let lets
    find finds found show shows shown see sees seen look looks looked use used want
    wants wanted need needs needed seem seems seemed become becomes became begin begins
    able available better best good great well bad new old big large small little long
    short high low early late different several various certain possible general whole
    important necessary similar following further enough second third last next
    never always often sometimes usually really still already even yet ever quite
    rather almost perhaps maybe therefore thus however hence indeed instead
    today tomorrow yesterday time times year years day days month months week weeks
    hour hours minute minutes way ways thing things case cases part parts kind kinds
    behind above below beside near across around along beneath beyond inside outside far
    lot example examples result results idea people person one two three four five six
    first back side unless hello seven eight nine ten please yes
    ganz ganze ganzen neu neue neuen neuer neues gut gute guten großer große
    großen klein kleine kleinen
    erste ersten erster zweite zweiten letzte letzten viele vielen weitere weiteren
    verschiedene wichtig möglich beispiel beispiele fall fälle teil teile ende anfang
    zeit jahr jahre jahren tag tage tagen monat monate monaten woche wochen stunde
    stunden minuten uhr heute morgen gestern derzeit bereits bisher insgesamt bitte
    beträgt betragen erfolgt erfolgen steht stehen liegt liegen geht gehen kommt kommen
    macht machen gemacht sagt sagte sagen hält halten bleibt bleiben gilt gelten
    top punkt punkte datum nummer betrag summe anlage blatt eins zwei drei vier fünf
    nouveau nouvelle bon fait faire jour jours mois année années fois exemple
    nuevo nueva bueno año años día días mes meses vez ejemplo
"""
_UNTELLING: Final = frozenset(MONTHS) | frozenset(_GENERIC.split())
#: Nouns that end like adverbs.
_ENDING_LY: Final = """
    family assembly supply reply anomaly monopoly italy july butterfly dragonfly
    firefly jelly belly bully ally rally lily holly early daily weekly monthly quarterly
    homily subfamily"""
_LY_NOUNS: Final = frozenset(_ENDING_LY.split())
#: In a text of so many words a keyword stands so often at least.
_LONG_WORDS: Final = 200
_SAID_AGAIN: Final = 2
_ADVERB_MIN: Final = 6
_DIGITS_MAX: Final = 1
_POSSESSIVE: Final = re.compile(r"['\u2019]s?$")
#: What separates phrases; a wrapped line does not.
_BREAK: Final = re.compile(r"[.!?:;,()\[\]{}\"“”„«»|/\\•·\t\u2013—*=<>]|\n\s*\n")
_SAMPLE_CHARACTERS: Final = 300_000


@dataclass
class _Term:
    count: int = 0
    capitals: int = 0
    acronyms: int = 0
    sentences: set[int] = field(default_factory=set)
    left: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)


def keywords(text: str, language: str | None) -> list[tuple[str, float]]:
    """The ten best words or phrases of *text* with a score; the best has 1.

    Of a text of more than 300,000 characters the first are read. A text that is
    written without spaces gives none.
    """
    if language in UNSPACED:
        return []
    left_out = stop_words(language) | stop_words("en")
    pieces = list(_pieces(text[:_SAMPLE_CHARACTERS]))
    scores = _term_scores(pieces, left_out)
    if not scores:
        return []
    phrases = _phrase_scores(pieces, scores)
    return _distinct(phrases)


def tags(found: Iterable[tuple[str, float]]) -> list[str]:
    """A few keywords as tags: folded, and one word or two."""
    short = (text.casefold() for text, _ in found if text.count(" ") < _PHRASE_MAX - 1)
    return list(dict.fromkeys(short))[:_TAGS]


def _pieces(text: str) -> Iterator[list[str]]:
    for piece in _BREAK.split(text):
        words = [_POSSESSIVE.sub("", word) for word in WORD.findall(piece)]
        if words:
            yield words


def _term_scores(
    pieces: Sequence[Sequence[str]], left_out: frozenset[str]
) -> dict[str, float]:
    """Lower is better, as in the paper."""
    known: dict[str, _Term] = defaultdict(_Term)
    for number, words in enumerate(pieces):
        folded = [word.casefold() for word in words]
        for place, (word, plain) in enumerate(zip(words, folded, strict=True)):
            term = known[plain]
            term.count += 1
            term.capitals += place > 0 and word[0].isupper()
            term.acronyms += len(word) > 1 and word.isupper()
            term.sentences.add(number)
            if place:
                term.left[folded[place - 1]] += 1
            if place + 1 < len(folded):
                term.right[folded[place + 1]] += 1
    least = _SAID_AGAIN if sum(map(len, pieces)) >= _LONG_WORDS else 1
    meant = {
        plain: term
        for plain, term in known.items()
        if plain not in left_out and _is_telling(plain) and term.count >= least
    }
    if not meant:
        return {}
    counts = [term.count for term in meant.values()]
    usual = fmean(counts) + pstdev(counts)
    most = max(counts)
    return {
        plain: _term_score(term, usual=usual, most=most, pieces=len(pieces))
        for plain, term in meant.items()
    }


def _is_telling(word: str) -> bool:
    """Whether a folded word may say what a text is about: no number, no adverb."""
    if len(word) < _WORD_MIN or word in _UNTELLING or "_" in word:
        return False
    if word.endswith("ly") and len(word) >= _ADVERB_MIN and word not in _LY_NOUNS:
        return False
    return sum(sign.isdigit() for sign in word) <= _DIGITS_MAX


def _term_score(term: _Term, *, usual: float, most: int, pieces: int) -> float:
    case = max(term.capitals, term.acronyms) / (1 + math.log(term.count))
    position = math.log(math.log(3 + median(term.sentences)))
    frequency = term.count / usual
    spread = len(term.sentences) / pieces
    company = 1 + (_variety(term.left) + _variety(term.right)) * term.count / most
    return company * position / (case + frequency / company + spread / company)


def _variety(neighbours: Counter[str]) -> float:
    """How various the neighbours are: 1 if each is another word."""
    total = sum(neighbours.values())
    return len(neighbours) / total if total else 0.0


def _phrase_scores(
    pieces: Iterable[Sequence[str]], scores: dict[str, float]
) -> list[tuple[str, float]]:
    counts: Counter[tuple[str, ...]] = Counter()
    written: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for words in pieces:
        folded = [word.casefold() for word in words]
        for start in range(len(words)):
            for end in range(start + 1, min(start + _PHRASE_MAX, len(words)) + 1):
                phrase = tuple(folded[start:end])
                if any(word not in scores for word in phrase):
                    break
                counts[phrase] += 1
                written[phrase][" ".join(words[start:end])] += 1
    ranked = []
    for phrase, count in counts.items():
        if len(phrase) > 1 and (count == 1 or len(set(phrase)) < len(phrase)):
            continue  # a phrase is one only if the text says it again
        parts = [scores[word] for word in phrase]
        score = math.prod(parts) / (count * (1 + sum(parts)))
        ranked.append((written[phrase].most_common(1)[0][0], score))
    ranked.sort(key=lambda one: (one[1], one[0]))
    return ranked


def _distinct(ranked: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The best ones, without those that another of them says already."""
    chosen: list[tuple[str, float]] = []
    stems: list[frozenset[str]] = []
    for text, score in ranked:
        words = frozenset(_stem(word) for word in text.casefold().split())
        if any(words <= other or other <= words for other in stems):
            continue
        chosen.append((text, score))
        stems.append(words)
        if len(chosen) == _KEYWORDS:
            break
    best = chosen[0][1] if chosen else 1.0
    return [(text, round(_relative(best, score), 4)) for text, score in chosen]


def _relative(best: float, score: float) -> float:
    return min(1.0, max(best, 1e-12) / max(score, 1e-12))


def _stem(word: str) -> str:
    """A word without its commonest endings: enough to tell a plural."""
    for ending in ("ies", "es", "en", "s", "n", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= _WORD_MIN:
            return word[: -len(ending)]
    return word

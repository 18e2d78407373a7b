"""Whether a sentence is one: whole, prose, and of use without those around it."""

from __future__ import annotations

import re
from typing import Final

from prsnl.engines.text.words import UNSPACED, WORD

_CHARACTERS_MIN: Final = 30
_CHARACTERS_MAX: Final = 420
_WORDS_MIN: Final = 5
_LETTERS_SHARE_MIN: Final = 0.65
#: More numbers than this are a row of a table.
_NUMBERS_SHARE_MAX: Final = 0.3
#: More capitals than this are a list of names, or a title.
_CAPITALS_SHARE_MAX: Final = 0.6
_CAPITALS_SHARE_MAX_DE: Final = 0.75
_ENDS: Final = (".", "!", "?", "…", "\u3002", "\uff01", "\uff1f", "\u061f", "\u06d4")
_CLOSERS: Final = "\"')]}»”\u2019“"
_OPENERS: Final = "\"'([{«“„\u2018¿¡"
_PAIRS: Final = ("()", "[]", "{}")
_BOILERPLATE: Final = re.compile(
    r"©|\bcopyright\b|\ball rights reserved\b|\balle rechte vorbehalten\b|"
    r"\btous droits réservés\b|https?://|www\.|\S@\w|\bcookies?\b|\bpage \d|\bseite \d|"
    r"\bunsubscribe\b|\bibid\b|\bop\. cit\b",
    re.IGNORECASE,
)
#: What ends with one of these goes on.
_OPEN: Final = re.compile(
    r"(?:^|[\s(])(?:dkt|nos?|figs?|eqs?|secs?|vols?|pp?|eds?|vs?|cf|e\.g|i\.e|approx|"
    r"viz|mrs?|ms|dr|prof|st|nr|abs|art|abb|tab|vgl|bzw|ca|z\. ?b|d\. ?h|u\. ?a|inkl|"
    r"zzgl|tel|hr|fr|frau|str|geb|gem|lit)\.$",
    re.IGNORECASE,
)
_LEANING: Final = re.compile(
    r"(?:furthermore|moreover|additionally|similarly|likewise|however|nevertheless|"
    r"nonetheless|therefore|thus|hence|consequently|accordingly|besides|instead|"
    r"otherwise|meanwhile|conversely|alternatively|briefly|again|also|then|so|but|and|"
    r"or|nor|yet|still|in addition|in contrast|in this|in that|in such|in these|for "
    r"this|for example|for instance|as such|as a result|on the other|at this|at that|"
    r"such|this|these|those|that|he|she|they|his|her|their|it|its|both|neither|here|"
    r"(?:when|if|as|after|because|once|since|while|although) (?:this|these|he|she|they|"
    r"it|all this)|"
    r"the (?:former|latter|same)|there,|see|click|read|for more|siehe|klicken|"
    r"dies(?:e[rsnm]?)?|jene[rsnm]?|solche?[rsnm]?|er|sie|es|das|dabei|dadurch|daher|"
    r"damit|danach|dann|darauf|darum|davon|dazu|dennoch|deshalb|deswegen|doch|aber|und|"
    r"oder|denn|auch|außerdem|ferner|zudem|jedoch|allerdings|hierbei|hierzu|hingegen|"
    r"somit|sodann|trotzdem|folglich|ebenso|ihre?[rsnm]?|seine?[rsnm]?|"
    r"cependant|toutefois|ainsi|donc|mais|ce|cette|ces|il|elle|ils|elles|"
    r"sin embargo|además|pero|este|esta|estos|ello)(?!\w)",
    re.IGNORECASE,
)
#: A document that speaks of itself, and an "it" that stands for nothing.
_STANDING: Final = re.compile(
    r"(?:(?:in )?(?:this|dieser|diese|dieses|diesem|dieser|cette?|este|esta) (?:\w+ )?"
    r"(?:paper|report|article|document|agreement|contract|lease|letter|book|chapter|"
    r"study|thesis|essay|guide|manual|policy|work|survey|note|law|act|year|week|month|"
    r"bericht|arbeit|artikel|dokument|vertrag|vereinbarung|brief|buch|kapitel|studie|"
    r"anleitung|richtlinie|beitrag|text|jahr|rapport|article|contrat|informe|contrato)|"
    r"it (?:is|was|seems|appears) (?:\w+ ){1,3}(?:that|to)|"
    r"(?:so|that|such) (?:far|long|as)|both (?:\w+ ){1,3}and|here (?:is|are)|"
    r"(?:es|das) (?:gibt|gab|ist|war|gilt))(?!\w)",
    re.IGNORECASE,
)
_LEANING_WEIGHT: Final = 0.45
_QUESTION_WEIGHT: Final = 0.6
_WORDS_LONG: Final = 34


def is_whole(text: str, language: str | None = None) -> bool:
    """Whether *text* is a whole sentence, and neither a heading nor a table's row."""
    if not _CHARACTERS_MIN <= len(text) <= _CHARACTERS_MAX or "\t" in text:
        return False
    bare = text.rstrip(_CLOSERS)
    if not bare.endswith(_ENDS) or _OPEN.search(bare) or not _begins(text):
        return False
    if any(text.count(one) != text.count(other) for one, other in _PAIRS):
        return False
    if text.count('"') % 2 or text.count("„") + text.count("“") < text.count("”"):
        return False
    return _is_prose(text, language) and not _BOILERPLATE.search(text)


def usefulness(text: str) -> float:
    """How well a sentence stands alone, above 0 and up to 1."""
    weight = 1.0
    if _LEANING.match(text) and not _STANDING.match(text):
        weight *= _LEANING_WEIGHT
    if text.rstrip(_CLOSERS).endswith("?"):
        weight *= _QUESTION_WEIGHT
    words = text.count(" ") + 1
    return weight * min(1.0, _WORDS_LONG / words)


def _begins(text: str) -> bool:
    """Whether it begins as sentences do; scripts without capitals have no sign."""
    first = text.lstrip(_OPENERS)[:1]
    return first.isalnum() and not first.islower()


def _is_prose(text: str, language: str | None) -> bool:
    letters = sum(letter.isalpha() or letter.isspace() for letter in text)
    if letters < _LETTERS_SHARE_MIN * len(text):
        return False
    if language in UNSPACED:
        return True
    words = WORD.findall(text)
    if len(words) < _WORDS_MIN:
        return False
    parts = text.split()
    numbers = sum(any(sign.isdigit() for sign in part) for part in parts)
    if numbers > _NUMBERS_SHARE_MAX * len(parts):
        return False
    capitals = sum(word[0].isupper() for word in words[1:])
    most = _CAPITALS_SHARE_MAX_DE if language == "de" else _CAPITALS_SHARE_MAX
    return bool(capitals <= most * (len(words) - 1))

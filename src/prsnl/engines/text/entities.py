"""What rules can find in a text; every pattern is bounded, so time is linear."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Final, TypeAlias

from prsnl.engines.contracts import Entity, EntityKind
from prsnl.engines.text.amounts import find_amounts
from prsnl.engines.text.dates import find_dates
from prsnl.engines.text.iban import iban_in
from prsnl.engines.text.prose import (
    is_notice,
    references_start,
    repeated_lines,
    without_addresses,
)
from prsnl.engines.text.words import WORD, stop_words

#: So many of a kind are kept from one document; a list of 10,000 helps nobody.
KIND_MAX: Final = 1_000
_CANDIDATES_MAX: Final = 100

_EMAIL: Final = re.compile(
    r"(?<![\w.%+\-])[\w.%+\-]{1,64}@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}"
    r"(?![\w\-]|\.\w)"
)
_URL: Final = re.compile(
    r"(?<![\w@.])(?:https?://|www\.)[^\s<>\"'()\[\]{}|\\^`«»“”]{2,2000}", re.IGNORECASE
)
_URL_TAIL: Final = ".,;:!?…-*_"
_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]){11,30}(?![A-Za-z0-9])"
)
_PHONE: Final = re.compile(
    r"(?<![\w+./\-])(?P<label>(?:tel(?:efon|efono|éfono|ephone|efoon)?|phone|fon|"
    r"mobil(?:e)?|handy|fax|gsm|tél(?:éphone)?|telefax|cell)\.?[ \t]?(?:no\.|nr\.)?"
    r"[ \t]?:?[ \t]{0,4})?"
    r"(?P<number>(?:\+[ ]?\d{1,3}|00\d{1,3}|\(?0\d{1,5}\)?|\(\d{3}\)|\d{2,4})"
    r"(?:[ \u00a0./()\-]{1,3}\(?\d{1,9}\)?){1,7}|\+\d{7,15}|0\d{6,14})(?![\w/\-])",
    re.IGNORECASE,
)
_PHONE_DIGITS: Final = range(7, 16)
_REFERENCE: Final = re.compile(
    r"(?<!\w)(?P<what>invoice|contract|order|purchase order|reference|ref|customer|"
    r"account|case|file|policy|booking|ticket|offer|quote|delivery note|"
    r"rechnung(?:s)?|vertrag(?:s)?|auftrag(?:s)?|bestell|kunden|akten|vorgang(?:s)?|"
    r"angebot(?:s)?|lieferschein|beleg|mandat(?:s)?|versicherung(?:s)?|steuer|"
    r"facture|contrat|commande|dossier|client|référence|devis|"
    r"factura|contrato|pedido|referencia|expediente|"
    r"fattura|contratto|ordine|riferimento|"
    r"factuur|bestelling|klant|offerte|"
    r"fatura|encomenda|referência)[ \-]?"
    r"(?P<label>numbers?|nummer|number|no|nr|num|numéro|número|numero|n°|nº|id|"
    r"zeichen|code|#)?[.:]{0,2}[ \t]{0,3}[#:]?[ \t]{0,3}"
    r"(?P<number>(?=[\w./\-]{0,30}\d)[A-Z0-9][A-Z0-9./_\-]{2,30})(?!\w)",
    re.IGNORECASE,
)
_DIGITS: Final = re.compile(r"\d")
_NAME: Final = re.compile(
    r"(?<![\w\u2019'\-])[A-ZÀ-ÖØ-Þ][^\W\d_]{1,30}(?:[\u2019'\-][^\W\d_]{1,30}){0,2}"
    r"(?:[ ](?:(?:van|von|der|den|de|la|du|del|di|da|zu|bin|al|of)[ ]){0,2}"
    r"[A-ZÀ-ÖØ-Þ&][^\W\d_]{0,30}(?:[\u2019'\-&.][^\W\d_]{0,30}){0,3}){1,4}(?![\w\-])"
)
_TITLED: Final = re.compile(
    r"(?<!\w)(?:Herrn?|Frau|Mr|Mrs|Ms|Miss|Sir|Mme|Mlle|Monsieur|Madame|Sr|Sra|Sig|"
    r"Signora?|Dhr|Mevr|Prof|Dr|Dott|Dra)\.?[ ]"
)
_COMPANY: Final = re.compile(
    r"(?<!\w)(?:GmbH|mbH|AG|KG|OHG|UG|e\.V\.|SE|Ltd|Limited|LLC|Inc|Corp|PLC|plc|S\.A\.|"
    r"SA|SARL|S\.r\.l\.|Srl|SpA|B\.V\.|BV|N\.V\.|NV|Lda|S\.L\.|SL)\.?$"
)
_ABBREVIATED: Final = re.compile(
    r"(?<!\w)(?:Ltd|Inc|Corp|Co|S\.A|e\.V|B\.V|N\.V|S\.L|S\.r\.l)\.$"
)
_WORD: Final = re.compile(r"[^ ]+")
_POSSESSIVE: Final = re.compile(r"['\u2019]s?$")
#: "St." and "Jr." are part of a name; what is longer ends a sentence.
_SHORT: Final = 4
#: Places that are called after their owner: "King's College".
_NAMED_AFTER: Final = frozenset(
    {
        *("hospital", "college", "school", "church", "bank", "island", "day", "house"),
        *("university", "hotel", "inn", "park", "street", "road", "square", "abbey"),
    }
)
#: Capitalised as a rule, and no part of anybody's name.
_UNNAMED: Final = """
    dear hi hello see figure fig table section chapter appendix part page plate volume
    item amount total subject general terms keywords abstract introduction conclusion
    conclusions references contents acknowledgments acknowledgements summary column row
    note notes example step question answer first second third fourth list id no nr
    monday tuesday wednesday thursday friday saturday sunday january february march
    april june july august september october november december firma abs abschnitt
    date invoice receipt price quantity description name address phone email fax
"""
#: "Part B", "Plate XII".
_COUNTED: Final = re.compile(r"[A-Z]|[IVXLC]{1,6}")
_NUMBERED: Final = re.compile(r"\s*(?:\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,4})\.?\s+")
#: So far around a name a notice is looked for.
_NEAR: Final = 500
_LINKS: Final = frozenset({"of", "de", "du", "la", "the", "and", "&"})
_NO_NAMES: Final = frozenset(_UNNAMED.split())
_WEAK_IN: Final = frozenset({"de"})


def find_entities(
    pages: Iterable[tuple[int, str]], language: str | None
) -> list[Entity]:
    """Every entity of the pages, in the order of the text.

    Args:
        pages: Their numbers and texts; offsets count in each page's text.
        language: ISO 639-1. German writes every noun with a capital: there a name
            is a candidate only with a title before it or a legal form behind it.
    """
    kept: list[Entity] = []
    counts: dict[EntityKind, int] = dict.fromkeys(EntityKind, 0)
    pages = list(pages)
    names = _Names(pages, language)
    for number, text in pages:
        found: list[Entity] = []
        taken: set[int] = set()
        for entity in _certain(number, text):
            span = range(entity.start, entity.end)
            if counts[entity.kind] >= KIND_MAX or not taken.isdisjoint(span):
                continue
            taken.update(span)
            counts[entity.kind] += 1
            found.append(entity)
        found.extend(
            one
            for one in names.find(number, text)
            if taken.isdisjoint(range(one.start, one.end))
        )
        kept.extend(sorted(found, key=lambda one: (one.start, one.end)))
    return kept


_Found: TypeAlias = tuple[EntityKind, int, int, str | None]


def _certain(page: int, text: str) -> Iterator[Entity]:
    """Those with a form of their own, the surest first."""
    for kind, start, end, value in chain(_addresses(text), _numbers(text)):
        yield Entity(
            kind=kind,
            text=text[start:end],
            value=value,
            page=page,
            start=start,
            end=end,
        )


def _addresses(text: str) -> Iterator[_Found]:
    for match in _EMAIL.finditer(text):
        yield EntityKind.EMAIL, *match.span(), match.group().lower()
    for match in _URL.finditer(text):
        end = match.start() + len(match.group().rstrip(_URL_TAIL))
        yield EntityKind.URL, match.start(), end, None


def _numbers(text: str) -> Iterator[_Found]:
    for match in _IBAN.finditer(text):
        if found := iban_in(match.group()):
            bare, length = found
            yield EntityKind.IBAN, match.start(), match.start() + length, bare
    for match in _REFERENCE.finditer(text):
        start = match.start("number")
        number = match["number"].rstrip("./_-")
        if _is_reference(match, number):
            yield EntityKind.REFERENCE, start, start + len(number), number.upper()
    for day in find_dates(text):
        yield EntityKind.DATE, day.start, day.end, day.value
    for amount in find_amounts(text):
        yield EntityKind.AMOUNT, amount.start, amount.end, amount.value
    for match in _PHONE.finditer(text):
        start = match.start("number")
        number = match["number"].rstrip(" \u00a0./(-")
        if _is_phone(match, number):
            yield EntityKind.PHONE, start, start + len(number), _phone(number)


def _is_reference(match: re.Match[str], number: str) -> bool:
    """A number is a reference if its label says so, or it has letters and digits."""
    digits = len(_DIGITS.findall(number))
    if digits < 2 or len(number) <= 2:  # noqa: PLR2004
        return False
    labelled = (
        match["label"] is not None or ":" in match.group() or "#" in match.group()
    )
    return labelled or (digits >= 4 and digits < len(number))  # noqa: PLR2004


def _is_phone(match: re.Match[str], number: str) -> bool:
    digits = len(_DIGITS.findall(number))
    if digits not in _PHONE_DIGITS:
        return False
    international = number.startswith(("+", "00"))
    grouped = number.startswith(("(", "0"))
    if match["label"] or international:
        return True
    return grouped and "." not in number and any(one in number for one in " /-(")


def _phone(number: str) -> str | None:
    """The international form; None for a number that does not say its country."""
    plain = re.sub(r"\(0\)", "", number)
    digits = re.sub(r"\D", "", plain)
    if number.startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if number.startswith("00") else None


class _Names:
    """Finds candidates for names, each once in a document."""

    def __init__(self, pages: Sequence[tuple[int, str]], language: str | None) -> None:
        self._left_out = stop_words(language) | stop_words("en")
        self._weak = language in _WEAK_IN
        self._told: set[str] = set()
        self._common = _common(text for _, text in pages)
        self._end = references_start(pages)
        self._running = repeated_lines(pages)

    def find(self, page: int, text: str) -> Iterator[Entity]:
        for match in _NAME.finditer(text):
            for start, end in self._parts(match):
                if len(self._told) >= _CANDIDATES_MAX:
                    return
                name = text[start:end]
                folded = name.casefold()
                if self._end is not None and (page, start) >= self._end:
                    return
                if folded in self._told or not self._is_name(text, start, name):
                    continue
                self._told.add(folded)
                yield Entity(
                    kind=EntityKind.NAME_CANDIDATE,
                    text=name,
                    value=None,
                    page=page,
                    start=start,
                    end=end,
                )

    def _parts(self, match: re.Match[str]) -> Iterator[tuple[int, int]]:
        """What of a row of capitals may be a name: "Apple's Web Kit" has two parts."""
        part: list[re.Match[str]] = []
        for word in _WORD.finditer(match.string, *match.span()):
            if part and _ends(part[-1].group(), word.group()):
                yield from self._trimmed(part)
                part = []
            part.append(word)
        yield from self._trimmed(part)

    def _trimmed(self, words: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
        """Without what is no name at either end, e.g. a first word of a sentence."""
        while words and self._is_common(words[0].group()):
            words = words[1:]
        count = len(words)
        while words and (
            self._is_common(words[-1].group()) or _COUNTED.fullmatch(words[-1].group())
        ):
            words = words[:-1]
        is_cut = len(words) < count
        if not words or (is_cut and any(one.group() in _LINKS for one in words)):
            return  # "Institute of Coastal" is nobody
        start, last = words[0].start(), words[-1]
        end = last.end() - len(last.group()) + len(_POSSESSIVE.sub("", last.group()))
        text = last.string
        while end > start and text[end - 1] in "'\u2019-&":
            end -= 1
        name = text[start:end]
        ends_with_stop = name.endswith(".") and not _ABBREVIATED.search(name)
        yield start, end - ends_with_stop

    def _is_common(self, word: str) -> bool:
        plain = _POSSESSIVE.sub("", word.rstrip(".")).casefold()
        return plain in self._left_out or plain in self._common or plain in _NO_NAMES

    def _is_name(self, text: str, start: int, name: str) -> bool:
        words = name.split()
        if len(words) < 2 or name.isupper():  # noqa: PLR2004 - one word is too little
            return False
        if any(one == other for one, other in pairwise(words)):
            return False
        line = text[text.rfind("\n", 0, start) + 1 : start]
        if " ".join(_line_at(text, start).split()).casefold() in self._running:
            return False
        if is_notice(_paragraph_at(text, start)):
            return False
        if _NUMBERED.fullmatch(line) and text[start + len(name) :][:1] in ("", "\n"):
            return False  # "2.1 Hyper Parameters"
        strong = bool(_COMPANY.search(name)) or bool(
            _TITLED.search(text[max(0, start - 12) : start] + name[:12])
        )
        return strong or not self._weak


def _line_at(text: str, place: int) -> str:
    end = text.find("\n", place)
    return text[text.rfind("\n", 0, place) + 1 : len(text) if end < 0 else end]


def _paragraph_at(text: str, place: int) -> str:
    start, end = text.rfind("\n\n", 0, place) + 1, text.find("\n\n", place)
    near = max(start, place - _NEAR), min(len(text) if end < 0 else end, place + _NEAR)
    return text[slice(*near)]


def _common(texts: Iterable[str]) -> frozenset[str]:
    """The words that the document writes small at least as often as with a capital.

    A heading writes them with one, and so does the beginning of a sentence.
    """
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for text in texts:
        for word in WORD.findall(without_addresses(text)):
            plain = _POSSESSIVE.sub("", word).casefold()
            (small if word[0].islower() else capital)[plain] += 1
    return frozenset(word for word, n in small.items() if n >= capital[word] / 2)


def _ends(word: str, following: str) -> bool:
    """Whether a name ends with a word: at a full stop, or as the owner of the next."""
    if word.endswith("."):
        return len(word) > _SHORT and not _ABBREVIATED.search(word)
    is_owner = _POSSESSIVE.search(word) is not None
    return is_owner and following.casefold() not in _NAMED_AFTER

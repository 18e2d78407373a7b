"""What rules can find in a text; every pattern is bounded, so time is linear."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, TypeAlias

from prsnl.engines.contracts import Entity, EntityKind
from prsnl.engines.text.amounts import find_amounts
from prsnl.engines.text.dates import find_dates
from prsnl.engines.text.iban import iban_in
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
    names = _Names(language)
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

    def __init__(self, language: str | None) -> None:
        self._left_out = stop_words(language) | stop_words("en")
        self._weak = language in _WEAK_IN
        self._told: set[str] = set()

    def find(self, page: int, text: str) -> Iterator[Entity]:
        common = {word for word in WORD.findall(text) if word.islower()}
        for match in _NAME.finditer(text):
            if len(self._told) >= _CANDIDATES_MAX:
                return
            start, end = self._trimmed(match, common)
            name = text[start:end]
            folded = name.casefold()
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

    def _trimmed(self, match: re.Match[str], common: set[str]) -> tuple[int, int]:
        """Without what is no name at either end, e.g. a first word of a sentence."""
        start, words = match.start(), match.group().split(" ")
        while words and self._is_common(words[0], common):
            start += len(words.pop(0)) + 1
        while words and self._is_common(words[-1], common):
            words.pop()
        end = start + len(" ".join(words))
        while end > start and match.string[end - 1] in "'\u2019-&":
            end -= 1
        name = match.string[start:end]
        ends_with_stop = name.endswith(".") and not _ABBREVIATED.search(name)
        return start, end - ends_with_stop

    def _is_common(self, word: str, common: set[str]) -> bool:
        plain = word.rstrip(".").casefold()
        return plain in self._left_out or plain in common

    def _is_name(self, text: str, start: int, name: str) -> bool:
        if " " not in name or name.isupper():
            return False
        strong = bool(_COMPANY.search(name)) or bool(
            _TITLED.search(text[max(0, start - 12) : start] + name[:12])
        )
        return strong or not self._weak

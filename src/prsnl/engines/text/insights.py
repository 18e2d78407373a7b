"""Facts of a text with their place: what is due when, to whom, how much, under what.

Nothing is concluded: a fact is a date, an amount or a number that stands in the text
beside words that say what it is. Every pattern is bounded, so time is linear.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from prsnl.engines.contracts import Entity, EntityKind, Insight, InsightKind
from prsnl.engines.text.dates import MONTHS
from prsnl.engines.text.terms_of_time import find_terms

#: So many of a kind are kept from one document.
KIND_MAX: Final = 200
_CONTEXT_CHARACTERS: Final = 240
#: How far before a date the words stand that say what it is for.
_BEFORE_CHARACTERS: Final = 60
_AFTER_CHARACTERS: Final = 25
_LABEL_CHARACTERS: Final = 40

_DUE: Final = re.compile(
    r"(?<!\w)(?:due(?: date| on| by)?|payable(?: on| by| until| before)?|"
    r"pay(?:ment)?(?: is)?(?: due)?(?: by| before)|payment date|"
    r"fällig(?:keit\w{0,8})?(?: am| zum| bis)?|zahlbar(?: bis)?(?: zum| am)?|"
    r"zu (?:be)?zahlen bis(?: zum)?|zahlungsziel|zahlungsfrist|"
    r"(?:date d['\u2019])?échéance|à (?:payer|régler)(?: avant| pour)?(?: le)?|"
    r"payable(?: avant)?(?: le)?|date limite de paiement|"
    r"(?:fecha de )?vencimiento|vence(?: el)?|pagadero(?: el| antes del)?|"
    r"fecha límite de pago|(?:data di )?scadenza|da pagare entro(?: il)?|"
    r"vervaldatum|te betalen (?:voor|vóór|uiterlijk)|data de vencimento)"
    r"[ \t]{0,3}[:.]?\s{0,4}(?:the |den |le |el |il )?$",
    re.IGNORECASE,
)
_DUE_AFTER: Final = re.compile(
    r"[ \u00a0](?:fällig|zahlbar|zu zahlen|is due|falls due)(?!\w)", re.IGNORECASE
)
_DEADLINE: Final = re.compile(
    r"(?<!\w)(?:deadline(?: is)?|(?:no|not) later than|by|until|before|latest|"
    r"expir(?:es|y date|y|ation date|ing)(?: on)?|valid (?:until|through)|ends? on|"
    r"spätestens(?: am| bis)?(?: zum)?|bis(?: zum| spätestens)?|frist(?: bis)?|"
    r"einsendeschluss|anmeldeschluss|stichtag|gültig bis|endet am|ablauf am|"
    r"jusqu['\u2019]au|au plus tard(?: le)?|avant le|date limite|d['\u2019]ici le|"
    r"expire le|fin le|hasta(?: el)?|antes del?|a más tardar(?: el)?|fecha límite|"
    r"caduca(?: el)?|entro(?: il)?|non oltre il|fino al|uiterlijk(?: op)?|"
    r"geldig tot|até(?: o dia)?)"
    r"[ \t]{0,3}[:.]?\s{0,4}(?:the |den |le |el |il )?$",
    re.IGNORECASE,
)
_BETWEEN: Final = re.compile(
    r"\s{0,3}(?:[-\u2013\u2014]|to|until|till|through|(?:bis|und)(?: zum)?|"
    r"(?:jusqu['\u2019])?au|al?|hasta(?: el)?|fino al|tot(?: en met)?|t/m|and|até)"
    r"\s{0,3}",
    re.IGNORECASE,
)
#: "and" is a range only behind "between".
_AND: Final = re.compile(r"\s*(?:and|und)(?: zum)?\s*", re.IGNORECASE)
_OPENS_RANGE: Final = re.compile(
    r"(?<!\w)(?:between|zwischen)(?: dem)?\s$", re.IGNORECASE
)
_MONTH: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_TO: Final = (
    r"\s?(?:[-\u2013\u2014]|to|bis(?: zum)?|(?:jusqu['\u2019])?au|al?|hasta el|tot)\s?"
)
_DAY: Final = r"(?<![\w.,/\-])(?P<first>\d{1,2})(?:\.|st|nd|rd|th|er|º)?"
#: A range whose first day leaves out what the second says: "3 au 7 juin 2024".
_SHORT_RANGES: Final = (
    re.compile(
        rf"{_DAY}(?:[ \u00a0](?P<first_month>{_MONTH})\.?)?{_TO}"
        r"(?P<last>\d{1,2})(?:\.|st|nd|rd|th|er|º)?[ \u00a0](?:de |of )?"
        rf"(?P<month>{_MONTH})\.?,?[ \u00a0](?:de )?(?P<year>\d{{4}})(?!\w)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"{_DAY}{_TO}(?P<last>\d{{1,2}})\.(?P<number>\d{{1,2}})\.(?P<year>\d{{4}})"
        r"(?![\w]|\.\d)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<!\w)(?P<month>{_MONTH})\.?[ ](?P<first>\d{{1,2}})(?:st|nd|rd|th)?"
        r"\s?(?:[-\u2013\u2014]|to)\s?(?P<last>\d{1,2})(?:st|nd|rd|th)?,?[ ]"
        r"(?P<year>\d{4})(?!\w)",
        re.IGNORECASE,
    ),
)
_LABELLED: Final = re.compile(
    r"(?P<label>[^\W\d_][^\n\t:|.;]{0,38}?)(?:[ ]?:[ \t]*|[ ]?\|[ ]?|\t[ \t]*|[ ]{2,})"
    r"(?:[-+\u2212][ ]?)?$"
)
_NUMBERED: Final = re.compile(
    r"(?P<label>[^\W\d_][^\n\t:|.;(]{0,30}?[ ]?(?:no|nr|num|n°|nº|number|nummer|id)?)"
    r"\.?:?[ \t#]{0,3}$",
    re.IGNORECASE,
)
_ROLE: Final = (
    r"landlord|tenant|lessor|lessee|seller|buyer|client|customer|contractor|"
    r"employer|employee|supplier|lender|borrower|guarantor|licensor|licensee|"
    r"vermieter(?:in)?|mieter(?:in)?|verkäufer(?:in)?|käufer(?:in)?|auftraggeber(?:in)?|"
    r"auftragnehmer(?:in)?|arbeitgeber(?:in)?|arbeitnehmer(?:in)?|kund(?:e|in)|"
    r"darlehensgeber|darlehensnehmer|bailleur|locataire|vendeur|acheteur|"
    r"fournisseur|employeur|salarié|arrendador|arrendatario|vendedor|comprador|"
    r"cliente|proveedor|locatore|conduttore|venditore|acquirente|verhuurder|"
    r"huurder|verkoper|koper"
)
_ROLE_BEFORE: Final = re.compile(
    rf"(?<!\w)(?P<label>(?:{_ROLE}|bill to|billed to|from|issued by|rechnung an|"
    r"rechnungsempfänger|aussteller|facturé à|facturar a)):[ \t]{0,4}$",
    re.IGNORECASE,
)
_ROLE_AFTER: Final = re.compile(
    rf"[^()\n]{{0,60}}\((?:the |der |die |le |la |el |il |als |hereinafter(?: the)? |"
    r"nachfolgend |im folgenden |ci-après |en adelante )?[\"'„“«]?"
    rf"(?P<label>{_ROLE})",
    re.IGNORECASE,
)
_OPENS_PARTIES: Final = re.compile(
    r"(?<!\w)(?:between|zwischen|entre|tra|tussen)\s[\w.,' ]{0,12}$", re.IGNORECASE
)
#: Not behind a number or a short word: "15. März", "no. 7".
_SENTENCE_ENDS: Final = re.compile(
    r"(?<=[^\s.][^\s.][^\s.][.!?…])\s+(?=[^\W\da-z_])|\n[ \t]*\n"
)
#: A line that is shorter was not wrapped, unless it ends within a sentence.
_WRAPPED_CHARACTERS: Final = 60


def find_insights(
    pages: Sequence[tuple[int, str]], entities: Sequence[Entity]
) -> tuple[tuple[Insight, ...], tuple[str, ...]]:
    """The facts of the pages in the order of the text, and what was left out.

    Args:
        pages: Their numbers and texts; offsets count in each page's text.
        entities: What `find_entities` found in them.
    """
    by_page: dict[int, list[Entity]] = {}
    for entity in entities:
        by_page.setdefault(entity.page, []).append(entity)
    found: list[Insight] = []
    counts: Counter[InsightKind] = Counter()
    parties: set[str] = set()
    for number, text in pages:
        page = _Page(number, text, by_page.get(number, []), parties)
        for one in sorted(page.facts(), key=lambda fact: (fact.start, fact.end)):
            counts[one.kind] += 1
            if counts[one.kind] <= KIND_MAX:
                found.append(one)
    notes = tuple(
        f"Of {count} facts of the kind {kind} the first {KIND_MAX} are kept."
        for kind, count in sorted(counts.items())
        if count > KIND_MAX
    )
    return tuple(found), notes


class _Page:
    """One page, its entities, and what the rules see in them."""

    def __init__(
        self, number: int, text: str, entities: Sequence[Entity], parties: set[str]
    ) -> None:
        self._number = number
        self._text = text
        self._entities = entities
        self._told_parties = parties
        self._roles: set[int] = set()

    def facts(self) -> Iterator[Insight]:
        dates = [one for one in self._entities if one.kind is EntityKind.DATE]
        periods = list(self._periods(dates))
        yield from periods
        spans = [range(one.start, one.end) for one in periods]
        for found in dates:
            if not any(found.start in span for span in spans):
                yield from self._deadline(found)
        for term in find_terms(self._text):
            yield self._fact(
                InsightKind.TERM, term.start, term.end, term.value, term.label
            )
        for entity in self._entities:
            yield from self._of_entity(entity)

    def _of_entity(self, entity: Entity) -> Iterator[Insight]:
        match entity.kind:
            case EntityKind.AMOUNT:
                label = self._label(_LABELLED, entity)
                yield self._same(InsightKind.AMOUNT, entity, label)
            case EntityKind.REFERENCE:
                label = self._label(_NUMBERED, entity)
                yield self._same(InsightKind.REFERENCE, entity, label)
            case EntityKind.IBAN:
                yield self._same(InsightKind.IBAN, entity, None)
            case EntityKind.NAME_CANDIDATE:
                yield from self._party(entity)
            case _:
                return

    def _periods(self, dates: Sequence[Entity]) -> Iterator[Insight]:
        taken: set[int] = set()
        for pattern in _SHORT_RANGES:
            for match in pattern.finditer(self._text):
                value = _short_range(match)
                if value is not None and match.start() not in taken:
                    taken.update(range(*match.span()))
                    yield self._fact(InsightKind.PERIOD, *match.span(), value, None)
        left = [one for one in dates if taken.isdisjoint(range(one.start, one.end))]
        place = 0
        while place + 1 < len(left):
            first, last = left[place], left[place + 1]
            place += 1
            if not self._is_range(first, last):
                continue
            place += 1
            value = f"{first.value}/{last.value}"
            yield self._fact(InsightKind.PERIOD, first.start, last.end, value, None)

    def _is_range(self, first: Entity, last: Entity) -> bool:
        if first.value is None or last.value is None or first.value > last.value:
            return False
        between = self._text[first.end : last.start]
        if not _BETWEEN.fullmatch(between):
            return False
        before = self._before(first)
        return not _AND.fullmatch(between) or bool(_OPENS_RANGE.search(before))

    def _deadline(self, found: Entity) -> Iterator[Insight]:
        before = self._before(found)
        after = self._text[found.end : found.end + _AFTER_CHARACTERS]
        if (match := _DUE.search(before)) or _DUE_AFTER.match(after):
            kind = InsightKind.DUE_DATE
        elif match := _DEADLINE.search(before):
            kind = InsightKind.DEADLINE
        else:
            return
        label = _plain(match.group()) if match else None
        yield self._same(kind, found, label)

    def _party(self, found: Entity) -> Iterator[Insight]:
        before = self._before(found)
        after = self._text[found.end : found.end + 2 * _BEFORE_CHARACTERS]
        match = _ROLE_BEFORE.search(before) or _ROLE_AFTER.match(after)
        if match is None and not _OPENS_PARTIES.search(before):
            return
        # Of the names before "(the landlord)" the first has the role: an address
        # follows a name.
        role = match and match.re is _ROLE_AFTER and found.end + match.start("label")
        folded = found.text.casefold()
        if folded in self._told_parties or (role and role in self._roles):
            return
        self._told_parties.add(folded)
        self._roles.add(role or -1)
        label = match["label"] if match else None
        yield self._same(InsightKind.PARTY, found, label, is_candidate=True)

    def _label(self, pattern: re.Pattern[str], found: Entity) -> str | None:
        line_start = self._text.rfind("\n", 0, found.start) + 1
        start = max(line_start, found.start - _LABEL_CHARACTERS)
        match = pattern.search(self._text[start : found.start])
        return (_plain(match["label"]) or None) if match else None

    def _before(self, found: Entity) -> str:
        """What stands before it in its paragraph."""
        start = max(0, found.start - _BEFORE_CHARACTERS)
        return self._text[start : found.start].rpartition("\n\n")[2]

    def _same(
        self,
        kind: InsightKind,
        found: Entity,
        label: str | None,
        *,
        is_candidate: bool = False,
    ) -> Insight:
        return self._fact(
            kind,
            found.start,
            found.end,
            found.value,
            label,
            is_candidate=is_candidate,
        )

    def _fact(
        self,
        kind: InsightKind,
        start: int,
        end: int,
        value: str | None,
        label: str | None,
        *,
        is_candidate: bool = False,
    ) -> Insight:
        return Insight(
            kind=kind,
            text=self._text[start:end],
            value=value,
            label=label,
            context=_context(self._text, start, end),
            page=self._number,
            start=start,
            end=end,
            is_candidate=is_candidate,
        )


def _short_range(match: re.Match[str]) -> str | None:
    told = match.groupdict()
    year = int(told["year"])
    number = told.get("number")
    month = int(number) if number else MONTHS[told["month"].casefold()]
    named = told.get("first_month")
    first_month = MONTHS[named.casefold()] if named else month
    try:
        first = date(year, first_month, int(told["first"]))
        last = date(year, month, int(told["last"]))
    except ValueError:
        return None
    return f"{first}/{last}" if first < last else None


def _context(text: str, start: int, end: int) -> str:
    """The sentence or line around a place, with its wrapped lines joined."""
    room = _CONTEXT_CHARACTERS
    low, high = max(0, start - room), min(len(text), end + room)
    breaks = [*_line_ends(text, low, high)]
    breaks += [one.end() for one in _SENTENCE_ENDS.finditer(text, low, high)]
    begin = max((one for one in breaks if one <= start), default=low)
    stop = min((one for one in breaks if one >= end), default=high)
    if stop - begin > room:
        begin = max(begin, start - room // 2)
    return _plain(text[begin : min(stop, begin + room)])


def _line_ends(text: str, low: int, high: int) -> Iterator[int]:
    """Where a line ends that was not wrapped, or is a row of a table."""
    before = text.rfind("\n", 0, low) + 1
    while (place := text.find("\n", max(before, low), high)) >= 0:
        line = text[before:place].rstrip()
        is_cut = line[-1:].islower() or line.endswith(",")
        if (len(line) < _WRAPPED_CHARACTERS and not is_cut) or "\t" in line:
            yield place + 1
        before = place + 1


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(" :|.")

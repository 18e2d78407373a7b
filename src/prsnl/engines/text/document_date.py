"""The date that a document says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from prsnl.engines.contracts import Entity, EntityKind

#: How far from its beginning a document says its date.
_HEAD_CHARACTERS: Final = 4_000
_LABEL_CHARACTERS: Final = 40
_LABEL: Final = re.compile(
    r"(?<!\w)(?:date(?: of (?:issue|agreement))?|dated|issued(?: on)?|invoice date|"
    r"issue date|published(?: on)?|datum|rechnungsdatum|ausstellungsdatum|stand|vom|"
    r"den|am|date de (?:facture|rédaction)|le|du|fecha(?: de (?:emisión|factura))?|"
    r"data(?: (?:di emissione|fattura|de emissão))?|factuurdatum|as of|"
    r"made (?:on|this)|sitzung vom|meeting of|signed on|entered into(?: on)?(?: this)?)"
    r"[ \t]{0,3}[:.\-]?\s{0,4}(?:on |the |this )?$",
    re.IGNORECASE,
)
#: A date of something else: of birth, of payment, an end.
_OTHER: Final = re.compile(
    r"(?<!\w)(?:due|birth|born|geb\.?|geboren\w{0,2}|geburtsdatum|fällig\w{0,3}|zahlbar|"
    r"valid|until|till|gültig|bis|expir\w{1,5}|ablauf\w{0,5}|deliver\w{0,3}|"
    r"liefer\w{0,7}|naissance|né|née|échéance|jusqu['\u2019]au|nacimiento|vencimiento|"
    r"hasta|nascita|scadenza|fino|geboortedatum|vervaldatum|tot|from|ab|next|nächste\w?|"
    r"start\w{0,5}|begin\w{0,4}|end\w{0,3})(?!\w)[^\n]{0,25}$",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(
    r"(?:^|\n)[^\W\d_][\w .\-]{1,40},[ \t]{1,3}(?:the |den |le )?$"
)


def document_date_of(
    pages: Sequence[tuple[int, str]],
    entities: Iterable[Entity],
    metadata: Mapping[str, str],
) -> date | None:
    """The document's own date, or None: nothing is guessed.

    The date that its author declares; else a labelled date near the beginning, or one
    that stands alone or behind a place on its line; only of a text without any date,
    the day when the file was made.
    """
    if declared := _day(metadata.get("date")):
        return declared
    dates = [one for one in entities if one.kind is EntityKind.DATE]
    if not dates:
        return _day(metadata.get("created_at"))
    texts = dict(pages[:2])
    labelled: list[date] = []
    placed: list[date] = []
    for found in dates:
        text = texts.get(found.page)
        day = _day(found.value)
        if text is None or day is None or found.start > _HEAD_CHARACTERS:
            continue
        before = text[max(0, found.start - _LABEL_CHARACTERS) : found.start]
        if _OTHER.search(before):
            continue
        if _LABEL.search(before):
            labelled.append(day)
        elif _stands_alone(text, found):
            placed.append(day)
    return next(iter(labelled + placed), None)


def _stands_alone(text: str, found: Entity) -> bool:
    start = text.rfind("\n", 0, found.start) + 1
    end = text.find("\n", found.end)
    before = text[start : found.start]
    after = text[found.end : len(text) if end < 0 else end]
    return not after.strip(" .") and (
        not before.strip() or bool(_PLACE.search("\n" + before))
    )


def _day(told: str | None) -> date | None:
    """The day of an ISO 8601 date or time; None for a month or for nonsense."""
    try:
        return date.fromisoformat((told or "")[:10])
    except ValueError:
        return None

"""What sort of document a text is, by the words that such documents use."""

from __future__ import annotations

import re
from typing import Final

_HEAD_CHARACTERS: Final = 3_000
#: A title that names the type counts for this many words of the text.
_TITLE_WEIGHT: Final = 4
_FILE_NAME_WEIGHT: Final = 2
#: Points below which no rule is sure, and the lead that the best must have.
_FLOOR: Final = 4
_LEAD: Final = 2
#: A salutation and a close leave little doubt.
_WEIGHTS: Final = {"letter": 2}
#: One word counts so often at most: repetition is no proof.
_TIMES_MAX: Final = 2

_NAMED: Final = {
    "contract": r"contract|agreement|lease|vertrag|\w{2,30}vertrag|vereinbarung|"
    r"contrat|bail|contrato|contratto|overeenkomst|huurovereenkomst|umowa",
    "invoice": r"invoice|rechnung|facture|factura|fattura|factuur|fatura|faktura",
    "receipt": r"receipt|quittung|kassenbon|kaufbeleg|reçu|recibo|ricevuta|"
    r"scontrino|kassabon",
    "letter": r"letter|brief|anschreiben|lettre|carta|lettera",
    "minutes": r"minutes|meeting notes|protokoll|sitzungsprotokoll|"
    r"besprechungsprotokoll|niederschrift|compte[- ]rendu|procès[- ]verbal|acta|"
    r"verbale|notulen|ata",
    "report": r"report|bericht|\w{2,30}bericht|rapport|informe|relazione|verslag|"
    r"relatório|audit|study|studie|white ?paper",
    "manual": r"manual|handbook|user guide|guide|handbuch|bedienungsanleitung|"
    r"anleitung|benutzerhandbuch|manuel|mode d['\u2019]emploi|manuale|handleiding|"
    r"tutorial|readme",
    "resume": r"curriculum vitae|résumé|lebenslauf|cv|currículum",
    "offer": r"quotation|quote|offer|angebot|kostenvoranschlag|devis|presupuesto|"
    r"preventivo|offerte|orçamento",
    "article": r"article|artikel|artículo|articolo|artigo|blog post",
    "policy": r"policy|terms and conditions|terms of service|privacy policy|"
    r"datenschutzerklärung|allgemeine geschäftsbedingungen|agb",
}
_WORDS: Final = {
    "contract": r"hereinafter|the parties|this agreement|landlord|tenant|lessor|"
    r"lessee|governing law|termination|witness whereof|vertragspartner|"
    r"die parteien|vermieter\w{0,2}|mieter\w{0,2}|kündigung\w{0,2}|vertragsdauer|"
    r"gerichtsstand|les parties|bailleur|locataire|résiliation|arrendador|"
    r"arrendatario|las partes|rescisión|le parti|locatore|conduttore|partijen|"
    r"verhuurder|huurder|opzegging",
    "invoice": r"invoice (?:no|number|date)|amount due|total due|subtotal|vat|"
    r"bill to|due date|payment terms|rechnungsnummer|rechnungsdatum|mwst|"
    r"umsatzsteuer|zahlbar|gesamtbetrag|nettobetrag|ust-id\w{0,4}|tva|montant|"
    r"total ttc|à payer|iva|importe|imponibile|btw|te betalen",
    "receipt": r"cash|change due|card payment|thank you for your purchase|"
    r"bar erhalten|betrag erhalten|kartenzahlung|vielen dank für ihren einkauf|"
    r"payé par|merci de votre visite|pagado",
    "letter": r"dear (?:sir|madam|mr|mrs|ms|dr|customer|\w{2,20},)|yours "
    r"(?:sincerely|faithfully|truly)|kind regards|best regards|sincerely|"
    r"sehr geehrte\w{0,2}|mit freundlichen grüßen|mit freundlichem gruß|"
    r"hochachtungsvoll|madame, monsieur|cordialement|salutations distinguées|"
    r"estimad[oa]s?|atentamente|saludos|gentile|distinti saluti|"
    r"cordiali saluti|geachte|met vriendelijke groet",
    "minutes": r"attendees|present|apologies|agenda|action items?|"
    r"next meeting|minutes of|motion carried|teilnehmer\w{0,5}|anwesend\w{0,2}|"
    r"tagesordnung\w{0,10}|entschuldigt|beschluss|beschlüsse|beschlossen|"
    r"nächste sitzung|protokollführ\w{1,4}|aufgaben|top \d|présents|"
    r"ordre du jour|asistentes|orden del día|presenti|ordine del giorno|aanwezig",
    "report": r"executive summary|findings|recommendations|methodology|conclusions?|"
    r"this report|fiscal year|results|figure \d|table \d|zusammenfassung|ergebnisse|"
    r"empfehlungen|geschäftsjahr|fazit|dieser bericht|ce rapport|conclusion|"
    r"résultats|este informe|conclusiones|resultados|risultati|conclusioni",
    "manual": r"step \d|installation|troubleshooting|warning|click|getting started|"
    r"instructions|configure|safety|schritt \d|warnung|achtung|inbetriebnahme|"
    r"fehlerbehebung|sicherheitshinweise|klicken|étape \d|avertissement|dépannage",
    "resume": r"work experience|education|skills|references available|"
    r"berufserfahrung|ausbildung|kenntnisse|expérience professionnelle|formation|"
    r"experiencia laboral|educación",
    "offer": r"valid until|we are pleased to offer|unit price|quotation|"
    r"angebotsnummer|gültig bis|einzelpreis|unverbindlich|valable jusqu|"
    r"prix unitaire",
    "article": r"abstract|keywords|introduction|references|related work|et al|"
    r"doi|proceedings|journal|university|published|author",
    "policy": r"personal data|cookies|liability|we may collect|your rights|"
    r"effective date|personenbezogene\w{0,2}|haftung|données personnelles",
}
_NAMED_PATTERNS: Final = {
    name: re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
    for name, words in _NAMED.items()
}
_WORD_PATTERNS: Final = {
    name: re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
    for name, words in _WORDS.items()
}


def document_type_of(*, title: str, text: str, file_name: str) -> str | None:
    """One of the types above; None if no rule is sure.

    Args:
        title: What the document is called; it counts most.
        text: Its head of 3,000 characters is read.
        file_name: As its owner named it.
    """
    head = text[:_HEAD_CHARACTERS]
    name = re.sub(r"[_\-.]+", " ", file_name)
    points = {kind: _points(kind, title=title, head=head, name=name) for kind in _NAMED}
    ranked = sorted(points, key=lambda kind: -points[kind])
    best, second = ranked[0], ranked[1]
    sure = points[best] >= _FLOOR and points[best] - points[second] >= _LEAD
    return best if sure else None


def _points(kind: str, *, title: str, head: str, name: str) -> int:
    named, words = _NAMED_PATTERNS[kind], _WORD_PATTERNS[kind]
    counts: dict[str, int] = {}
    for match in words.finditer(head):
        word = match.group().casefold()
        counts[word] = counts.get(word, 0) + 1
    return (
        _TITLE_WEIGHT * bool(named.search(title))
        + _FILE_NAME_WEIGHT * bool(named.search(name))
        + min(2, len(named.findall(head)))
        + _WEIGHTS.get(kind, 1)
        * sum(min(_TIMES_MAX, count) for count in counts.values())
    )

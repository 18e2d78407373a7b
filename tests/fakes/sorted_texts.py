"""Made-up notes and short texts of every category, and some of none."""

# ruff: noqa: E501 - one text a line

from __future__ import annotations

from typing import Final, NamedTuple


class Filed(NamedTuple):
    """A text, and the category that a person would file it under."""

    category: str | None
    language: str
    text: str


FILED: Final = (
    Filed("housing", "en", "The landlord will repaint the flat before the new tenants move in. The deposit comes back in May."),
    Filed("housing", "de", "Die Hausverwaltung kündigt an, dass das Treppenhaus gestrichen wird. Die Mieter sollen die Wohnung offen halten."),
    Filed("utilities", "en", "Read the electricity meter on the first: 10,412 kWh. The tariff for heating goes up in autumn."),
    Filed("utilities", "de", "Die Stadtwerke wollen den Zählerstand. Der Stromverbrauch ist gesunken, die Heizkosten sind gestiegen."),
    Filed("banking", "en", "The savings account pays an interest rate of 2 per cent. Move the loan to another bank and cancel the credit card."),
    Filed("banking", "de", "Das Girokonto kostet jetzt Gebühren. Der Kredit läuft noch drei Jahre, die Zinsen sind fest."),
    Filed("taxes", "en", "Papers for the tax return: payslips, donations, the letter of the tax office about taxable income."),
    Filed("taxes", "de", "Unterlagen für die Steuererklärung sammeln, das Finanzamt will sie bis Juli. Werbungskosten nicht vergessen."),
    Filed("insurance", "en", "The insurer wants photos of the damage and the policy number. The deductible is 150, the premium stays."),
    Filed("insurance", "de", "Hausratversicherung kündigen, der neue Versicherer nimmt weniger Beitrag und keine Selbstbeteiligung."),
    Filed("health", "en", "The doctor changed my medication: one tablet in the morning. Blood test in three weeks at the clinic."),
    Filed("health", "de", "Termin in der Praxis am Montag, Befund und Impfpass mitnehmen. Die Tabletten vertragen sich nicht mit Milch."),
    Filed("work", "en", "My employer asked about the vacation days. The performance review is in June, and then we talk about the salary."),
    Filed("work", "de", "Die Bewerbung ist raus, mit Lebenslauf und Arbeitszeugnis. Der Arbeitgeber meldet sich wegen des Gehalts."),
    Filed("education", "en", "The exam covers lectures one to nine. Students may bring one page of notes; the teacher grades it by Friday."),
    Filed("education", "de", "Elternabend in der Schule: die Lehrerin erklärt den Stoff, die Prüfungen sind vor den Ferien."),
    Filed("travel", "en", "Flight at seven, hotel near the airport, check-in from three. The booking for the train is in the itinerary."),
    Filed("travel", "de", "Abfahrt in Köln um neun, Ankunft am Mittag. Die Unterkunft liegt am See, die Reservierung ist bestätigt."),
    Filed("vehicles", "en", "The garage changed the tyres and the brakes. Mileage 81,200. The car needs its inspection in March."),
    Filed("vehicles", "de", "Die Werkstatt hat den Ölwechsel gemacht. Kilometerstand 91.000, die Hauptuntersuchung ist fällig."),
    Filed("shopping", "en", "Your order has left our store; the delivery takes two days. Keep the receipt for the return policy."),
    Filed("shopping", "de", "Bestellnummer 88-1: die Lieferung kommt am Freitag. Rücksendung ist bis zum 14. Tag möglich."),
    Filed("food", "en", "Simmer the onions in butter, add flour and stock, cook for ten minutes and bake with cheese in the oven."),
    Filed("food", "de", "Aus Mehl, Butter und Zucker einen Teig kneten, ruhen lassen und im Ofen backen. Reicht für vier Portionen."),
    Filed("family", "en", "Grandmother's birthday is on the ninth. The children made a cake, and the wedding photos arrived."),
    Filed("family", "de", "Oma hat Geburtstag, die Kinder singen. Einladung zur Taufe liegt auf dem Tisch."),
    Filed("legal", "en", "The court heard the plaintiff in March. Our lawyer says that the appeal has a chance, and the defendant will settle."),
    Filed("legal", "de", "Die Klage liegt beim Amtsgericht. Der Rechtsanwalt braucht eine Vollmacht, das Aktenzeichen steht im Brief."),
    Filed("government", "en", "The municipal authority wants the residence permit renewed. Citizens may vote in the election by post."),
    Filed("government", "de", "Beim Bürgeramt einen Termin für den Personalausweis holen. Der Bescheid der Behörde kommt per Post."),
    Filed("technology", "en", "The database server ran out of disk. I wrote a small Python script that moves the logs and restarts the software."),
    Filed("technology", "de", "Das Betriebssystem neu aufsetzen, dann die Datenbank und das Netzwerk prüfen. Der Quelltext liegt auf dem Rechner."),
    Filed("science", "en", "The experiment supports the hypothesis: in the laboratory the crystals grew faster. The data set is public."),
    Filed("science", "de", "Die Studie misst Teilchen im Wasser. Die Forschung stützt die Hypothese, das Experiment wird wiederholt."),
    Filed("business", "en", "Revenue grew in the third quarter. The board wants a strategy for new customers and a smaller budget for sales."),
    Filed("business", "de", "Der Umsatz im Quartal stieg. Der Vorstand des Unternehmens will neue Kunden und eine andere Strategie im Vertrieb."),
    Filed("culture", "en", "The exhibition in the museum shows paintings of the last century. The novel about the painter is sold out."),
    Filed("culture", "de", "Das Konzert war ausverkauft. Im Museum hängen Gemälde des Künstlers, und im Theater läuft sein Leben."),
    Filed("sport", "en", "The team won the match after extra training. The coach hopes for the championship; tickets for the league are dear."),
    Filed("sport", "de", "Die Mannschaft gewann das Turnier. Der Trainer des Vereins lobt die Jugend, am Samstag ist ein Lauf."),
    Filed("nature", "en", "Bees like the flowers by the wall. I turned the compost and sowed seeds; the soil in the garden is dry."),
    Filed("nature", "de", "Im Garten blühen die Bäume, die Bienen fliegen. Der Kompost ist reif, der Boden zu trocken."),
    Filed(None, "en", "Seven windows are lit, and one is not."),
    Filed(None, "en", "Remember the blue box behind the door."),
    Filed(None, "de", "Morgen dann mehr davon, es ist schon spät."),
    Filed(None, "en", "one zero zero zero one nine oh two one oh zero one eight zero three"),
    Filed(None, "la", "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor."),
)  # fmt: skip

"""Made-up texts of every sort of document, and some of none: sort, file name, text.

They are short, untidy where real ones are, and name their sort only where real ones
would.
"""

# ruff: noqa: E501 - the sort stands beside the first line

from __future__ import annotations

from typing import Final, NamedTuple


class Typed(NamedTuple):
    """A text, and what sort of document a person would say it is."""

    sort: str | None
    language: str
    file_name: str
    text: str


TYPED: Final = (
    Typed("invoice", "en", "scan0012.pdf", """Brightwater Plumbing Ltd
14 Mill Lane, Leeds

INVOICE
Invoice no. 2024-118        Date 14 June 2024
Bill to: Mrs A. Okafor

Description  Qty  Unit price  Amount
Replace kitchen tap  1  84.00  84.00
Labour, two hours  2  45.00  90.00
Subtotal 174.00
VAT 20 % 34.80
Total due 208.80 GBP
Please pay within 14 days to sort code 20-11-43, account 73920011.
"""),
    Typed("invoice", "de", "RE_4711.pdf", """Malerbetrieb Sonnleitner
Gartenweg 3, 80331 München

Rechnung Nr. 4711
Rechnungsdatum: 02.05.2024   Leistungszeitraum: April 2024
Frau Petra Huber

Pos. Bezeichnung Menge Einzelpreis Gesamt
1 Wände streichen, 42 m2  42  11,50  483,00
2 Fahrtkosten 1 25,00 25,00
Nettobetrag 508,00 EUR
zzgl. 19 % MwSt 96,52 EUR
Rechnungsbetrag 604,52 EUR
Zahlbar ohne Abzug bis zum 16.05.2024 auf das unten angegebene Konto.
"""),
    Typed("invoice", "en", "hosting-march.pdf", """Nimbus Hosting GmbH
Customer 88172

Invoice number: NH-2025-03-88172
Invoice date: 1 March 2025
Due date: 15 March 2025

Virtual server M, 1 month 12.00 EUR
Backup storage 100 GB 3.00 EUR
Net 15.00 EUR, VAT 19 % 2.85 EUR
Amount due 17.85 EUR
Payment terms: 14 days net. VAT ID DE812345678
"""),
    Typed("receipt", "en", "IMG_2231.jpg", """GREENLEAF MARKET
Store 114   Till 3   Cashier: Dana

Apples 1.2 kg      3.48
Oat milk           2.19
Bread rolls x4     1.80
TOTAL              7.47
Cash              10.00
Change due         2.53

Thank you for your purchase!
"""),
    Typed("receipt", "de", "beleg.png", """Buchhandlung am Markt
Filiale Erfurt   Kasse 2

Roman, gebunden     24,00
Postkarten 3x        4,50
SUMME EUR           28,50
Gegeben bar         30,00
Rückgeld             1,50
inkl. 7 % MwSt       1,86
Bon-Nr. 00918   12.08.2024 16:41
Vielen Dank für Ihren Einkauf!
"""),
    Typed("receipt", "en", "taxi.pdf", """City Cab Co.
RECEIPT

Fare from Central Station to Harbour Road
12 Sept 2024, 22:14
Fare 18.40   Tip 2.00
Amount paid 20.40
Paid by VISA contactless, terminal 0091, auth code 55120
"""),
    Typed("bill", "en", "water.pdf", """Riverside Water
Your water bill
Account number 4400 1298
Billing period 1 January to 30 June 2024

Meter number 77120
Previous reading 512, current reading 561, water used 49 m3
Standing charge 31.20
Water 49 m3 at 1.62: 79.38
Amount due 110.58 by 31 July 2024, collected by direct debit.
"""),
    Typed("bill", "de", "stadtwerke_2024.pdf", """Stadtwerke Lindental
Stromabrechnung
Vertragskonto 300 441 22    Zählernummer 1EMH00881
Abrechnungszeitraum 01.01.2024 bis 31.12.2024

Zählerstand alt 10.412 kWh, neu 12.933 kWh
Verbrauch 2.521 kWh
Arbeitspreis 31,2 ct/kWh, Grundpreis 110,40 EUR
Summe 896,95 EUR, geleistete Abschläge 960,00 EUR
Ihr Guthaben beträgt 63,05 EUR.
"""),
    Typed("statement", "en", "statement-04.pdf", """Harbour Bank
Account statement    April 2024
Mr J. Petersen    IBAN GB12 HARB 6016 1331 9268 19
Opening balance 1,204.11

02 Apr  Card payment Greenleaf Market   -23.10
05 Apr  Salary Orbit Ltd  2,310.00
09 Apr  Standing order rent  -940.00
28 Apr  Direct debit Riverside Water  -18.43
Closing balance 2,532.58
"""),
    Typed("statement", "de", "auszug_7.pdf", """Sparbank Nordheim
Kontoauszug Nr. 7/2024
Kontoinhaber: Jonas Weber

Alter Kontostand 812,40 EUR
Buchungstag Wertstellung Vorgang Betrag
01.07. 01.07. Dauerauftrag Miete -710,00
03.07. 03.07. Gutschrift Gehalt 2.480,00
15.07. 16.07. Lastschrift Stadtwerke -80,00
Neuer Kontostand 2.502,40 EUR
"""),
    Typed("contract", "en", "signed.pdf", """Residential Lease

This agreement is made on 1 March 2024 by and between Oak Homes Ltd ("the landlord")
and Maria Santos ("the tenant").
1. The landlord lets the flat at 9 Elm Street to the tenant for a term of one year.
2. The rent of 1,100 is due on the first day of each month.
3. Either party may terminate with three months' notice in writing.
4. The tenant shall keep the flat in good repair.
Signed: landlord, tenant
"""),
    Typed("contract", "de", "av_unterschrieben.pdf", """Arbeitsvertrag

zwischen der Firma Holzbau Kern KG (Arbeitgeber) und Herrn Timo Lang (Arbeitnehmer)
§ 1 Das Arbeitsverhältnis beginnt am 1. September 2024.
§ 2 Die Probezeit beträgt sechs Monate.
§ 3 Das Gehalt beträgt monatlich 2.900 Euro brutto.
§ 4 Die Kündigungsfrist richtet sich nach dem Gesetz.
§ 5 Änderungen dieses Vertrages bedürfen der Schriftform. Gerichtsstand ist Kassel.
Ort, Datum, Unterschriften der Vertragsparteien
"""),
    Typed("contract", "en", "nda.docx", """Mutual Non-Disclosure Agreement

The parties, Arcadia Robotics Inc. and Fenwick Labs LLC, agree as follows.
Confidential information means all information disclosed by either party.
The receiving party shall not disclose it to others and shall use it only for the
purpose. The obligations end five years after termination of this agreement.
Governing law is that of the State of Oregon. This is the entire agreement.
"""),
    Typed("offer", "en", "fence.pdf", """Hillcrest Fencing
Quotation no. Q-553

Dear Mr Novak,
thank you for your enquiry. We are pleased to offer:
24 m garden fence, larch, unit price 62.00: 1,488.00
Gate with lock: 310.00
Total 1,798.00 plus VAT. Delivery time three weeks.
This quotation is valid until 30 May 2024.
Kind regards
Hillcrest Fencing
"""),
    Typed("offer", "de", "dach.pdf", """Dachdeckerei Brunner
Angebot Nr. 2024/83

Sehr geehrte Familie Lorenz,
gerne bieten wir Ihnen folgende Arbeiten an:
Pos 1 Dachfläche neu decken, 120 m2, Einzelpreis 85,00 EUR
Pos 2 Dachrinne erneuern, 18 m, Einzelpreis 42,00 EUR
Summe netto 10.956,00 EUR zzgl. MwSt.
Das Angebot ist freibleibend und gültig bis 31. August 2024.
Mit freundlichen Grüßen
"""),
    Typed("letter", "en", "letter.pdf", """12 Orchard Road
Bath
3 February 2024

Dear Mrs Whitcombe,

I am writing to thank you for the days we spent at your house. The children still talk
about the pond and the old boat. I hope that your knee is better and that we shall see
you in the summer.

Yours sincerely
Eleanor Price
"""),
    Typed("letter", "de", "schreiben.pdf", """Hausverwaltung Berger
Ringstraße 4, 1010 Wien

Frau Anna Klein
Wien, den 9. Oktober 2024

Betreff: Reparatur der Haustür

Sehr geehrte Frau Klein,

wir teilen Ihnen mit, dass die Haustür am 21. Oktober repariert wird. Bitte benutzen
Sie an diesem Tag den Eingang im Hof.

Mit freundlichen Grüßen
Karl Berger
"""),
    Typed("letter", "en", "complaint.docx", """To the manager of the Seaview Hotel

Dear Sir or Madam,

we stayed with you from 4 to 9 August. The room was clean, but the lift did not work
on any of the days, and my mother cannot climb stairs. We had asked for this before we
came. I would be glad to hear what you propose.

Yours faithfully
Robert Lindqvist
"""),
    Typed("email", "en", "message.eml", """Meeting on Thursday

Hi Sam,
can we move the meeting to Thursday at ten? The draft is attached.
Cheers
Jo
"""),
    Typed("email", "de", "nachricht.msg", """Bilder vom Sommerfest

Hallo zusammen,
im Anhang sind die Bilder. Wer möchte, kann sie auch ausgedruckt haben.
Viele Grüße
Tina
"""),
    Typed("email", "en", "printed.pdf", """From: Jo Marsh <jo@example.com>
Sent: Tuesday, 4 June 2024 09:12
To: Sam Field
Cc: Ida Roth
Subject: Re: draft of the programme

Hi Sam, thanks, I have two small changes, see below.

On Monday Sam Field wrote:
please have a look at the draft.
"""),
    Typed("newsletter", "en", "june.html", """Friends of the River: June issue

Dear members,
In this issue: the otters are back, our clean-up day, and a new bird hide.
Upcoming events
8 June clean-up at the weir, 10 am
22 June night walk with bats
We are looking for volunteers for the stall at the fair. Read more on our site.
You are receiving this because you are a member. Unsubscribe
"""),
    Typed("newsletter", "de", "rundbrief_herbst.pdf", """Rundbrief des Obstbauvereins, Herbst 2024

Liebe Mitglieder,
in dieser Ausgabe: der neue Lehrpfad, Termine und ein Bericht vom Mostfest.
Termine
5. Oktober Baumschnittkurs
19. Oktober Sortenbestimmung im Pfarrhof
Aktuelles aus dem Vorstand: die Presse ist repariert.
Den Rundbrief abbestellen: eine Nachricht an die Redaktion genügt.
"""),
    Typed("minutes", "en", "allotments.docx", """Allotment Society: minutes of the committee meeting
12 March 2024, village hall

Present: R. Cole (chair), M. Adeyemi, S. Hart
Apologies: T. Wynn
1. The minutes of the last meeting were approved.
2. Water: a second tap costs 300. Resolved to order it.
3. Any other business: the gate squeaks. Action: S. Hart
Next meeting: 9 April
"""),
    Typed("minutes", "de", "bz-2024-02.pdf", """Protokoll der Teambesprechung
vom 6. Februar 2024
Teilnehmer: Frau Wolf, Herr Aydin, Herr Sommer
Entschuldigt: Frau Lenz

Tagesordnung
TOP 1 Umzug in den Neubau: Beschluss: am 4. März
TOP 2 Urlaubsplanung
Aufgaben: Herr Aydin bestellt Kartons
Nächste Sitzung: 5. März, Protokollführung: Herr Sommer
"""),
    Typed("minutes", "en", "notes.txt", """Weekly project call, 3 May

Attendees: Lena, Marco, Priya, Tom
Agenda: release, hiring
Release: moved to 17 May, tests on two platforms still fail.
Hiring: two interviews next week.
Action items: Marco fixes the build, Priya writes the announcement.
"""),
    Typed("report", "en", "annual.pdf", """Annual report 2023

Executive summary
The library lent 412,000 items, an increase of 6 per cent compared to the year before.
Findings
Digital loans grew most. Visits on Sundays doubled.
Recommendations
We recommend to open on all Sundays and to renew the reading room.
"""),
    Typed("report", "de", "bericht_2023.pdf", """Geschäftsbericht 2023 der Wohnbau Süd eG

Überblick
Das Geschäftsjahr verlief gut. Die Erträge stiegen gegenüber dem Vorjahr um 4 Prozent.
Entwicklung des Bestandes
Im Berichtszeitraum wurden 48 Wohnungen fertiggestellt.
Ausblick
Für 2024 erwarten wir höhere Zinsen. Fazit: die Genossenschaft ist gerüstet.
"""),
    Typed("report", "en", "survey.docx", """Survey of the bridge at Kirk Road

Methodology: the bridge was inspected on foot and by drone on 4 May 2024.
Findings: rust on three of the twelve bearings; cracks in the northern abutment.
Conclusions: the bridge is safe for traffic below 12 tonnes.
Recommendations: renew the bearings within two years. This report replaces that of 2019.
"""),
    Typed("paper", "en", "2401.01234.pdf", """Sparse Gates for Small Language Models

L. Moreau, K. Tanaka
Department of Computer Science, University of Somewhere

Abstract
We propose a gate that skips layers. In this paper we show that it halves the cost.
1 Introduction
Large models are slow. Earlier work by Chen et al. [3] prunes weights.
2 Related Work
3 Experiments
Table 1 lists the results on two data sets; our method beats the baseline.
References
[1] A. Someone. Proceedings of a Conference, 2019.
"""),
    Typed("paper", "de", "beitrag.pdf", """Mikroplastik in alpinen Quellen

Institut für Hydrologie, Universität Musterstadt
Zusammenfassung. In dieser Arbeit untersuchen wir 40 Quellen in drei Tälern.
1 Einleitung
Bisherige Studien (Gruber et al. 2019) betrafen Seen.
2 Methode
Die Proben wurden gefiltert; Abbildung 2 zeigt den Aufbau, Tabelle 1 die Ergebnisse.
Literaturverzeichnis
Gruber, A. et al.: Partikel in Seen. Journal, Vol. 4, 2019.
"""),
    Typed("article", "en", "page-12.pdf", """The ferryman of Loch Arden
By Morag Sinclair, staff writer

For forty years Hamish Reid has rowed people across the loch. "It is eleven minutes if
the wind is kind," he said last week. The council told him in spring that a bridge
will be built. According to the plans it opens in 2027. People in the village are
divided. Photo by I. Ross
"""),
    Typed("article", "de", "zeitung.pdf", """Die letzte Uhrmacherin
Von unserem Redakteur Paul Stern

Seit Jahren repariert Elfriede Maurer Uhren in der Gasse hinter dem Dom. "Eine Uhr hat
ihren eigenen Willen", sagt sie. Im Herbst hört sie auf. Laut der Kammer gibt es im
Land noch vier Werkstätten. Die Menschen bringen ihr jetzt alles, was noch tickt,
berichtete eine Nachbarin. Foto: Stern
"""),
    Typed("book", "en", "novel.epub", """The Salt Road
A novel by Ines Calder

First published 2011. All rights reserved. ISBN 978-0-00-000000-2
Contents
Chapter I The Harbour
Chapter II The Letter

Chapter I
It had rained since Tuesday, and the mules would not move.
"""),
    Typed("book", "de", "erzaehlung.txt", """Der Turm am Moor
Roman

Verlag am Wasser, 2. Auflage 1987
Inhalt
Vorwort

Erstes Kapitel
Als Johannes den Turm zum ersten Mal sah, hing Nebel über dem Moor, und niemand war da,
der ihm gesagt hätte, dass man dort nicht rufen darf.
"""),
    Typed("manual", "en", "wx200.pdf", """WX-200 coffee machine: user manual

Safety instructions
Warning: never open the tank while the device is hot.
Getting started
Step 1: Fill the tank. Step 2: Press the button for two seconds.
Step 3: Wait until the light is green.
Troubleshooting
The device does not start: make sure that it is plugged in.
"""),
    Typed("manual", "de", "anleitung.pdf", """Gartenhäcksler GH 12
Bedienungsanleitung

Sicherheitshinweise
Achtung: Vor der Reinigung den Netzstecker ziehen.
Lieferumfang und technische Daten
Inbetriebnahme
Schritt 1: Gerät auf festen Boden stellen. Schritt 2: Taste drücken.
Fehlerbehebung: Das Gerät läuft nicht an: Sicherung prüfen.
"""),
    Typed("manual", "en", "router-setup.html", """How to set up your home router

Before you begin, have the password on the label at hand.
1. Connect the cable to the port marked WAN.
2. Open a browser and click Settings, then Network.
3. Install the newest firmware and press Restart.
If the light stays red, see Troubleshooting.
"""),
    Typed("recipe", "en", "cake.txt", """Lemon drizzle cake
Serves 8

Ingredients
200 g butter, 200 g sugar, 4 eggs, 200 g flour, 2 tsp baking powder, 2 lemons
Preheat the oven to 180 degrees. Stir butter and sugar in a bowl, add the eggs, then
the flour. Bake for 45 minutes. Mix the juice with 3 tbsp of sugar and pour it over.
"""),
    Typed("recipe", "de", "kuerbissuppe.docx", """Kürbissuppe

Zutaten für 4 Portionen
1 Hokkaidokürbis, 1 Zwiebel, 2 EL Butter, 500 ml Brühe, Salz, Pfeffer
Zubereitung
Den Kürbis würfeln, die Zwiebel in der Butter anschwitzen. Brühe dazugeben und 20
Minuten kochen. Pürieren und mit Salz und Pfeffer würzen.
"""),
    Typed("presentation", "en", "kickoff.pptx", """Project Heron: kickoff

Agenda
Goals
Timeline
Team and roles
Risks
Questions
"""),
    Typed("presentation", "de", "vortrag.odp", """Bodenschutz im Garten

Gliederung
Humus
Mulch
Regenwürmer
Vielen Dank für Ihre Aufmerksamkeit
"""),
    Typed("presentation", "en", "lecture3.pdf", """Lecture 3: Queues
Outline
Motivation
Slide 2
Why queues? Producers and consumers differ in pace
Slide 3
Little's law
Slide 4
Key takeaways
Thank you for your attention
Questions
"""),
    Typed("spreadsheet", "en", "budget.xlsx", """Month\tIncome\tRent\tFood
January\t2400\t900\t310
February\t2400\t900\t295
March\t2550\t900\t330
"""),
    Typed("spreadsheet", "de", "messwerte.csv", """Datum;Station;Temperatur;Regen
01.03.2024;Nord;4,2;0,0
02.03.2024;Nord;5,1;1,4
03.03.2024;Nord;3,9;7,2
"""),
    Typed("form", "en", "membership.pdf", """Application form for membership
Please complete in block capitals

Surname ______________  First name ______________
Date of birth ____________
Address ______________________  Postcode ________
Telephone ____________
Please tick one: [ ] adult  [ ] family  [ ] junior
Signature of applicant ______________
For office use only
"""),
    Typed("form", "de", "antrag.pdf", """Antrag auf einen Bewohnerparkausweis
Bitte in Druckbuchstaben ausfüllen. Zutreffendes bitte ankreuzen.

Familienname ____________ Vorname ____________
Geburtsdatum ____________
Anschrift ____________________
Kennzeichen ____________  eigenes Fahrzeug: ja [ ] nein [ ]
Ort, Datum ____________  Unterschrift ____________
Wird vom Amt ausgefüllt
"""),
    Typed("resume", "en", "cv_final.docx", """Nadia Rahman
Data engineer, Bristol

Work experience
2019 to present: Senior engineer, Tidal Analytics
2015 to 2019: Developer, Ferrous Ltd
Education
Bachelor of Science, University of Leeds, 2015
Skills: SQL, Python, Spark
Languages: English (native), Bengali (fluent)
"""),
    Typed("resume", "de", "bewerbung_anlage.pdf", """Lebenslauf

Persönliche Daten
Felix Brandt, geboren am 3. Mai 1991 in Gera, ledig
Berufserfahrung
seit 2018 Elektroniker, Anlagenbau Voss
Ausbildung
2009 bis 2012 Lehre zum Elektroniker
Kenntnisse: SPS, CAD
Sprachen: Deutsch Muttersprache, Englisch fließend
"""),
    Typed("certificate", "en", "first_aid.pdf", """St Brendan's Training
Certificate of Completion

This is to certify that
Oliver Grant
has successfully completed the course
Emergency First Aid at Work
on 9 November 2023. Date of issue: 10 November 2023
"""),
    Typed("certificate", "de", "teilnahme.pdf", """Volkshochschule Neustadt
Bescheinigung

Frau Ayse Demir hat erfolgreich an dem Lehrgang
Buchführung Grundkurs
mit 40 Unterrichtsstunden teilgenommen und die Prüfung bestanden.
Neustadt, den 30. Juni 2024   Siegel
"""),
    Typed("ticket", "en", "boarding.pdf", """BOARDING PASS
Passenger: LEE/MINA MS
Flight VX 214   Lisbon LIS to Oslo OSL
Departure 07:35   Boarding time 06:55
Gate B12   Seat 14C
Booking reference QX7T2L
"""),
    Typed("ticket", "de", "onlineticket.pdf", """Online-Ticket
Hinfahrt Köln Hbf nach Ulm Hbf
Gültig am 14.09.2024, 2. Klasse, 1 Erwachsener
Abfahrt 08:55 Gleis 4  ICE 517  Wagen 23  Sitzplatz 61
Ankunft 12:06
Auftragsnummer 7QK4MX  Zugbindung
Reisender: Ralf Ott
"""),
    Typed("ticket", "en", "concert.pdf", """The Lanterns: live in concert
Town Hall, Saturday 5 October 2024
Doors open 19:00
Row F  Seat 22
Admit one  Adult 28.00
No refunds. Booking code 88-1207
"""),
    Typed("prescription", "en", "rx.pdf", """Dr. Samuel Osei, family physician
Rx

Patient: Grace Hill   Date of birth 4 July 1958
Amoxicillin 500 mg capsules
Take one capsule three times a day for 7 days
Dispense 21   Refills 0
Signature of doctor
"""),
    Typed("prescription", "de", "verordnung.jpg", """Gemeinschaftspraxis Dr. Linde und Dr. Roth
Krankenkasse: BKK Mitte
Patient: Manfred Thiel, geb. 11.01.1949

Rp.
Ramipril 5 mg Tabletten, 100 Stück
Dosierung: 1-0-0
Metoprolol 47,5 mg, 1-0-1
Arztstempel, Unterschrift des Arztes
"""),
    Typed("policy", "en", "privacy.html", """Privacy policy of Larkspur Apps

Effective date: 1 January 2024
What we collect: we may collect your name and e-mail address and store cookies.
How we use it: to provide the service. We do not sell personal data to third parties.
Your rights: you may ask for a copy or for deletion. This policy may change.
"""),
    Typed("policy", "de", "agb.pdf", """Allgemeine Geschäftsbedingungen

1. Geltungsbereich
Diese Bedingungen gelten für alle Bestellungen der Kunden in unserem Laden.
2. Haftung
Die Haftung für leichte Fahrlässigkeit ist ausgeschlossen.
3. Widerrufsrecht
Verbraucher haben ein Widerrufsrecht von 14 Tagen.
4. Personenbezogene Daten werden nur zur Abwicklung verwendet.
"""),
    Typed("policy", "de", "hausordnung.pdf", """Hausordnung

Diese Ordnung gilt für alle Bewohner. Das Abstellen von Fahrrädern im Treppenhaus ist
untersagt. Von 22 bis 6 Uhr ist Ruhe. Das Grillen auf Balkonen ist nicht gestattet.
Haustiere bedürfen der Zustimmung. Müll ist zu trennen.
"""),
    Typed("insurance policy", "en", "schedule.pdf", """Home insurance: policy schedule

Policy number HH-220-9981
Policyholder: Ms Clara Nowak
Period of insurance: 1 May 2024 to 30 April 2025
Sum insured: contents 40,000   Excess 150
Annual premium 184.20 including tax
The insurer covers fire, theft and escape of water.
"""),
    Typed("insurance policy", "de", "police.pdf", """Versicherungsschein zur Privathaftpflicht

Versicherungsnummer 55-881-204
Versicherungsnehmer: Herr Emil Sauer
Versicherungsbeginn 1.6.2024, Laufzeit ein Jahr
Versicherungssumme 10 Mio. EUR pauschal, Selbstbeteiligung 150 EUR
Jahresbeitrag 61,20 EUR
"""),
    Typed("tax notice", "en", "assessment.pdf", """Revenue Agency
Notice of assessment, tax year 2023

Taxpayer: D. Holloway
Income 52,310   Deductions 6,120   Taxable income 46,190
Tax payable 7,204   Tax withheld 7,950
Refund 746
If you disagree with this assessment you may object within 90 days.
"""),
    Typed("tax notice", "de", "est2023.pdf", """Finanzamt Mühlstadt
Steuernummer 201/5543/0912
Bescheid für 2023 über Einkommensteuer und Solidaritätszuschlag

Festgesetzt werden 6.412 EUR. Bereits gezahlt durch Steuerabzug 6.900 EUR.
Erstattung 488 EUR
Werbungskosten 1.880 EUR, Sonderausgaben 412 EUR
Rechtsbehelfsbelehrung: Gegen diesen Bescheid ist der Einspruch zulässig.
"""),
    Typed("warranty", "en", "warranty.pdf", """Limited warranty

Tern Bicycles warrants its frames against defects in material and workmanship for five
years from the date of purchase. This warranty covers repair or replacement free of
charge. It does not cover wear or misuse. Keep the proof of purchase and show it to
your dealer. Serial number: ____
"""),
    Typed("warranty", "de", "garantie.pdf", """Garantiekarte

Auf dieses Gerät gewähren wir eine Garantie von 24 Monaten ab Kaufdatum. Die
Garantieleistung umfasst Material- und Herstellungsfehler; Reparatur oder Ersatz sind
kostenlos. Nicht erfasst sind Verschleiß und unsachgemäßer Gebrauch.
Seriennummer: ________ Händler: ________ Bitte den Kaufbeleg aufbewahren.
"""),
    Typed("speech", "en", "remarks.pdf", """Remarks at the opening of the new harbour school

Good morning, ladies and gentlemen. Thank you for inviting me. It is my pleasure to
stand here today, in a hall that smells of fresh paint. I want to speak about three
things: patience, boats, and teachers. Let me begin with the boats.
"""),
    Typed("speech", "de", "rede.docx", """Rede zum Neujahrsempfang

Meine Damen und Herren, liebe Freunde,
ich freue mich, dass Sie heute Abend so zahlreich gekommen sind. Lassen Sie mich mit
einem Dank beginnen: an die Feuerwehr, an die Vereine, an alle, die im Juli Sandsäcke
gefüllt haben. Ich danke Ihnen.
"""),
    Typed("court ruling", "en", "ruling.pdf", """Court of Appeal, Case No. 2022-441
Marsh v. Kettering Estates

Counsel for the plaintiff: R. Adair, Esq.
The plaintiff claims damages for a fallen wall. The defendant denies that it was his.
The court finds that the boundary runs north of the wall. The appeal is dismissed; the
plaintiff bears the costs.
"""),
    Typed("court ruling", "de", "urteil.pdf", """Amtsgericht Talheim
Aktenzeichen 3 C 118/23
Im Namen des Volkes
Urteil
in dem Rechtsstreit der Klägerin Bau AG gegen den Beklagten Kurt Fink

Tatbestand: Die Parteien streiten über Werklohn.
Entscheidungsgründe: Die Klage ist begründet.
Der Beklagte trägt die Kosten des Rechtsstreits.
"""),
    Typed("code", "en", "README.md", """tidewatch

A small library that predicts tides.

Install
pip install tidewatch
Usage
import tidewatch
tidewatch.high("Brest")
License: MIT. Pull requests are welcome on the repository.
"""),
    Typed("code", "en", "sorter.py", """import sys

def main(path):
    with open(path) as file:
        lines = sorted(file)
    return "".join(lines)

class Sorter:
    pass
"""),
    Typed("code", "en", "requirements.txt", """fastapi>=0.115
uvicorn[standard]
httpx
pytest
ruff
"""),
    # Of none of these sorts: nothing is to be told with any confidence.
    Typed(None, "en", "thoughts.txt", """The light on the hill went out at nine. I counted the
windows of the mill, and then the boats, and then I went to bed. Tomorrow the wind
will turn and we shall see what is left of the hay.
"""),
    Typed(None, "de", "notiz.txt", """Milch, Eier, Hefe besorgen. Fahrrad zur Inspektion. Oma
anrufen wegen Samstag. Pflanzen gießen nicht vergessen!
"""),
    Typed(None, "en", "names.txt", """Alder, ash, beech, birch, elder, elm, hawthorn, hazel, holly,
hornbeam, juniper, lime, maple, oak, pine, poplar, rowan, willow, yew
"""),
    Typed(None, "en", "IMG_0417.txt", """NO PARKING
Private road
Residents only
"""),
    Typed(None, "en", "table.docx", """Table with cells

Column A
Column B
A first
A second
First paragraph
Second paragraph
Number one
Number two
"""),
    Typed(None, "la", "blind.docx", """Lorem ipsum dolor sit amet, consectetur adipiscing elit. Proin
elit mi, fermentum vitae dolor facilisis, porttitor mollis quam. Cras quam massa,
venenatis faucibus libero vel, euismod sollicitudin ipsum.
"""),
    Typed(None, "en", "test.pdf", """This is a test document. It has one page and some text in it,
so that one can see whether the text comes out as it went in.
"""),
    Typed(None, "en", "poem.txt", """Slow is the river and slower the town,
slow are the swans that go drifting down;
only the bell in its crooked tower
hurries a little on every hour.
"""),
    Typed(None, "en", "about.html", """Barnacle

Barnacle is a toolkit for measuring the growth of shellfish on hulls. It is developed by
a small group of harbour masters and is looking for more. Barnacle has been in use on
three coasts since 2012.
"""),
)  # fmt: skip

"""Facts with their place: what is due when, how much, under which number, with whom."""

from __future__ import annotations

import pytest

from prsnl.engines.contracts import Insight, InsightKind
from prsnl.engines.text.entities import find_entities
from prsnl.engines.text.insights import KIND_MAX, find_insights


def facts(text: str, *, language: str = "en") -> list[Insight]:
    pages = [(1, text)]
    return list(find_insights(pages, find_entities(pages, language))[0])


def told(text: str, kind: InsightKind) -> list[tuple[str, str | None]]:
    return [(one.text, one.value) for one in facts(text) if one.kind is kind]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The rent is due on 12 May 2024.", "2024-05-12"),
        ("Due date: 05/31/2024", "2024-05-31"),
        ("Payment is due by June 1, 2024", "2024-06-01"),
        ("Zahlbar bis zum 31.05.2024 ohne Abzug", "2024-05-31"),
        ("Der Betrag ist am 1. Juni 2024 fällig.", "2024-06-01"),
        ("Fälligkeit: 01.06.2024", "2024-06-01"),
        ("À payer avant le 15 juin 2024", "2024-06-15"),
        ("Date d\u2019échéance : 1er juillet 2024", "2024-07-01"),
        ("Fecha de vencimiento: 15 de julio de 2024", "2024-07-15"),
        ("Data di scadenza: 3 giugno 2024", "2024-06-03"),
    ],
)
def test_a_day_to_pay_by_is_told_from_other_days(text: str, value: str) -> None:
    (found,) = facts(f"Issued on 3 January 2020.\n{text}\n")

    assert (found.kind, found.value) == (InsightKind.DUE_DATE, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Send it no later than 12 May 2024.", "2024-05-12"),
        ("This offer is valid until 12 May 2024.", "2024-05-12"),
        ("Anmeldung spätestens bis zum 12. Mai 2024", "2024-05-12"),
        ("Le dossier est à rendre au plus tard le 12 mai 2024.", "2024-05-12"),
        ("Las solicitudes se admiten hasta el 12 de mayo de 2024.", "2024-05-12"),
    ],
)
def test_a_day_to_act_by_is_a_deadline(text: str, value: str) -> None:
    (found,) = facts(text)

    assert (found.kind, found.value) == (InsightKind.DEADLINE, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("from 1 June 2024 to 31 May 2025", "2024-06-01/2025-05-31"),
        ("between 3 May 2024 and 9 May 2024", "2024-05-03/2024-05-09"),
        ("on 12-15 May 2024", "2024-05-12/2024-05-15"),
        ("May 12-15, 2024", "2024-05-12/2024-05-15"),
        ("28 May \u2013 3 June 2024", "2024-05-28/2024-06-03"),
        ("vom 1. Juni 2024 bis 31. Mai 2025", "2024-06-01/2025-05-31"),
        ("vom 12. bis 15. März 2024", "2024-03-12/2024-03-15"),
        ("12.\u201315.04.2024", "2024-04-12/2024-04-15"),
        ("du 3 au 7 juin 2024", "2024-06-03/2024-06-07"),
        ("du 1er juin 2024 au 31 mai 2025", "2024-06-01/2025-05-31"),
        ("del 3 al 7 de junio de 2024", "2024-06-03/2024-06-07"),
    ],
)
def test_two_days_and_what_is_between_are_one_period(text: str, value: str) -> None:
    """The second day of a range is no deadline of its own."""
    (found,) = facts(f"It runs {text}.")

    assert (found.kind, found.value) == (InsightKind.PERIOD, value)


@pytest.mark.parametrize(
    "text",
    [
        "We met on 3 May 2024 and 9 May 2024.",
        "Issued 12 May 2024, sent 11 May 2024.",
        "Room 3-7, see 12.5.",
        "Version 12-15 of 2024",
        "31-02 May 2024",
    ],
)
def test_what_is_no_range_is_no_period(text: str) -> None:
    assert not told(text, InsightKind.PERIOD)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Objections within 14 days.", "P14D"),
        ("with three months\u2019 notice", "P3M"),
        ("a notice period of six (6) weeks", "P6W"),
        ("Kündigungsfrist von drei Monaten", "P3M"),
        ("innerhalb von 14 Tagen", "P14D"),
        ("un préavis de trois mois", "P3M"),
        ("en un plazo de 30 días", "P30D"),
    ],
)
def test_a_length_of_time_to_act_in_is_a_term(text: str, value: str) -> None:
    assert [one for _, one in told(text, InsightKind.TERM)] == [value]


def test_an_age_is_no_term() -> None:
    assert not facts("She was 14 days old, and he had worked for three months.")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.234,56 \u20ac", "1234.56 EUR"),
        ("1 234,56 \u20ac", "1234.56 EUR"),
        ("$1,234.56", "1234.56 USD"),
        ("CHF 1'234.50", "1234.50 CHF"),
        ("\u20b91,23,456.00", "123456.00 INR"),
        ("\u00a5120,000", "120000.00 JPY"),
        ("2,5 Mio. EUR", "2500000.00 EUR"),
    ],
)
def test_an_amount_is_read_as_its_country_writes_it(written: str, value: str) -> None:
    (found,) = facts(f"Gesamtbetrag: {written}\n")

    assert (found.kind, found.value) == (InsightKind.AMOUNT, value)
    assert found.label == "Gesamtbetrag"


def test_the_digits_of_an_iban_are_nothing_else() -> None:
    """A card's or a customer's number beside it is no account."""
    text = "IBAN DE89 3704 0044 0532 0130 00\nNo IBAN: DE00 1234 5678 9012 3456 78\n"
    found = facts(text)

    assert [(one.kind, one.value) for one in found] == [
        (InsightKind.IBAN, "DE89370400440532013000")
    ]


def test_a_fact_says_where_it_stands_and_in_which_words() -> None:
    text = "Invoice\n\nThe total of 940.00 EUR is due on\n12 May 2024. Thank you.\n"
    amount, due = facts(text)

    assert text[amount.start : amount.end] == amount.text == "940.00 EUR"
    assert text[due.start : due.end] == "12 May 2024"
    assert due.label == "due on"
    assert due.context == "The total of 940.00 EUR is due on 12 May 2024"


def test_pages_keep_their_numbers() -> None:
    pages = [(3, "Nothing."), (7, "Due on 12 May 2024.")]
    found, _ = find_insights(pages, find_entities(pages, "en"))

    assert [(one.page, one.start) for one in found] == [(7, 7)]


def test_parties_are_candidates_with_their_role() -> None:
    text = (
        "This lease is made between Nora Lindqvist, 4 Harbour Lane (the landlord), "
        "and Tom Berger (the tenant). Nora Lindqvist was in Hamburg Altona.\n"
    )
    found = [one for one in facts(text) if one.kind is InsightKind.PARTY]

    assert [(one.text, one.label) for one in found] == [
        ("Nora Lindqvist", "landlord"),
        ("Tom Berger", "tenant"),
    ]
    assert all(one.is_candidate for one in found)


def test_of_a_long_list_the_first_are_kept_and_the_rest_is_told() -> None:
    pages = [(1, "Item: 5.00 EUR\n" * (KIND_MAX + 3))]
    found, notes = find_insights(pages, find_entities(pages, "en"))

    assert len(found) == KIND_MAX
    assert notes == (
        f"Of {KIND_MAX + 3} facts of the kind amount the first {KIND_MAX} are kept.",
    )

"""Rules that find dates, amounts and addresses, and say exactly where."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsnl.engines.contracts import EntityKind
from prsnl.engines.text.entities import KIND_MAX, find_entities
from prsnl.engines.text.iban import is_valid


def found(
    text: str, kind: EntityKind, language: str = "en"
) -> list[tuple[str, str | None]]:
    return [
        (one.text, one.value)
        for one in find_entities([(1, text)], language)
        if one.kind is kind
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2024-05-12", "2024-05-12"),
        ("12 May 2024", "2024-05-12"),
        ("12th of May 2024", "2024-05-12"),
        ("May 12, 2024", "2024-05-12"),
        ("12. Mai 2024", "2024-05-12"),
        ("12.05.2024", "2024-05-12"),
        ("12. 5. 24", "2024-05-12"),
        ("1er janvier 2024", "2024-01-01"),
        ("12 de mayo de 2024", "2024-05-12"),
        ("12 maggio 2024", "2024-05-12"),
        ("12 mei 2024", "2024-05-12"),
        ("12 de março de 2024", "2024-03-12"),
        ("25/12/2024", "2024-12-25"),
        ("12/25/2024", "2024-12-25"),
        ("12/12/2024", "2024-12-12"),
        ("05/12/2024", None),
        ("2024年5月12日", "2024-05-12"),
        ("May 2024", "2024-05"),
    ],
)
def test_a_date_is_found_with_the_day_it_means(written: str, value: str | None) -> None:
    assert found(f"It was on {written} in Rome.", EntityKind.DATE) == [(written, value)]


@pytest.mark.parametrize(
    "text", ["31.02.2024", "version 1.2.3", "10.0.0.1", "2024-13-45", "99/99/2024"]
)
def test_what_is_no_day_is_no_date(text: str) -> None:
    assert not found(f"It says {text} here.", EntityKind.DATE)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("940 EUR", "940.00 EUR"),
        ("€940", "940.00 EUR"),
        ("1.234,56 €", "1234.56 EUR"),
        ("$1,234.56", "1234.56 USD"),
        ("1 234,56 €", "1234.56 EUR"),
        ("CHF 1'234.50", "1234.50 CHF"),
        ("£1,000", "1000.00 GBP"),
        ("1.234 €", "1234.00 EUR"),
        ("-12,50 EUR", "-12.50 EUR"),
        ("EUR 1.5 million", "1500000.00 EUR"),
        ("3,5 Mio. €", "3500000.00 EUR"),
        ("1,234,567.89 USD", "1234567.89 USD"),
    ],
)
def test_an_amount_has_one_form(written: str, value: str) -> None:
    assert found(f"It costs {written} in all.", EntityKind.AMOUNT) == [(written, value)]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (
            EntityKind.EMAIL,
            "to Ada.L@Example.org.",
            ("Ada.L@Example.org", "ada.l@example.org"),
        ),
        (
            EntityKind.URL,
            "(see https://a.example/b?c=d).",
            ("https://a.example/b?c=d", None),
        ),
        (EntityKind.PHONE, "Tel. 040 5550-1234", ("040 5550-1234", None)),
        (
            EntityKind.PHONE,
            "call +49 40 5550 1234 now",
            ("+49 40 5550 1234", "+494055501234"),
        ),
        (EntityKind.PHONE, "or (212) 555-0123", ("(212) 555-0123", None)),
        (
            EntityKind.IBAN,
            "IBAN DE89 3704 0044 0532 0130 00 BIC",
            ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ),
        (
            EntityKind.REFERENCE,
            "Invoice no. RE-2024/17, due",
            ("RE-2024/17", "RE-2024/17"),
        ),
        (EntityKind.REFERENCE, "Kundennummer: 4711-0815", ("4711-0815", "4711-0815")),
        (EntityKind.NAME_CANDIDATE, "met Ada Lovelace there", ("Ada Lovelace", None)),
    ],
)
def test_an_address_or_a_number_is_found(
    kind: EntityKind, text: str, expected: tuple[str, str | None]
) -> None:
    assert found(text, kind) == [expected]


def test_wrong_check_digits_are_no_account() -> None:
    assert not found("DE88 3704 0044 0532 0130 00", EntityKind.IBAN)
    assert is_valid("GB29NWBK60161331926819")


def test_german_nouns_are_no_names() -> None:
    text = "Die Miete der Wohnung zahlt Herr Thomas Meier an die Nordwärme GmbH."

    assert [name for name, _ in found(text, EntityKind.NAME_CANDIDATE, "de")] == [
        "Herr Thomas Meier",
        "Nordwärme GmbH",
    ]


PIECES = st.sampled_from(
    ["12 May 2024 ", "€940 ", "a@b.example ", "+49 40 1234567 ", "Ada Lovelace ", "x\n"]
)


@settings(deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=12))
def test_offsets_are_exact(pieces: list[str]) -> None:
    pages = [(1, "".join(pieces)), (2, "".join(reversed(pieces)))]
    texts = dict(pages)

    entities = find_entities(pages, "en")

    assert all(
        texts[one.page][one.start : one.end] == one.text and one.text
        for one in entities
    )
    for page in texts:
        ends = [(one.start, one.end) for one in entities if one.page == page]
        assert ends == sorted(ends)
        assert all(a[1] <= b[0] for a, b in pairwise(ends))


@pytest.mark.parametrize(
    "piece",
    [
        *"1a@.-/+( €",
        "1 ",
        "1.",
        "12 ",
        "A",
        "Aa ",
        "A.",
        "a@",
        "http://",
        "DE12 ",
        "0 ",
        "May ",
        "12 de ",
        "invoice ",
        "Invoice no. ",
        "1.111 ",
        "€1",
        "(0",
        "tel ",
        "Dr. ",
        "1/",
    ],
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    """Built to make a pattern backtrack: what is quadratic would take an hour."""
    began = time.process_time()

    entities = find_entities([(1, piece * (200_000 // len(piece)))], "en")

    assert time.process_time() - began < 30
    assert len(entities) <= KIND_MAX * len(EntityKind)

"""Text layer or OCR: what follows from what a page shows."""

from __future__ import annotations

import pytest

from prsnl.engines.pdf.decision import Evidence, decide, plausibility

FULL = (0.0, 0.0, 1.0, 1.0)
PROSE = (
    "The kettle in the kitchen was older than the house. Nobody had ever seen it boil "
    "before the seventh of May, when the gardener filled it to the brim at last."
)
POOR = (
    "T1e kett]e |n tke k;tch3n w~s o1der t#an t e ho.se. N bod h d ev~r s e n i+ b il "
    "be ore th~ s v nth f M y, w en t e g rd ner f l ed it t t e br m a l st. "
    "W1th0ut a w#istle |t s#ood 0n t e st0ve f r ye rs, a d n o e c uld t ll w y."
)


def test_a_page_of_text_needs_no_ocr() -> None:
    assert decide(Evidence(is_drawn_on=True, known_letters=1.0), PROSE, []) is None


def test_an_empty_page_needs_none_either() -> None:
    assert decide(Evidence(), "", []) is None


@pytest.mark.parametrize(
    ("found", "text", "reason"),
    [
        (Evidence(pictures=(FULL,), is_drawn_on=True), "", "a scan"),
        (Evidence(pictures=((0.1, 0.1, 0.4, 0.3),), is_drawn_on=True), "", "pictures"),
        (Evidence(is_drawn_on=True), "", "something is drawn"),
        (Evidence(is_drawn_on=True, known_letters=0.4), PROSE, "mean nothing"),
        (Evidence(is_drawn_on=True), "\ue001\ue002 \ue003\ufffd" * 9, "mean nothing"),
        (Evidence(pictures=(FULL,)), "COPY 12 May 2024", "a few letters over it"),
        (Evidence(pictures=(FULL,), is_invisible=True), POOR, "reads badly"),
    ],
)
def test_a_page_whose_text_layer_does_not_serve_is_read_whole(
    found: Evidence, text: str, reason: str
) -> None:
    need = decide(found, text, [])

    assert need is not None
    assert need.mode == "page"
    assert reason in need.reason


def test_a_scanner_s_good_text_layer_is_kept() -> None:
    found = Evidence(pictures=(FULL,), is_drawn_on=True, is_invisible=True)

    assert decide(found, PROSE, []) is None


def test_pictures_beside_text_are_read_where_they_stand() -> None:
    found = Evidence(pictures=((0.1, 0.5, 0.9, 0.7), (0.1, 0.1, 0.9, 0.2)))
    lines = [
        ("Above both.", (0.1, 0.02, 0.5, 0.05)),
        ("Between them.", (0.1, 0.3, 0.5, 0.33)),
        ("Below both.", (0.1, 0.8, 0.5, 0.83)),
    ]

    need = decide(found, PROSE, lines)

    assert need is not None
    assert need.mode == "pictures"
    assert [region.after for region in need.regions] == ["Above both.", "Between them."]


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "Die Miete beträgt 940,00 EUR und ist am 3. Werktag fällig (§ 5).",
        "IBAN DE89 3704 0044 0532 0130 00, BIC COBADEFFXXX, Tel. +49 40 1234567",
        "\u6771\u4eac\u90fd\u306e\u5929\u6c17\u306f\u4eca\u65e5\u3082\u6674\u308c",
        "L'état, c'est moi. Write to ada@example.org or see https://example.org/a.",
        "ISO 9001 and RFC 2822, Mrs. McDonald-O'Neill, T-Shirt, COVID-19, H2O",
    ],
)
def test_words_of_any_language_are_plausible(text: str) -> None:
    assert plausibility(text) >= 0.6


def test_what_poor_ocr_leaves_is_not() -> None:
    assert plausibility(POOR) < 0.6
    assert plausibility("") == 0.0

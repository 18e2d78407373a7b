"""What a person types, understood."""

from __future__ import annotations

import pytest

from prsnl.core.errors import BadRequestError
from prsnl.search.query import Term, parse


def typed(text: str) -> list[str]:
    return [term.typed for term in parse(text).terms]


def test_words_phrases_and_what_is_left_out_are_told_apart() -> None:
    query = parse('Rent "Two Words" -deposit -"not this"')

    assert [term.words for term in query.terms] == [("rent",), ("two", "words")]
    assert [term.is_phrase for term in query.terms] == [False, True]
    assert [term.words for term in query.excluded] == [("deposit",), ("not", "this")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("INV-2024/0815", "inv-2024/0815"),
        ("940,00", "940,00"),
        ("a.b@c.de", "a.b@c.de"),
        ("v2.13.0,", "v2.13.0"),
        ("add_paragraph()", "add_paragraph"),
        ("(B-292600)", "b-292600"),
    ],
)
def test_a_code_is_looked_for_as_printed(text: str, code: str) -> None:
    (term,) = parse(text).terms

    assert (term.code, term.is_exact) == (code, True)
    assert term.tsquery(exact=True) == f"('{code}')"
    assert "".join(term.words) in term.tsquery()


def test_a_hyphen_between_words_makes_no_code_that_must_be_there() -> None:
    (term,) = parse("well-known").terms

    assert not term.is_exact
    assert term.tsquery() == "('well-known' | 'wellknown' | ('well' <-> 'known'))"


def test_accents_and_capitals_make_no_difference() -> None:
    terms = parse("ÉNUMÉRATION Straße").terms

    assert [term.words for term in terms] == [("enumeration",), ("strasse",)]


def test_what_carries_no_meaning_is_left_out_unless_nothing_else_is_there() -> None:
    assert [t.typed for t in parse("who is the tenant").meaningful(["en"])] == [
        "tenant"
    ]
    assert [t.typed for t in parse("to be or not to be").meaningful(["en"])] == [
        "to",
        "be",
        "or",
        "not",
    ]
    assert [t.typed for t in parse("die Miete").meaningful(["de"])] == ["Miete"]


@pytest.mark.parametrize("text", ["", "   ", '""', "!?", "-only"])
def test_a_query_without_a_word_to_look_for_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="no word"):
        parse(text)


def test_a_minus_before_a_number_leaves_nothing_out() -> None:
    assert not parse("-940,00").excluded


def test_a_quotation_mark_that_is_never_closed_quotes_the_rest() -> None:
    assert typed('rent "of the flat') == ["rent", "of the flat"]


def test_nothing_typed_can_break_out_of_its_quotes_in_the_query() -> None:
    """A tsquery is a language of its own."""
    (term,) = parse("a'b\\c'|d").terms

    assert isinstance(term, Term)
    assert term.tsquery().count("'") % 2 == 0


def test_codes_and_phrases_alone_have_no_meaning_to_look_for() -> None:
    assert parse('INV-2024/0815 "two words"').meaning is None
    assert parse("invoice INV-2024/0815").meaning == "invoice INV-2024/0815"


def test_a_word_gives_way_to_the_known_one_everywhere() -> None:
    query = parse("Invocie of May").with_word("invocie", "invoice")

    assert query.terms[0].words == ("invoice",)
    assert query.text == "invoice of may"

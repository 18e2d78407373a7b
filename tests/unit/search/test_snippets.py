"""The words around what was found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prsnl.search.folding import fold, tokens
from prsnl.search.query import parse
from prsnl.search.snippets import LENGTH, read, snippet
from prsnl.wire.search import Snippet

FILLING = "Nothing of interest is said here. " * 30


def marked(told: Snippet) -> list[str]:
    return [told.text[start:end] for start, end in told.marks]


def cut(text: str, query: str, near: int | None = None) -> Snippet:
    terms = parse(query).meaningful(["en"])
    return snippet(text, read(text), terms, {}, near=near).snippet


def test_the_stretch_with_most_of_what_is_looked_for_is_shown() -> None:
    text = f"The rent. {FILLING}The rent is due with the deposit. {FILLING}"

    told = cut(text, "rent deposit")

    assert marked(told) == ["rent", "deposit"]
    assert told.text.startswith("… The rent is due")
    assert told.text.endswith("…")
    assert len(told.text) <= LENGTH + 10


def test_marks_are_in_the_text_as_it_is_written() -> None:
    told = cut("Die Énumération\n\n  INV-2024/0815 of STRASSE", '"enumeration inv" ')

    assert marked(told) == ["Énumération INV"]
    assert "\n" not in told.text


def test_a_code_is_marked_with_its_signs() -> None:
    assert marked(cut("see INV-2024/0815.", "inv-2024/0815")) == ["INV-2024/0815"]


def test_inflected_words_are_marked_by_their_stem() -> None:
    text = "Two invoices came."
    stems = {"invoice": ["invoic"], "invoices": ["invoic"]}

    told = snippet(text, read(text), parse("invoice").terms, stems).snippet

    assert marked(told) == ["invoices"]


def test_a_passage_of_the_right_meaning_is_shown_from_its_begin() -> None:
    text = f"{FILLING}The meaning begins here. {FILLING}"

    told = cut(text, "unrelated", near=len(FILLING))

    assert told.text.startswith("… The meaning begins here.")
    assert told.marks == []


def test_text_that_would_be_a_tag_stays_text() -> None:
    """Marks are offsets: who shows them escapes the text."""
    told = cut("a <script>alert(1)</script> rent", "rent")

    assert "<script>" in told.text
    assert marked(told) == ["rent"]


@given(st.text(max_size=400), st.text(min_size=1, max_size=20))
def test_marks_grow_and_lie_within_the_text(text: str, word: str) -> None:
    query = f"{word} x"
    told = cut(text, query)
    places = [place for mark in told.marks for place in mark]

    assert places == sorted(places)
    assert all(0 <= place <= len(told.text) for place in places)


@given(st.text(max_size=200))
def test_tokens_are_where_they_say(text: str) -> None:
    for token in tokens(text):
        assert token.word in fold(text[token.start : token.end])

"""The analysis of whole documents, and the passages that are embedded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsnl.engines import text
from prsnl.engines.contracts import (
    Chunk,
    DocumentType,
    Heading,
    Summary,
    TextAnalysis,
)
from prsnl.engines.taxonomy.reading import parsed, shipped
from prsnl.engines.text.chunks import chunks_of
from prsnl.engines.text.keywords import keywords
from prsnl.engines.text.language import language_of
from prsnl.engines.text.ranking import Sentence, key_sentences
from prsnl.engines.text.titles import clean_file_name, title_of
from tests.fakes.child_files import FolderFiles

TYPES = parsed(shipped()).document_types
HERE = FolderFiles(Path(), Path())
LEASE = """Lease agreement

This lease agreement is dated 12 May 2024 and made between the landlord and the tenant.

The monthly rent is 940.00 EUR and is due on the third working day of each month.
The tenant pays the monthly rent to the account of the landlord in advance.
The landlord keeps the deposit apart from other money and returns it with interest.
Either party may end the lease in writing with a notice of three months.
Changes of the lease agreement need the written consent of the landlord and the tenant.
"""


def analyzed(*pages: str, **params: object) -> TextAnalysis:
    asked = {"pages": [{"number": n, "text": one} for n, one in enumerate(pages, 1)]}
    (frame,) = text.analyze(HERE, {**asked, **params})
    return TextAnalysis.model_validate(frame)


def summarized(*pages: str) -> Summary:
    asked = {"pages": [{"number": n, "text": one} for n, one in enumerate(pages, 1)]}
    (frame,) = text.summarize(HERE, {**asked, "language": "en"})
    return Summary.model_validate(frame)


def classified(page: str, title: str = "") -> str | None:
    asked = {
        "pages": [{"number": 1, "text": page}],
        "title": title,
        "file_name": "",
        "types": [one.model_dump() for one in TYPES],
    }
    (frame,) = text.classify(HERE, asked)
    return DocumentType.model_validate(frame).document_type


def test_a_contract_is_understood() -> None:
    told = analyzed(LEASE, file_name="scan_001.pdf")

    assert (told.language, told.title) == ("en", "Lease agreement")
    assert told.title_source == "first line"
    assert str(told.document_date) == "2024-05-12"
    assert classified(LEASE, told.title) == "contract"
    assert {"tenant", "landlord"} <= set(told.tags)
    assert any(one.value == "940.00 EUR" for one in told.entities)


def test_key_sentences_are_sentences_of_the_text_in_its_order() -> None:
    told = summarized(LEASE)

    said = [one.text for one in told.key_sentences]
    joined = " ".join(LEASE.split())
    assert 3 <= len(said) <= 5
    assert [joined.index(one) for one in said] == sorted(
        joined.index(one) for one in said
    )
    assert max(one.score for one in told.key_sentences) == 1


def test_a_text_without_words_has_nothing_to_say() -> None:
    told = analyzed("", "  \n", file_name="empty_scan.pdf")

    assert (told.language, told.document_date) == (None, None)
    assert (told.keywords, told.entities) == ((), ())
    assert (summarized("", " \n").key_sentences, classified("")) == ((), None)
    assert (told.title, told.title_source) == ("Empty scan", "file name")


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("The rent is due on the third working day of each month.", "en"),
        ("Die Miete ist am dritten Werktag eines jeden Monats fällig.", "de"),
        ("Le loyer doit être payé le troisième jour de chaque mois.", "fr"),
        ("El alquiler debe pagarse el tercer día hábil de cada mes.", "es"),
        ("L'affitto deve essere pagato il terzo giorno di ogni mese.", "it"),
        ("会議は来週の月曜日に行われます。資料を準備してください。", "ja"),
        ("123 456", None),
    ],
)
def test_the_language_is_told_or_left_open(sentence: str, language: str | None) -> None:
    assert language_of(sentence)[0] == language


@pytest.mark.parametrize(
    ("headings", "metadata", "first", "expected"),
    [
        (["Real title"], {"title": "Other"}, "x", ("Real title", "heading")),
        (["Contents", "Real title"], {}, "x", ("Real title", "heading")),
        (["1. Scope"], {"title": "Terms of use"}, "x", ("Terms of use", "metadata")),
        (["1. Scope"], {"title": "untitled"}, "x", ("1. Scope", "heading")),
        (
            [],
            {"title": "Microsoft Word - a.doc"},
            "Minutes\n\nx",
            ("Minutes", "first line"),
        ),
        ([], {"title": "Document1"}, "dear all,\nx", ("Rent 2024", "file name")),
        (
            [],
            {"title": "Microsoft Word - Annual plan"},
            "x",
            ("Annual plan", "metadata"),
        ),
        ([], {}, "Dear Ms Smith,\n\nx", ("Rent 2024", "file name")),
    ],
)
def test_the_title_is_the_best_that_there_is(
    headings: list[str], metadata: dict[str, str], first: str, expected: tuple[str, str]
) -> None:
    told = title_of(
        headings=[Heading(level=1, text=one) for one in headings],
        metadata=metadata,
        text=first,
        file_name="rent_2024.pdf",
    )

    assert told == expected


def test_a_file_name_becomes_words() -> None:
    assert clean_file_name("C:\\docs\\my_tax-return (2).final.pdf") == (
        "My tax return (2).final"
    )
    assert clean_file_name("") == "Untitled"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("Invoice date: 3 April 2025\nDue date: 3 May 2025", "2025-04-03"),
        ("Due date: 3 May 2025", None),
        ("Hamburg, den 3. April 2025\n\nSehr geehrte Frau Meier,", "2025-04-03"),
        ("Born on 3 April 1985 in Rome.", None),
        ("Date: 04/05/2025", None),
    ],
)
def test_the_document_date_is_never_guessed(page: str, expected: str | None) -> None:
    told = analyzed(page).document_date

    assert (str(told) if told else None) == expected


def test_a_declared_date_comes_first() -> None:
    told = analyzed("Date: 3 April 2025", metadata={"date": "2024-01-02T08:00:00Z"})

    assert str(told.document_date) == "2024-01-02"


def test_the_date_of_the_file_serves_a_text_without_any() -> None:
    told = analyzed("No date here.", metadata={"created_at": "2024-01-02"})

    assert str(told.document_date) == "2024-01-02"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (
            "Rechnung\nRechnungsnummer: 4711\nzahlbar sofort\nGesamtbetrag 20 €",
            "invoice",
        ),
        (
            "Dear Ms Smith,\n\nthank you for the letter.\n\nYours sincerely\nA.",
            "letter",
        ),
        (
            "Protokoll der Sitzung\nAnwesend: A, B\nTagesordnung\nBeschluss: ja",
            "minutes",
        ),
        ("The cat sat on the mat and looked at the moon.", None),
    ],
)
def test_the_type_is_told_or_left_open(page: str, expected: str | None) -> None:
    assert classified(page, analyzed(page).title) == expected


def test_keywords_are_of_the_matter() -> None:
    words = [word for word, _ in keywords(LEASE, "en")]

    assert "landlord" in words
    assert not {"the", "EUR", "May"} & set(words)
    assert next(score for _, score in keywords(LEASE, "en")) == 1


def test_sentences_that_say_the_same_are_picked_once() -> None:
    same = "The landlord keeps the deposit apart from all of the other money."
    other = "Either party may end the lease in writing with a notice of three months."
    sentences = [
        Sentence(text=one, page=1) for one in (same, same[:-1] + " too.", other)
    ]

    picked = [one.sentence.text for one in key_sentences(sentences, "en")]

    assert len(picked) == 2
    assert other in picked


PAGES = st.lists(
    st.lists(
        st.sampled_from(["A sentence of words. ", "word ", "\n\n", "x" * 1500, "\t"])
        | st.text(),
        max_size=60,
    ).map("".join),
    max_size=4,
)


@settings(deadline=None)
@given(PAGES)
def test_every_word_is_in_one_passage(texts: list[str]) -> None:
    pages = list(enumerate(texts, 1))

    chunks = chunks_of(pages)

    said = "".join("".join(one.text.split()) for one in chunks)
    assert said == "".join("".join(one.split()) for one in texts)
    assert [one.number for one in chunks] == list(range(1, len(chunks) + 1))
    assert all(len(one.text) <= 1400 for one in chunks)


@settings(deadline=None)
@given(PAGES)
def test_offsets_of_passages_are_exact(texts: list[str]) -> None:
    by_page = dict(enumerate(texts, 1))

    for one in chunks_of(list(by_page.items())):
        if one.page_from == one.page_to:
            assert by_page[one.page_from][one.start : one.end] == one.text
        else:
            assert one.text.startswith(by_page[one.page_from][one.start :].rstrip())
            assert one.text.endswith(by_page[one.page_to][: one.end].lstrip())


def test_passages_of_a_long_text_come_in_frames_of_bounded_size() -> None:
    page = {"number": 1, "text": "\n\n".join(["word " * 150] * 1201)}

    frames = list(text.chunk(HERE, {"pages": [page]}))

    found = [one for frame in frames for one in frame["chunks"]]
    assert [len(frame["chunks"]) for frame in frames] == [500, 500, 201]
    assert [one["number"] for one in found] == list(range(1, 1202))


def test_a_text_without_passages_is_one_empty_frame() -> None:
    asked = {"pages": [{"number": 1, "text": " \n"}]}

    assert list(text.chunk(HERE, asked)) == [{"chunks": []}]


def test_passages_go_over_pages_and_come_as_one_frame() -> None:
    asked = {"pages": [{"number": 1, "text": "One."}, {"number": 2, "text": "Two."}]}

    (frame,) = text.chunk(HERE, asked)

    (only,) = [Chunk.model_validate(one) for one in frame["chunks"]]
    assert (only.text, only.page_from, only.page_to) == ("One.\nTwo.", 1, 2)


def test_a_book_takes_time_in_proportion() -> None:
    """500 long pages: a step that compares all with all would take hours."""
    began = time.process_time()
    page = (LEASE + "\n\n") * 4

    analyzed(*[page] * 500, file_name="book.pdf")
    told = summarized(*[page] * 500)

    assert time.process_time() - began < 120
    assert any("200000" in note for note in told.notes)


@pytest.mark.parametrize(
    "piece", ["a", "a ", ". ", "A. ", "(", "'", "a.b ", "\n", "1. "]
)
def test_hostile_text_is_analyzed_in_time(piece: str) -> None:
    began = time.process_time()

    whole = piece * (60_000 // len(piece))
    told = analyzed(whole).model_dump(mode="json")
    summarized(whole)
    classified(whole)
    asked = {"pages": [{"number": 1, "text": whole}], "entities": told["entities"]}
    list(text.insights(HERE, asked))

    assert time.process_time() - began < 60

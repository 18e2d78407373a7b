"""The running text of a document, and what stands around it."""

from __future__ import annotations

import time

import pytest

from prsnl.engines.text.prose import matter, prose, references_start

FIRST = "The ferry crosses the sound twice a day when the wind allows it."
SECOND = "Most of the islanders know the captain by his first name."


def told(*pages: str, headings: tuple[str, ...] = ()) -> list[str]:
    found = prose(list(enumerate(pages, 1)), headings, "en")
    return [one.text for one in found]


def test_wrapped_lines_are_one_paragraph() -> None:
    assert told("The ferry crosses the sound\ntwice a day.\n\nIt is old.") == [
        "The ferry crosses the sound twice a day.",
        "It is old.",
    ]


@pytest.mark.parametrize(
    "around",
    [
        "2.1 Winter timetable",
        "Figure 3. The ferry seen from the harbour wall in the year of its launch.",
        "Table 2: Passengers by month and by island, without the school classes.",
        "Jan 12 14 19\nFeb 10 11 17\nMar 22 25 31",
        "Item\tPrice\nRope\t12.00",
        "- 12 -",
        "Page 3 of 9",
        "[Image unavailable.]",
        "Timetable ........................ 14",
        "Ann Lee, ann.lee@example.org",
        "{ann,bob}@example.org",
        "© 2024 The Ferry Company. All rights reserved.",
        "Keywords: ferry, island, sound, timetable, harbour and the winter.",
    ],
)
def test_what_stands_around_it_is_left_out(around: str) -> None:
    assert told(f"{FIRST}\n\n{around}\n\n{SECOND}") == [FIRST, SECOND]


def test_a_heading_above_its_paragraph_is_no_part_of_it() -> None:
    page = (
        "March 2024: the new pier\n"
        "The new pier was opened by the mayor of the larger island, who came by\n"
        "boat and left by bus."
    )

    assert told(page) == [" ".join(page.split("\n", 1)[1].split())]


def test_a_full_line_before_a_capital_is_no_heading() -> None:
    page = (
        "The timetable of the ferry was decided by the council of the\n"
        "Northern Islands and has not been changed since."
    )

    assert told(page) == [" ".join(page.split())]


def test_a_known_heading_is_left_out_where_it_ends_with_a_stop() -> None:
    assert told(f"What comes next.\n{FIRST}", headings=("What comes next.",)) == [FIRST]


def test_bullets_are_paragraphs_of_their_own() -> None:
    page = f"\u2022 {FIRST}\n\u2022 {SECOND}"

    assert told(page) == [FIRST, SECOND]


def test_a_paragraph_goes_on_over_a_page_a_footnote_and_a_picture() -> None:
    first = (
        "The harbour was built in three years1 by people who had come for one\n"
        "summer and stayed because the bread was good and the\n\n"
        "1 The records of the harbour board are in the county archive.\n\n"
        "Figure 1. The bread of the island, as it was sold at the time."
    )
    second = "work was steady. Later they sent for their families."

    found = prose([(4, first), (5, second)], (), "en")

    assert [(one.page, one.text) for one in found] == [
        (
            4,
            (
                "The harbour was built in three years1 by people who had come for one "
                "summer and stayed because the bread was good and the work was "
                "steady. Later they sent for their families."
            ),
        )
    ]


def test_a_word_that_a_page_divides_is_whole_again() -> None:
    first = "The council of the islands came together to talk about the man-"

    (only,) = told(first, "agement of the harbour.")

    assert only.endswith("talk about the management of the harbour.")


def test_running_lines_and_references_are_left_out() -> None:
    pages = [
        f"The ferry report\n\n{FIRST[:-1]} on day {n}.\n\n{n}" for n in range(1, 5)
    ]
    pages.append("References\n\n[1] A. Lee. A history of ferries in the north. 1998.")

    assert told(*pages) == [f"{FIRST[:-1]} on day {n}." for n in range(1, 5)]
    numbered = list(enumerate(pages, 1))
    assert references_start(numbered) == (5, 0)
    assert "report" not in matter(numbered)
    assert "history" not in matter(numbered)


def test_where_a_document_sums_itself_up_counts_more() -> None:
    found = prose([(1, f"Abstract\n\n{FIRST}\n\n1. Introduction\n\n{SECOND}")])

    assert [one.weight > 1 for one in found] == [True, False]


def test_matter_keeps_tables_and_headings_without_addresses() -> None:
    page = "Winter timetable\nItem\tPrice\nRope\t12.00\nsee https://example.org/x.html"

    assert matter([(1, page)]).split() == [
        *("Winter", "timetable", "Item", "Price", "Rope", "12.00", "see"),
    ]


@pytest.mark.parametrize("piece", [". ", ". . . ", "a-a.", "a@", "{a,", "1 1 1\n", "["])
def test_hostile_text_takes_no_longer(piece: str) -> None:
    """It ends as no pattern wants it: whatever matched so far is tried again."""
    began = time.process_time()

    page = piece * (60_000 // len(piece)) + "@x"
    prose([(1, page)])
    matter([(1, page)])

    assert time.process_time() - began < 20

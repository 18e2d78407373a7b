"""Running lines are told by repetition, never by their look."""

from __future__ import annotations

import pytest

from prsnl.engines.contracts import EdgeLine, PageStatus, PageText
from prsnl.engines.running_lines import running_lines, without


def head(text: str, at: float = 0.05) -> EdgeLine:
    """A line at the head of a page."""
    return EdgeLine(text=text, at=at, is_head=True)


def foot(text: str, at: float = 0.95) -> EdgeLine:
    """A line at its foot."""
    return EdgeLine(text=text, at=at, is_head=False)


def found(*pages: list[EdgeLine]) -> list[list[str]]:
    """What runs, by page."""
    told = running_lines(dict(enumerate(pages, start=1)))
    return [[line.text for line in told.get(n, ())] for n in range(1, len(pages) + 1)]


def test_a_line_on_page_after_page_runs() -> None:
    assert found(*[[head("Annual report")]] * 3) == [["Annual report"]] * 3


@pytest.mark.parametrize("count", [1, 2])
def test_a_document_of_few_pages_stays_as_it_is(count: int) -> None:
    assert found(*[[head("Annual report")]] * count) == [[]] * count


def test_a_number_that_counts_the_pages_runs() -> None:
    pages = [[foot(f"Page {number} of 9")] for number in range(4, 8)]

    assert found(*pages) == [[f"Page {number} of 9"] for number in range(4, 8)]


def test_roman_numbers_count_too() -> None:
    assert found([foot("ii")], [foot("iii")], [foot("iv")]) == [["ii"], ["iii"], ["iv"]]


def test_a_number_that_does_not_count_says_something_of_its_page() -> None:
    """The carry of an invoice stands where a page number would."""
    assert found([foot("Total 120")], [foot("Total 95")], [foot("Total 7")]) == [[]] * 3


def test_a_short_line_of_one_page_stays() -> None:
    assert found([foot("7")], [foot("End")], [foot("42")]) == [[], [], []]


def test_even_and_odd_pages_have_their_own() -> None:
    even, odd = [head("The book")], [head("The chapter")]

    told = found(odd, even, odd, even, odd, even)

    assert told == [["The chapter"], ["The book"]] * 3


def test_a_header_may_begin_in_the_middle() -> None:
    """Each chapter has its own, and the first page of it none."""
    two = [head("Chapter two")]

    assert found([], [], two, two, two)[2:] == [["Chapter two"]] * 3


def test_a_line_at_another_height_is_another_line() -> None:
    assert found([head("Sum", 0.02)], [head("Sum", 0.08)], [head("Sum", 0.12)]) == (
        [[], [], []]
    )


def test_the_same_line_far_away_is_no_repetition() -> None:
    assert found([head("Note")], [], [], [head("Note")], [], [], [head("Note")]) == (
        [[]] * 7
    )


def page(text: str, markdown: str | None = None) -> PageText:
    """A page as an engine tells it."""
    return PageText(
        number=1,
        status=PageStatus.OK,
        text=text,
        markdown=markdown,
        engine="fake",
        reason="a test",
        milliseconds=0,
    )


def test_lines_are_left_out_of_text_and_markdown() -> None:
    told = without(
        page(
            "Report\n\nBody text.\nReport\n\n7", "# Report\n\nBody text.\nReport\n\n7"
        ),
        [head("Report"), foot("7")],
    )

    assert told.text == "Body text.\nReport"
    assert told.markdown == "Body text.\nReport"


def test_a_page_of_running_lines_alone_keeps_them() -> None:
    assert without(page("Report\n\n7"), [head("Report"), foot("7")]).text == (
        "Report\n\n7"
    )

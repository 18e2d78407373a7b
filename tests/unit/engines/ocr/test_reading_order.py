"""Boxes in the order in which a person reads them."""

from __future__ import annotations

from prsnl.engines.ocr.contract import Word
from prsnl.engines.ocr.reading_order import TextBox, paragraphs, untangled


def box(text: str, left: float, top: float, *, width: float = 400) -> TextBox:
    place = (left, top, left + width, top + 20)
    return TextBox(place, [Word(word, place, 0.9) for word in text.split()])


def read(*boxes: TextBox) -> list[str]:
    return [
        " / ".join(" ".join(word.text for word in line) for line in lines)
        for lines in paragraphs(boxes)
    ]


def column(
    name: str, left: float, *, lines: int = 6, top: float = 100
) -> list[TextBox]:
    return [
        box(f"{name} line number {number} of prose", left, top + 26 * number)
        for number in range(lines)
    ]


def test_nothing_is_nothing() -> None:
    assert read() == []


def test_two_columns_are_read_one_after_the_other() -> None:
    told = " ".join(read(*column("right", 500), *column("left", 50)))

    assert told.index("left line number 5") < told.index("right line number 0")


def test_a_heading_over_columns_comes_first_and_a_footer_last() -> None:
    told = " ".join(
        read(
            *column("left", 50),
            box("a heading that spans both of the columns", 50, 40, width=850),
            box("a footer that spans both of the columns", 50, 300, width=850),
            *column("right", 500),
        )
    )

    order = ["a heading", "left line number 0", "right line number 0", "a footer"]
    assert sorted(order, key=told.index) == order


def test_rows_of_a_table_keep_together() -> None:
    """Labels to the left and amounts to the right are no columns of prose."""
    rows = [
        part
        for number in range(6)
        for part in (
            box(f"Item {number}", 50, 100 + 26 * number, width=90),
            box(f"{number}.00", 500, 100 + 26 * number, width=60),
        )
    ]

    assert read(*rows) == [
        " / ".join(f"Item {number} {number}.00" for number in range(6))
    ]


def test_a_wide_gap_divides_paragraphs() -> None:
    told = read(
        box("one one one", 50, 0),
        box("one again", 50, 26),
        box("two two two", 50, 92),
        box("two again", 50, 118),
    )

    assert told == ["one one one / one again", "two two two / two again"]


def test_pieces_of_one_line_are_joined_from_left_to_right() -> None:
    told = read(
        box("to the right", 300, 2, width=200), box("to the left", 50, 0, width=200)
    )

    assert told == ["to the left to the right"]


def test_lines_that_run_over_a_gutter_are_untangled() -> None:
    """Tesseract takes two short columns for one block now and then."""
    lines = [
        [
            Word(
                f"left{number}-of-prose", (50, 26 * number, 400, 26 * number + 20), 0.9
            ),
            Word(
                f"right{number}-of-prose", (500, 26 * number, 800, 26 * number + 20), 1
            ),
        ]
        for number in range(4)
    ]

    told = " ".join(
        word.text for lines in untangled([lines]) for line in lines for word in line
    )

    assert told.index("left3") < told.index("right0")


def test_the_order_of_an_engine_that_sees_columns_is_its_own() -> None:
    found = [
        [[Word("second-of-prose", (500, 0, 800, 20), 1)]],
        [[Word("first", (0, 0, 90, 20), 1)]],
    ]

    assert untangled(found) is found

"""A laid-out page's text on a screen of any width."""

from __future__ import annotations

from prsnl.dashboard.texts import flowing

PROSE = (
    "The landlord lets to the tenant the flat on the second floor of the house in\n"
    "Orchard Road. The flat has three rooms, a kitchen, a bathroom and a balcony,\n"
    "with a garden."
)


def test_lines_that_the_margin_broke_are_joined() -> None:
    assert flowing(PROSE).count("\n") == 0
    assert "house in Orchard Road" in flowing(PROSE)


def test_lines_that_their_author_broke_stay() -> None:
    table = "Rent 940.00 EUR\nHeating 95.00 EUR\nTotal 1035.00 EUR"
    text = f"3. Costs\n\n{PROSE}\n\n{table}"

    assert flowing(text).startswith("3. Costs\n\nThe landlord")
    assert flowing(text).endswith(f"a garden.\n\n{table}")


def test_short_lines_alone_are_no_prose() -> None:
    poem = "The kettle sings,\nthe lamp is low,\nand no one knows."

    assert flowing(poem) == poem
    assert not flowing("")


def test_no_word_is_lost() -> None:
    assert flowing(PROSE).split() == PROSE.split()

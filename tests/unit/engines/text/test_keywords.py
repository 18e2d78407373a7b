"""Keywords and candidates for names: of the matter, not of what stands around it."""

from __future__ import annotations

import pytest

from prsnl.engines.contracts import EntityKind
from prsnl.engines.text.entities import find_entities
from prsnl.engines.text.keywords import keywords
from tests.unit.engines.text.test_analysis import analyzed

PAPER = """Tidal mills of the northern coast

Ida Berg and Tom Hall

{ida,tom}@example.org

1. Introduction

Tidal mills were technically simple. Berg et al. describe nine tidal mills that
milled oats in January and February. Ida Berg's survey of the mill ponds is the best
available. See Figure 2 for the mill pond of Sandness Bay, and Table 1 for the mills.

References

A. Stone. International Symposium on Mills. Northern Press, 1998.
"""


def test_keywords_are_free_of_furniture() -> None:
    running = "Journal of Mills\n\n"
    pages = [
        f"{running}{PAPER}",
        *[f"{running}The tidal mill pond, day {n}." for n in "abc"],
    ]

    words = {word.text.casefold() for word in analyzed(*pages).keywords}

    assert words & {"tidal mills", "tidal mill", "mills"}
    assert not words & {
        *("journal", "et", "al", "january", "technically", "available", "best"),
        *("figure", "table", "references", "symposium", "example", "ida"),
    }


@pytest.mark.parametrize(
    ("text", "language", "unwanted"),
    [
        ("Herr Wolf und Frau Lenz sagten, TOP 1 sei erledigt. Herr Wolf", "de", "Herr"),
        ("Order LA-2024-0512 and LA-2024-0512 for the roof of the shed", "en", "0512"),
        ("zen_of_python.txt tells of zen; zen_of_python.txt is short", "en", "_"),
        ("Emily's necklace is Emily's; the necklace of Emily is gone", "en", "'s"),
    ],
)
def test_no_keyword_is_a_number_a_file_or_a_courtesy(
    text: str, language: str, unwanted: str
) -> None:
    assert not any(unwanted in word for word, _ in keywords(text, language))


def names(*pages: str, language: str = "en") -> list[str]:
    found = find_entities(enumerate(pages, 1), language)
    return [one.text for one in found if one.kind is EntityKind.NAME_CANDIDATE]


def test_names_are_free_of_furniture() -> None:
    assert names(PAPER) == ["Ida Berg", "Tom Hall", "Sandness Bay"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear Sherlock Holmes, I write to you.", ["Sherlock Holmes"]),
        ("They ran Mozilla's Fire Fox and Apple's Web Kit.", ["Fire Fox", "Web Kit"]),
        ("He studied at King's College in spring.", ["King's College"]),
        ("It was Lady Emily's ring.", ["Lady Emily"]),
        ("We met Vera Stone. Anna was there, too.", ["Vera Stone"]),
        ("He wrote to Hanson & Co. in May.", ["Hanson & Co."]),
        ("Column A Column B and Plate XII and Part C", []),
        ("Closed Linked Linked Closed", []),
        ("The Winter Sports of old: winter is for sports, he said.", []),
        ("3.2 Hyper Parameters\n\nText follows.", []),
    ],
)
def test_a_name_is_cut_where_it_ends(text: str, expected: list[str]) -> None:
    assert names(text) == expected

"""Words and phrases that are looked for in a text."""

from __future__ import annotations

import time

import pytest

from prsnl.engines.text.cues import CueBook, tokens

TEXT = """1. Introduction
The landlord and the tenant of the
flat agree: see § 4 of the Mietvertrag, and the Vermieter's
  * References
Nebenkostenabrechnung 2024"""


@pytest.mark.parametrize(
    ("cue", "times"),
    [
        ("tenant", 1),
        ("TENANT", 1),
        ("ten", 0),
        ("tenant of the flat", 1),
        ("the", 5),
        ("*vertrag", 1),
        ("*mietvertrag", 0),
        ("vermieter*", 1),
        ("*kosten*", 1),
        ("^introduction", 1),
        ("^landlord", 0),
        ("^references$", 1),
        ("^introduction$", 1),
        ("flat$", 0),
        ("see § 4", 1),
        ("neben*", 1),
        ("?!", 0),
    ],
)
def test_a_cue_is_found_where_it_stands(cue: str, times: int) -> None:
    assert CueBook([cue]).find(tokens(TEXT))[cue] == times


def test_a_letter_of_two_characters_is_one() -> None:
    assert CueBook(["kündigung"]).find(tokens("Ku\u0308ndigung"))["kündigung"] == 1


def test_many_cues_are_found_in_one_pass() -> None:
    """A page of 4,000 characters against a taxonomy of 3,000 words and 500 stars."""
    cues = [f"word{n}" for n in range(2_500)] + [f"*stem{n}*" for n in range(500)]
    text = tokens("word7 xstem9y other " * 200)
    book = CueBook(cues)
    began = time.process_time()

    found = book.find(text)

    assert found == {"word7": 200, "*stem9*": 200}
    assert time.process_time() - began < 5

"""Key sentences: whole, of use alone, and from every part of a text."""

from __future__ import annotations

import pytest

from prsnl.engines.contracts import Summary
from prsnl.engines.text import summarize
from prsnl.engines.text.ranking import Sentence, key_sentences
from prsnl.engines.text.sentences import sentences
from prsnl.engines.text.wholeness import is_whole, usefulness
from tests.unit.engines.text.test_analysis import HERE

PARTS = {
    "harbour": "The harbour wall of the town was raised by a metre after the flood.",
    "market": "Every market stall in the square sells apples from the same orchard.",
    "school": "Pupils of the village school planted forty trees along the playground.",
    "bridge": "Engineers closed the old bridge because its bearings had rusted.",
    "library": "Readers may keep a library book for six weeks if nobody else wants it.",
}


def summarized(*pages: str, **params: object) -> Summary:
    asked = {"pages": [{"number": n, "text": one} for n, one in enumerate(pages, 1)]}
    (frame,) = summarize(HERE, {"language": "en", **asked, **params})
    return Summary.model_validate(frame)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("The council has approved the plan for the new harbour wall.", True),
        (
            "\u201cWe shall build it in stone,\u201d said the mayor on Monday evening.",
            True,
        ),
        ("Die Sitzung des Bauausschusses beginnt am Montag um neun Uhr.", True),
        (
            "会議は来週の月曜日に行われますので、資料を準備してから参加してください。",
            True,
        ),
        (
            "those responsible for security take the threat of the storm seriously.",
            False,
        ),
        ("In the matter of the harbour wall of the northern town, FTC Dkt.", False),
        ("Approval of the plan for the new harbour wall of the town", False),
        ("The plan (see the drawing on the wall was approved by the council.", False),
        ("12.50 14.20 18.90 22.10 31.70 44.10 51.00 60.20 71.80 were paid.", False),
        ("Ada Berg, Ben Cole, Cleo Dunn, Dora Ek, Emil Fay, Fay Gil, Gil Hay.", False),
        ("Write to the harbour board at board@example.org before the spring.", False),
        ("Short one.", False),
        ("Water, 41 cubic metres at 1.98 EUR 81.18 EUR.", False),
    ],
)
def test_a_sentence_is_whole_or_none(text: str, is_one: bool) -> None:  # noqa: FBT001
    language = "ja" if text.startswith("会議") else "de" if "Sitzung" in text else "en"

    assert is_whole(text, language) is is_one


@pytest.mark.parametrize(
    "leaning",
    [
        "However, the council has not approved the plan.",
        "This is why the plan was not approved.",
        "They had come by boat and left by bus.",
        "When it has frozen, water is poured on again.",
        "Daher wurde der Plan nicht genehmigt.",
        "See the page of the council for the plan.",
    ],
)
def test_what_leans_on_others_is_worth_less(leaning: str) -> None:
    assert usefulness(leaning) < 0.5


@pytest.mark.parametrize(
    "standing",
    [
        "This report tells what the council has decided.",
        "In this paper we compare two walls.",
        "It is clear that the wall must be raised.",
        "Dieser Vertrag beginnt am ersten Mai.",
    ],
)
def test_a_document_may_speak_of_itself(standing: str) -> None:
    assert usefulness(standing) == 1


def test_a_sentence_goes_on_behind_an_abbreviation() -> None:
    assert sentences("In re Harbour, Dkt. No. 93 was closed. It rained.", "en") == [
        "In re Harbour, Dkt. No. 93 was closed.",
        "It rained.",
    ]
    assert sentences(
        "The tool is written in C. Because of that it is quick.", "en"
    ) == [
        "The tool is written in C.",
        "Because of that it is quick.",
    ]


def test_every_part_of_a_text_has_a_say() -> None:
    """TextRank alone would pick five sentences of the longest part."""
    pages = []
    for subject, sentence in PARTS.items():
        weight = 12 if subject == "harbour" else 6
        others = [
            f"Somebody wrote in the year {1900 + n} that the {subject} was never like "
            f"the {subject} that people remember, and number {n} agreed."
            for n in range(weight)
        ]
        pages.append("\n\n".join([sentence, *others]))

    found = summarized(*pages)

    said = [one.text for one in found.key_sentences]
    assert len(said) == 5
    for subject in PARTS:
        assert any(subject in one for one in said)


def test_the_best_of_many_are_those_of_few() -> None:
    """Who asks for three gets what five would have begun with."""
    text = [Sentence(text=one, page=1) for one in PARTS.values()]

    best = sorted(key_sentences(text, "en", count=5), key=lambda one: -one.score)
    three = key_sentences(text, "en", count=3)

    assert len(three) == 3
    assert best[0].score == 1
    assert max(three, key=lambda one: one.score).score == 1


def test_a_long_text_is_read_to_its_end() -> None:
    filler = "A sentence about nothing that anybody would want to keep for long. "
    pages = [f"{filler * 40}\n\n" for _ in range(90)]
    pages[-1] = " ".join(PARTS.values())

    found = summarized(*pages)

    assert max(one.page for one in found.key_sentences) == 90
    assert any("spread over all of it" in note for note in found.notes)


def test_a_text_without_sentences_says_so() -> None:
    speech = "and then we went down to the water and um the boat was there so " * 10

    found = summarized(speech)

    assert found.key_sentences == ()
    assert found.notes == (
        "There are no key sentences: the text has no whole sentences of running text.",
    )

"""Recognised words become a page that says what is doubtful."""

from __future__ import annotations

from prsnl.engines.ocr.composing import composed, marked
from prsnl.engines.ocr.contract import Line, Paragraph, Word


def line(*told: tuple[str, float] | str) -> Line:
    """Words with confidences; one without is sure."""
    pairs = [one if isinstance(one, tuple) else (one, 0.95) for one in told]
    return [Word(text, (0, 0, 10, 10), sure) for text, sure in pairs]


def page(*paragraphs: Paragraph) -> list[Paragraph]:
    return list(paragraphs)


def test_lines_and_paragraphs_are_kept() -> None:
    made = composed(
        page([line("Dear", "Ada,")], [line("the", "kettle"), line("boils.")]),
        doubt_below=0.6,
    )

    assert made.text == "Dear Ada,\n\nthe kettle\nboils."
    assert made.doubts == ()
    assert made.confidence == 0.95


def test_a_doubtful_word_is_marked_and_stays() -> None:
    made = composed(
        page([line("The", ("kettIe", 0.4), "boils.")]),
        doubt_below=0.6,
    )

    (doubt,) = made.doubts
    assert made.text[doubt.start : doubt.end] == "kettIe"
    assert doubt.confidence == 0.4
    assert marked(made.text, made.doubts) == "The kettIe[?] boils."


def test_neighbours_are_one_doubt() -> None:
    made = composed(
        page([line("The", ("olb", 0.4), ("kettIe", 0.3), "boils.")]),
        doubt_below=0.6,
    )

    assert marked(made.text, made.doubts) == "The olb kettIe[?] boils."
    assert made.doubts[0].confidence == 0.3


def test_a_doubtful_word_over_a_line_end_is_found_joined() -> None:
    made = composed(
        page([line("the", ("ket-", 0.3)), line("tle", "boils")]),
        doubt_below=0.6,
    )

    assert made.text == "the kettle boils"
    (doubt,) = made.doubts
    assert made.text[doubt.start : doubt.end] == "ket"


def test_a_picture_without_a_sure_word_holds_no_text() -> None:
    """What was seen there is kept as raw text, and claimed by nobody."""
    made = composed(page([line(("w~", 0.2), ("lI", 0.3))]), doubt_below=0.6)

    assert (made.text, made.confidence) == ("", None)
    assert made.raw == "w~ lI"


def test_a_few_sure_words_among_rubbish_prove_nothing() -> None:
    """In the grain of a photograph some word or other is always found."""
    rubbish = [line(*[(f"x{n}q~w", 0.3) for n in range(40)], ("ace", 0.9))]

    assert composed(page(rubbish), doubt_below=0.6).text == ""


def test_specks_are_left_out_of_a_line() -> None:
    made = composed(page([line(("~", 0.2), "kettle", (".", 0.9))]), doubt_below=0.6)

    assert made.text == "kettle ."


def test_a_repeated_word_is_marked_at_its_own_place() -> None:
    made = composed(
        page([line("so", "so", ("so", 0.2), "so")]),
        doubt_below=0.6,
    )

    (doubt,) = made.doubts
    assert (doubt.start, doubt.end) == (6, 8)

"""What every OCR engine promises, over the table of engines."""

from __future__ import annotations

import pytest

from prsnl.engines.contracts import Doubt
from prsnl.engines.ocr import straighten, table
from prsnl.engines.ocr.contract import OcrEngine, confidence, words
from prsnl.engines.ocr.operations import _engine
from prsnl.engines.ocr.pages import Read, read_picture
from tests.conftest import need
from tests.fakes.pictures import OTHER_PROSE, PROSE, picture, two_columns

WORDS = {word.strip(",.").lower() for line in PROSE for word in line.split()}


@pytest.fixture(scope="module", params=[*table.ENGINES])
def engine(request: pytest.FixtureRequest) -> OcrEngine:
    """Each engine of the table, with English; absent ones are skipped with a line."""
    found = table.installed(request.param)
    need(request.param, is_there=bool(found), why="not installed")
    (row,) = found
    languages = row.has(("eng",))
    return _engine(row.module, tuple(sorted(row.setup.items())), languages)


def recall(read: Read) -> float:
    """Which part of the words of the prose was found."""
    found = {word.strip(",.").lower() for word in read.content.text.split()}
    return len(WORDS & found) / len(WORDS)


def test_it_names_itself_with_a_version(engine: OcrEngine) -> None:
    name, _, version = engine.name.partition(" ")

    assert name in table.ENGINES
    assert version[:1].isdigit()


def test_words_have_places_and_confidences(engine: OcrEngine) -> None:
    drawn = picture()

    read = engine.read(drawn)

    found = list(words(read))
    assert len(found) > 20
    for word in found:
        left, top, right, bottom = word.box
        assert 0 <= left < right <= drawn.width
        assert 0 <= top < bottom <= drawn.height
        assert 0 <= word.confidence <= 1
    assert (confidence(read) or 0) > engine.doubt_below


def test_an_empty_picture_gives_no_words(engine: OcrEngine) -> None:
    assert list(words(engine.read(picture([])))) == []


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_page_is_read_as_well(engine: OcrEngine, degrees: int) -> None:
    """Orientation is told before: a page upside down must not score zero."""
    turned = picture().rotate(degrees, expand=True)

    read = read_picture(turned, engine)

    assert recall(read) > 0.9, read.content.text
    assert read.turned_degrees == degrees


def test_a_page_that_stands_askew_is_set_straight(engine: OcrEngine) -> None:
    askew = picture().rotate(3, expand=True, fillcolor=255)

    read = read_picture(askew, engine)

    assert recall(read) > 0.9, read.content.text
    assert read.skew_degrees == pytest.approx(-3, abs=0.6)


def test_columns_are_read_one_after_the_other(engine: OcrEngine) -> None:
    read = read_picture(two_columns(), engine)

    text = " ".join(read.content.text.split())
    places = [
        text.find(wanted)
        for wanted in (
            "page of two columns",
            "older than the house",
            "whistle that never came",
            "second story had begun",
            "carry even one of them",
        )
    ]
    assert -1 not in places, text
    assert places == sorted(places), text


def test_light_letters_on_dark_are_read(engine: OcrEngine) -> None:
    negative = picture().point(lambda value: 255 - value)

    assert recall(read_picture(negative, engine)) > 0.9


def test_a_second_picture_knows_nothing_of_the_first(engine: OcrEngine) -> None:
    read_picture(picture(), engine)

    other = read_picture(picture(OTHER_PROSE), engine).content.text

    assert "kettle" not in other
    assert "piano" in other


def test_noise_is_not_taken_for_words(engine: OcrEngine) -> None:
    """A page that holds nothing must not be given words that nobody wrote."""
    noisy = picture([]).effect_spread(1)
    for place in range(0, 1000 * 420, 997):
        noisy.putpixel((place % 1000, place // 1000), 0)

    read = read_picture(noisy, engine)

    assert read.content.text == ""


def test_doubtful_words_are_marked_where_they_stand(engine: OcrEngine) -> None:
    faint = picture(["The kettle was older than the house."], size=(1500, 220))
    small = faint.resize((180, 26)).resize((1500, 220))

    content = read_picture(small, engine).content

    for doubt in content.doubts:
        assert content.text[doubt.start : doubt.end].strip()
        assert doubt.confidence < engine.doubt_below
    assert all(isinstance(doubt, Doubt) for doubt in content.doubts)


def test_a_blank_page_is_told_before_any_engine_looks() -> None:
    assert straighten.is_blank(picture([]))
    assert not straighten.is_blank(picture(["3"], size=(2480, 3508)))

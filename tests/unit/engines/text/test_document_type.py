"""What sort of document a text is, on made-up texts of every sort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from prsnl.engines.contracts import DocumentType
from prsnl.engines.taxonomy.contract import TypeDefinition
from prsnl.engines.taxonomy.reading import parsed, shipped
from prsnl.engines.text.document_type import FLOOR, SURE, Described, type_of
from prsnl.engines.text.titles import title_of
from tests.fakes.typed_texts import TYPED, Typed

TYPES = parsed(shipped()).document_types


def told(typed: Typed, *, text: str | None = None, named: bool = True) -> DocumentType:
    body = typed.text if text is None else text
    file_name = typed.file_name if named else "scan.pdf"
    title, _ = title_of(headings=[], metadata={}, text=body, file_name=file_name)
    described = Described(
        title=title if named else "",
        text=body,
        file_name=file_name,
        kind=file_name.rpartition(".")[2],
        language=typed.language,
    )
    return type_of(described, TYPES, engine="test")


@pytest.mark.parametrize("typed", TYPED, ids=lambda one: f"{one.sort}-{one.file_name}")
def test_a_text_of_a_plain_sort_is_told_and_another_is_left_open(typed: Typed) -> None:
    assert told(typed).document_type == typed.sort


@pytest.mark.parametrize(
    ("cut", "at_least"),
    [
        (lambda text: text.split("\n", 2)[-1], 0.75),
        (lambda text: text[len(text) // 2 :], 0.55),
    ],
    ids=["without its head", "its second half"],
)
def test_without_a_name_it_is_told_seldomer_and_not_wrongly(
    cut: Callable[[str], str], at_least: float
) -> None:
    """A scan called scan.pdf, or a part: what is not told must not be invented."""
    outcomes: Counter[str] = Counter()
    for typed in TYPED:
        found = told(typed, text=cut(typed.text), named=False)
        is_right = found.document_type in (None, typed.sort)
        outcomes["right"] += found.document_type == typed.sort
        outcomes["surely wrong"] += not is_right and found.confidence >= SURE

    assert outcomes["surely wrong"] == 0
    assert outcomes["right"] >= at_least * len(TYPED)


def test_every_type_of_the_taxonomy_has_texts_in_both_languages() -> None:
    """Else a type could be added that nothing ever is told to be."""
    languages = {(one.sort, one.language) for one in TYPED}

    for one in TYPES:
        assert (one.name, "en") in languages
        assert (one.name, "de") in languages or one.name == "code"


def test_a_confidence_comes_with_its_reason_and_the_next_best() -> None:
    found = told(TYPED[0])

    assert found.document_type == "invoice"
    assert found.confidence >= SURE
    assert found.reason is not None
    assert found.reason.startswith(
        "A heading says \u201cinvoice\u201d; the text says \u201cinvoice no"
    )
    assert found.guesses[0].name == "invoice"
    assert sum(one.confidence for one in found.guesses) <= 1


def test_an_owners_own_type_is_told() -> None:
    own = TypeDefinition(
        name="logbook",
        description="Entries of a ship's watch with wind, course and speed.",
        names=("logbook",),
        signs=("course", "knots", "wind sw*"),
    )
    text = "Logbook of the Tern\n04:00 course 270, wind southwest, 6 knots\n"
    described = Described(title="", text=text, file_name="tern.txt", language="en")

    found = type_of(described, [*TYPES, own], engine="test")

    assert found.document_type == "logbook"


def test_a_type_that_everything_speaks_for_is_certain() -> None:
    """Hundreds of signs at once are more than a float's exponent holds."""
    signs = tuple(f"sign{n}" for n in range(300))
    own = TypeDefinition(name="all", description="All of it.", signs=signs)
    described = Described(title="", text=" ".join(signs) * 2, file_name="x.txt")

    assert type_of(described, [own], engine="test").confidence == 1


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_nothing_is_told_of_nothing(text: str) -> None:
    described = Described(title="", text=text, file_name="contract.pdf")

    assert type_of(described, TYPES, engine="test").document_type is None
    assert type_of(described, [], engine="test").confidence < FLOOR

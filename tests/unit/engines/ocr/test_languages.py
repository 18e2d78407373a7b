"""Languages by every name that people give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.core.errors import BadRequestError
from prsnl.engines.ocr import tessdata
from prsnl.engines.ocr.languages import codes_of
from prsnl.engines.ocr.table import Installed, installed, ranked


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        ("de,en", ("deu", "eng")),
        ("deu+eng", ("deu", "eng")),
        (" DE  en ", ("deu", "eng")),
        ("de-AT", ("deu",)),
        ("zh-TW", ("chi_tra",)),
        ("eng,en", ("eng",)),
        ("frk", ("frk",)),
        ("", ()),
    ],
)
def test_a_list_of_languages_is_understood(told: str, codes: tuple[str, ...]) -> None:
    assert codes_of(told) == codes


@pytest.mark.parametrize("told", ["german", "../eng", "xx", "e", "de/fr"])
def test_what_names_no_language_is_refused(told: str) -> None:
    """The names become files that an engine opens."""
    with pytest.raises(BadRequestError, match="names no language"):
        codes_of(told)


def test_too_many_languages_are_refused() -> None:
    with pytest.raises(BadRequestError, match="at most"):
        codes_of("en de fr es it pt nl")


def engine(name: str, score: float, *languages: str) -> Installed:
    return Installed(
        name=name,
        package=name,
        version="1",
        module="",
        score=score,
        languages=frozenset(languages),
    )


def test_the_engine_that_knows_the_language_goes_first() -> None:
    quick = engine("quick", 1.0, "eng", "deu")
    broad = engine("broad", 0.9, "eng", "deu", "fra")

    assert [one.name for one in ranked([quick, broad], ("deu",))] == ["quick", "broad"]
    assert [one.name for one in ranked([quick, broad], ("fra",))] == ["broad", "quick"]
    assert quick.lacks(("fra", "eng")) == ("fra",)
    assert quick.has(("fra",)) == ("eng",)


def test_no_engine_is_an_answer_too() -> None:
    assert installed("none") == ()


def test_data_are_found_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A patch: the variable is tesseract's own, read where it is looked for."""
    for name in ("eng", "osd", "frk"):
        (tmp_path / f"{name}.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))

    assert tessdata.folder() == tmp_path
    assert tessdata.languages(tmp_path) == {"eng", "frk"}


def test_a_command_names_the_language() -> None:
    assert "tesseract" in tessdata.command_for("fra")
    assert "tesseract" in tessdata.command_for()

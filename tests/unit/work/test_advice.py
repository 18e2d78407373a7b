"""Advice for each code that a task can fail with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import prsnl
from prsnl.work import advice
from prsnl.work.advice import ADVICE

#: The codes of classes of errors, wherever they are.
CODE = re.compile(
    r'^    (?:category, )?code(?:: str)? = (?:Category\.\w+, )?"(\w+)"', re.MULTILINE
)


def codes() -> Iterator[str]:
    for path in Path(prsnl.__file__).parent.rglob("*.py"):
        yield from CODE.findall(path.read_text())


def test_every_code_of_the_product_has_advice_and_no_other() -> None:
    assert {"bug", "corrupt", "parameter_not_known"} <= set(codes())
    assert set(codes()) == set(ADVICE)


@pytest.mark.parametrize("code", ADVICE)
def test_advice_is_whole_sentences_in_which_nothing_is_to_be_filled_in(
    code: str,
) -> None:
    for text in (ADVICE[code].sentence, ADVICE[code].what_to_do):
        assert re.fullmatch(
            r"[A-Z.][^{}]*\.", text.replace("./prsnl", "prsnl"), re.DOTALL
        )
        assert "  " not in text


@pytest.mark.parametrize("code", [None, "of_another_version"])
def test_an_unknown_code_has_advice_that_is_always_true(code: str | None) -> None:
    assert "not known" in advice.of(code).sentence

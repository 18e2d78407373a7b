"""The taxonomy's file: what it holds as it comes, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from prsnl.core.errors import SettingsError
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.engines.taxonomy.reading import FILE_NAME, default_taxonomy, parsed, shipped

ONE = """
[[categories]]
name = "garden"
description = "Plants and soil."
words = ["garden*"]
"""
TYPE = """
[[document_types]]
name = "seed list"
description = "A list of seeds."
"""


def test_the_one_that_comes_along_has_categories_and_types_with_descriptions() -> None:
    taxonomy = parsed(shipped())

    assert 18 <= len(taxonomy.categories) <= 25
    assert 25 <= len(taxonomy.document_types) <= 32
    assert all(one.description and one.words for one in taxonomy.categories)
    assert all(one.description for one in taxonomy.document_types)


def test_a_file_in_the_data_folder_takes_its_place(tmp_path: Path) -> None:
    assert default_taxonomy(tmp_path) == parsed(shipped())

    (tmp_path / FILE_NAME).write_text(ONE + TYPE)

    assert [one.name for one in default_taxonomy(tmp_path).categories] == ["garden"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[categories", "is no TOML"),
        (ONE, "wrong at document_types: Field required"),
        (
            ONE + "[[categories]]\nname = 'Garden'\ndescription = 'Again.'\n" + TYPE,
            "categories: Garden is there twice",
        ),
        (
            ONE + TYPE + "worsd = []\n",
            "wrong at document_types, seed list, worsd: Extra inputs",
        ),
        (ONE.replace('"garden"', '"Uncategorised"') + TYPE, "take another"),
        (
            ONE.replace("garden*", "gar*den") + TYPE,
            "wrong at categories, garden, words, number 1: a star stands at the",
        ),
        (ONE.replace("garden*", "a ^b") + TYPE, "a ^ stands before all of it"),
        (ONE.replace("garden*", "...") + TYPE, "a word has letters or digits"),
        (ONE.replace("Plants and soil.", " ") + TYPE, "categories, garden, descr"),
        (ONE + TYPE + 'category = "sea"\n', "seed list: there is no category sea"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / FILE_NAME).write_text(text)

    with pytest.raises(SettingsError) as caught:
        default_taxonomy(tmp_path)

    assert said in caught.value.message
    assert caught.value.message.startswith("taxonomy.toml in the data folder is ")
    assert str(tmp_path) not in caught.value.message


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe")

    with pytest.raises(SettingsError, match="cannot be read"):
        default_taxonomy(tmp_path)


def test_a_taxonomy_has_bounds() -> None:
    """It goes into every child's request."""
    many = [{"name": f"c{n}", "description": "d"} for n in range(201)]

    with pytest.raises(ValidationError, match="at most 200"):
        Taxonomy.model_validate({"categories": many, "document_types": []})
    wordy = [{**one, "words": [f"w{n}" for n in range(300)]} for one in many[:40]]
    with pytest.raises(ValidationError, match="12000 words in all"):
        Taxonomy.model_validate({"categories": wordy, "document_types": []})

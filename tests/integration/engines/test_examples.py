"""The examples in the docs are what the engine says today."""

from __future__ import annotations

from prsnl.engines.text import analyze, summarize
from prsnl.engines.text.wholeness import is_whole
from tests.fakes.tide_paper import PAGES
from tests.integration.engines.examples import _FILES, examples, written


def test_the_examples_in_the_docs_are_true() -> None:
    """If not: python -m tests.integration.engines.examples, and read what it wrote."""
    assert examples() == written()


def test_a_paper_is_summed_up_by_its_prose_alone() -> None:
    pages = [{"number": n, "text": one} for n, one in enumerate(PAGES, 1)]
    (told,) = analyze(_FILES, {"pages": pages, "file_name": "tides.pdf"})
    (summary,) = summarize(_FILES, {"pages": pages, "language": "en", "count": 5})

    found = summary["key_sentences"]
    plain = " ".join(" ".join(PAGES).split())
    assert len(found) == 5
    assert {one["page"] for one in found} == {1, 2, 3}
    assert all(is_whole(one["text"], "en") for one in found)
    across = "which tells little about"  # a table stands between
    assert all(one["text"] in plain or across in one["text"] for one in found)
    words = {one["text"].casefold() for one in told["keywords"]}
    assert words & {"tide gate", "tide gates", "gates"}
    assert not any("workshop" in word or "press" in word for word in words)
    names = {one["text"] for one in told["entities"] if one["kind"] == "candidate"}
    assert names == {"Ida Berg", "Tomas Hale"}

"""Results of every shape, as a person reads them."""

from __future__ import annotations

from typing import Any

from prsnl.dashboard.results import Outcome, Row, outcome
from prsnl.work.specs import Status
from tests.unit.dashboard.test_timeline import task


def told(result: dict[str, Any]) -> Outcome:
    made = outcome(task(Status.SUCCESS, result=result))
    assert made is not None
    return made


def test_a_document_tells_its_pages_by_number() -> None:
    made = told(
        {"pages": 1200, "failed_pages": [3], "scanned_pages": [4, 5], "title": None}
    )

    assert made.facts == [
        ("Pages", "1,200"),
        ("Not readable", "page 3"),
        ("Read from pictures", "pages 4, 5"),
    ]


def test_what_no_model_has_said_is_absent_and_told_as_such() -> None:
    made = told(
        {
            "engine": "extractive",
            "needs": "llm",
            "summary": None,
            "key_sentences": [{"page": 1, "text": "The rent is due.", "score": 1.0}],
        }
    )

    assert made.texts == [("Key sentences", ["The rent is due."], 0)]
    assert made.needs is not None
    assert ("Made by", "this machine, without a language model") in made.facts


def test_a_point_tells_its_kind_and_a_fact_its_sentence() -> None:
    made = told(
        {
            "insights": [
                {"kind": "open_question", "point": {"text": "Who pays?"}},
                {
                    "kind": "amount",
                    "text": "940",
                    "value": "940.00 EUR",
                    "context": "The rent of 940",
                },
            ]
        }
    )

    assert made.texts[0][1] == [
        "open question: Who pays?",
        "940.00 EUR: The rent of 940",
    ]


def test_a_batch_leads_to_what_failed_and_counts_no_nothing() -> None:
    failure = {
        "file_name": "a.pdf",
        "task_id": "t1",
        "status": "failure",
        "message": "The PDF is damaged.",
    }
    made = told(
        {"files": 2, "succeeded": 1, "failed": 1, "cancelled": 0, "failures": [failure]}
    )

    assert made.facts == [("Files", "2"), ("Succeeded", "1"), ("Failed", "1")]
    row = Row("a.pdf", "/tasks/t1", "failure", "The PDF is damaged.")
    assert made.rows == [("What failed", [row], 0)]


def test_a_category_says_how_sure_it_is() -> None:
    one = {
        "number": 1,
        "item_id": None,
        "category": "housing",
        "confidence": 0.6,
        "reason": "The text says rent.",
    }

    (_, rows, _), *_ = told({"items": [one]}).rows
    assert rows == [Row("Text 1", None, "housing, 60 % sure", "The text says rent.")]


def test_what_has_no_result_tells_nothing() -> None:
    assert outcome(task(Status.RUNNING)) is None
    assert outcome(task(Status.SUCCESS, result={"enrichment": None})) is None


def test_a_test_of_an_engine_tells_whether_it_works() -> None:
    made = told(
        {
            "job": "ocr",
            "works": False,
            "engine": "tesseract 5",
            "said": "It is away.",
            "milliseconds": 1500,
        }
    )

    assert made.facts == [
        ("Tested", "Text in pictures (OCR)"),
        ("Engine", "tesseract 5"),
        ("Works", "no"),
        ("Took", "1.5 s"),
    ]
    assert made.texts == [("What it said", ["It is away."], 0)]

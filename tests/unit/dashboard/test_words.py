"""What a person reads."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePath
from typing import Any
from uuid import uuid4

import pytest

from prsnl.dashboard import words
from prsnl.dashboard.names import STAGES, TASKS
from prsnl.dashboard.words import Found, State, Tone
from prsnl.items.models import AttachmentView, ProcessingStatus
from prsnl.wiring import CATALOGUE
from prsnl.work.ledger import TaskView
from prsnl.work.specs import ENDED, Status
from prsnl.work.stages import Stage

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TASK = TaskView(
    task_id=uuid4(),
    name="process_document_task",
    queue="file_processing",
    status=Status.QUEUED,
    current=0,
    total=None,
    percentage=None,
    message="",
    seq=1,
    attempt=0,
    attachment_id=None,
    parent_id=None,
    is_cancelling=False,
    waiting_because=None,
    result=None,
    warnings=(),
    error=None,
    created_at=NOW,
    started_at=None,
    updated_at=NOW,
    finished_at=None,
)
ERROR = {"category": "transient", "code": "unavailable", "message": "It was away."}


def file(**changes: Any) -> AttachmentView:
    values: dict[str, Any] = {
        "id": uuid4(),
        "item_id": uuid4(),
        "file_name": "lease.pdf",
        "size_bytes": 1,
        "sha256": "0" * 64,
        "mime_type": None,
        "kind": None,
        "page_count": None,
        "has_thumbnail": False,
        "processing_status": ProcessingStatus.PENDING,
        "processed_at": None,
        "document_type": None,
        "metadata": {},
        "headings": [],
        "created_at": NOW,
    }
    return AttachmentView(**{**values, **changes})


def test_each_state_has_a_word_for_it() -> None:
    for status in Status:
        state = words.state_of(replace(TASK, status=status))
        assert state.word
        assert words.is_open(replace(TASK, status=status)) is (status not in ENDED)
    for kept in ProcessingStatus:
        assert words.state_of(None, file(processing_status=kept)).word


def test_a_task_that_is_being_cancelled_says_so_and_is_not_cancelled_twice() -> None:
    task = replace(TASK, status=Status.RUNNING, is_cancelling=True)

    assert words.state_of(task) == State("Cancelling", Tone.WAITING)
    assert not words.can_cancel(task)


def test_try_now_is_for_what_waits_for_a_time_or_a_provider() -> None:
    assert words.can_try_now(replace(TASK, status=Status.PARKED))
    assert words.can_try_now(replace(TASK, error=ERROR))
    assert not words.can_try_now(TASK)
    assert not words.can_try_now(replace(TASK, status=Status.DEAD, error=ERROR))


def test_each_task_of_the_product_has_words_of_its_own() -> None:
    for spec in CATALOGUE.specs():
        assert words.task_words(spec.name) != spec.name
        assert "_" not in words.task_words(spec.name)
    assert words.task_words("sort_the_shelf_task") == "Sort the shelf"


def test_a_kind_is_told_by_its_name_or_by_its_group() -> None:
    assert words.kind_words(file(kind="docx")) == "Word document"
    assert words.kind_words(file(kind="png", mime_type="image/png")) == "Picture"
    assert words.kind_words(file()) == "File"


def test_only_what_has_pages_is_told_by_their_number() -> None:
    assert words.extent_words(file(kind="pdf", page_count=1200)) == "1,200 pages"
    assert words.extent_words(file(kind="pdf", page_count=1)) == "1 page"
    assert not words.extent_words(file(kind="html", page_count=3))
    assert not words.extent_words(file(kind="pdf"))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0123, "12 ms"),
        (0.44, "0.4 s"),
        (42.4, "42 s"),
        (200, "3 min 20 s"),
        (7300, "2 h 1 min"),
    ],
)
def test_a_duration_has_the_unit_that_fits(seconds: float, told: str) -> None:
    assert words.seconds_words(seconds) == told


@pytest.mark.parametrize(
    ("past", "told"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=100), "on 17 Aug 2026"),
    ],
)
def test_a_moment_is_told_from_now(past: timedelta, told: str) -> None:
    assert words.ago(NOW - past, NOW) == told


def test_dates_are_taken_for_no_other() -> None:
    assert words.day(date(2024, 5, 2)) == "2 May 2024"
    assert words.moment(NOW) == "25 Nov 2026, 12:00 UTC"


def test_a_name_cannot_turn_its_own_ending_round() -> None:
    """`photo` + U+202E + `gpj.exe` would look like `photoexe.jpg`."""
    assert words.name_words("photo\u202egpj.exe") == "photogpj.exe"
    assert words.name_words("\u202e ") == "unnamed"


@pytest.mark.parametrize(
    ("name", "told"), [("a.pdf", "PDF"), ("a", "FILE"), ("a.very-long", "FILE")]
)
def test_a_file_without_a_picture_shows_its_ending(name: str, told: str) -> None:
    assert PurePath(name).name == name
    assert words.initials(file(file_name=name)) == told


def test_facts_to_act_upon_come_once_and_certain_ones_first() -> None:
    def fact(kind: str, text: str, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "text": text, "page": 1, "context": "...", **more}

    found = words.facts(
        [
            fact("term", "two weeks", value="P14D", is_candidate=True),
            fact("due_date", "12.5.24", value="2024-05-12"),
            fact("due_date", "12 May 2024", value="2024-05-12", page=3),
            fact("party", "Nora"),
            fact("period", "June to July", value="2024-06-01/2024-07-31"),
        ],
        most=2,
    )

    assert [(one.name, one.text, one.page) for one in found] == [
        ("To be paid by", "12 May 2024", 1),
        ("From and to", "June to July", 1),
    ]


def test_what_is_named_twice_is_listed_once_with_both_pages() -> None:
    entities = [
        {"kind": "date", "text": "12.5.24", "value": "2024-05-12", "page": 1},
        {"kind": "date", "text": "12 May 2024", "value": "2024-05-12", "page": 3},
        {"kind": "date", "text": "May 2024", "value": "2024-05", "page": 1},
        {"kind": "amount", "text": "1 EUR", "value": None, "page": 1},
        {"kind": "amount", "text": "2 EUR", "value": None, "page": 1},
    ]
    amounts, dates = sorted(words.entity_groups(entities, most=1))
    everything = {
        title: found for title, found, _ in words.entity_groups(entities, most=9)
    }

    assert dates == ("Dates", [Found("12 May 2024", (1, 3))], 1)
    assert amounts == ("Amounts", [Found("1 EUR", (1,))], 1)
    assert everything["Dates"][1] == Found("May 2024", (1,))


def test_every_task_and_stage_has_words_of_its_own() -> None:
    """A new one would be told by the name that the code calls it by."""
    made = {
        value.name
        for name, module in list(sys.modules.items())
        if name.startswith("prsnl.") and not name.startswith("prsnl.proving")
        for value in vars(module).values()
        if isinstance(value, Stage)
    }

    assert len(made) > 40
    assert made - set(STAGES) == set()
    assert {spec.name for spec in CATALOGUE.specs()} - set(TASKS) == set()

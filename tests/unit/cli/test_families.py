"""`./prsnl failures` and `./prsnl queues`: what a person reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from prsnl.client import Client
from prsnl.core.errors import BadRequestError
from prsnl.terminal import families, queues
from prsnl.wire.monitoring import DeadLetterGroup, DeadLetters, QueueBody

AT = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
FIRST, SECOND = "61b1d23ce84e9ed8", "61c0000000000000"


def family(**what: Any) -> DeadLetterGroup:
    """One of two damaged files."""
    return DeadLetterGroup.model_validate(
        {
            "fingerprint": FIRST,
            "state": "open",
            "sentence": "The file is damaged.",
            "what_to_do": "Get it again.",
            "may_end_well": False,
            "category": "permanent",
            "code": "corrupt",
            "stage": "read",
            "engine": "pdf.pages",
            "names": ["process_document_task"],
            "queues": ["file_processing"],
            "count": 2,
            "retrying": 0,
            "seen": 2,
            "first_seen": AT,
            "last_seen": AT,
            "resolved_at": None,
            "example": "Page 1 \x1b[31mis\nbad.",
            "example_ids": [UUID(int=1)],
            **what,
        }
    )


class Known(Client):
    """A server that knows two families."""

    def __init__(self) -> None:
        """Without a connection."""

    def dead_letters(self, **_asked: Any) -> DeadLetters:
        groups = [family(), family(fingerprint=SECOND)]
        return DeadLetters(total=4, groups=groups, items=[], next=None)


def test_a_family_says_what_happened_where_and_what_to_do() -> None:
    head, advice, newest, times = families._lines(family())

    assert head == "61b1d23c   2 tasks   corrupt in read by pdf.pages"
    assert advice == "  The file is damaged. Get it again."
    assert "\x1b" not in newest
    assert "\n" not in newest
    assert times.startswith("  Seen 2 times, ")
    assert times.endswith(str(UUID(int=1)))


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ({"count": 1, "state": "reopened"}, "1 task, reopened"),
        ({"count": 0, "retrying": 3}, "3 tried again now"),
        ({"count": 0, "state": "resolved"}, "resolved"),
    ],
)
def test_a_familys_state_is_told_where_it_is_not_simply_open(
    what: dict[str, Any], told: str
) -> None:
    assert told in families._lines(family(**what))[0]


def test_a_family_is_named_by_how_it_begins() -> None:
    assert families._named(Known(), "61B1").fingerprint == FIRST
    for name, told in (
        ("61", "begins several"),
        ("7", "is no family"),
        ("", "several"),
    ):
        with pytest.raises(BadRequestError, match=told):
            families._named(Known(), name)


@pytest.mark.parametrize(("names", "is_all"), [([], False), (["61b1"], True)])
def test_a_retry_wants_families_or_all_of_them(
    names: list[str], *, is_all: bool
) -> None:
    with pytest.raises(BadRequestError, match="--all"):
        families.retry(names, is_all=is_all, server=None)


def queue(**what: Any) -> QueueBody:
    return QueueBody.model_validate(
        {
            "name": "insights",
            "priority": 1,
            "depth": 0,
            "due": 0,
            "running": 0,
            "parked": 0,
            "waiting": 0,
            "workers": 0,
            "slots": 0,
            "wanted": 0,
            "oldest_wait_s": None,
            "paused_by": None,
            "paused_at": None,
            "problem": "No worker.",
            **what,
        }
    )


def test_a_queue_that_nobody_uses_needs_no_worker() -> None:
    assert len(queues._lines(queue())) == 1
    assert queues._lines(queue(depth=1))[1] == "  No worker."
    assert len(queues._lines(queue(paused_by="ben", paused_at=AT))) == 2


def test_a_queue_is_named_in_full() -> None:
    with pytest.raises(BadRequestError, match="there are ai_processing"):
        queues.pause("insight", server=None)

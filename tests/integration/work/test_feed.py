"""The feed of events: cursors, and statements that keep to their indexes."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from prsnl.core.db import Database, Db
from prsnl.core.errors import BadRequestError
from prsnl.work import feed
from prsnl.work.feed import Cursor
from tests.fakes.progress_events import steps, submitted

_MANY = """
insert into task_progress (task_id, owner, seq, status, current, message)
select id, owner, n, 'running', n, '' from tasks, generate_series(1, 2000) n
"""


@pytest.fixture
def tasks(database: Database) -> list[UUID]:
    """Ten tasks of two owners, with many events."""
    made = [submitted(database, f"owner {place % 2}") for place in range(10)]
    with database.connection() as connection:
        connection.execute(_MANY)
        connection.execute("vacuum analyze task_progress")
    return made


def scanned(connection: Db, statement: str, values: dict[str, object]) -> float:
    """Rows of events that a statement has looked at; it read no table whole."""
    row = connection.execute(
        f"explain (analyze, format json) {statement}", values
    ).fetchone()
    assert row is not None
    nodes = [row["QUERY PLAN"][0]["Plan"]]
    looked_at = 0.0
    while nodes:
        node = nodes.pop()
        nodes.extend(node.get("Plans", []))
        if node.get("Relation Name") == "task_progress":
            assert "Index" in node["Node Type"], json.dumps(node)
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            looked_at += node["Actual Loops"] * rows
    return looked_at


def test_a_look_costs_what_is_new_however_long_the_table_is(
    database: Database, tasks: list[UUID]
) -> None:
    with database.connection() as connection:
        now = feed.now_of(connection)
        owners = {
            "owners": ["owner 0", "owner 1", "nobody"],
            "xids": [str(now.xid)] * 3,
            "ids": [0] * 3,
            "limit": 100,
        }
        seqs = {"ids": tasks, "seqs": [2000] * len(tasks), "limit": 100}
        assert scanned(connection, feed._OF_OWNERS, owners) == 0
        assert scanned(connection, feed._OF_TASKS, seqs) == 0
        behind = {**owners, "xids": ["0"] * 3}
        assert scanned(connection, feed._OF_OWNERS, behind) <= 250
        behind = {**seqs, "seqs": [0] * len(tasks)}
        assert scanned(connection, feed._OF_TASKS, behind) <= 1250


def test_each_owner_gets_what_comes_after_his_cursor(database: Database) -> None:
    with database.connection() as connection:
        before = feed.now_of(connection)
        hers, his = submitted(database, "ada"), submitted(database, "ben")
        steps(database, hers, "one")
        told = feed.of_owners(
            connection, [("ada", before), ("nobody", before), ("ben", before)], limit=9
        )
        (queued, one), nothing, (other,) = told.events
        after = feed.of_owners(connection, [("ada", queued.cursor)], limit=9)

    assert (queued.task_id, one.task_id, other.task_id) == (hers, hers, his)
    assert nothing == []
    assert [view.message for view in after.events[0]] == ["one"]


def test_only_a_newest_event_says_why_its_task_waits(database: Database) -> None:
    task_id = submitted(database, "ada")
    with database.connection() as connection:
        ((waiting,),) = feed.of_tasks(connection, [(task_id, -1)], limit=9)  # type: ignore[misc]
        steps(database, task_id, "one")
        ((queued, _),) = feed.of_tasks(connection, [(task_id, -1)], limit=9)  # type: ignore[misc]

    assert waiting.waiting_because is not None
    assert queued.waiting_because is None


def test_a_task_that_is_gone_is_told_so(database: Database) -> None:
    with database.connection() as connection:
        assert feed.of_tasks(connection, [(uuid4(), -1)], limit=9) == [None]


def test_a_cursor_is_too_old_before_the_cleanup_takes_what_follows_it(
    database: Database,
) -> None:
    with database.connection() as connection:
        row = connection.execute(
            "select pg_get_function_arguments('prsnl_cleanup'::regproc) as told"
        ).fetchone()
    assert row is not None
    days = re.search(r"progress_age interval DEFAULT '(\d+) days'", row["told"])
    assert days is not None

    assert timedelta(days=int(days[1]) - 1) < feed.KEPT < timedelta(days=int(days[1]))


def test_a_cursor_comes_back_as_it_was() -> None:
    cursor = Cursor(2**40, 17, 1_700_000_000)
    back = Cursor.parse(str(cursor))

    assert (back, back.at) == (cursor, cursor.at)


@pytest.mark.parametrize(
    "text", ["", "x", "1-2", "1-2-3-4", "-1-2-3", f"{2**63:x}-0-0", "0-0-" + "f" * 30]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="cursor"):
        Cursor.parse(text)

"""The hot statements keep to their indexes, however long the table is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from prsnl.core.db import Database, Db
from prsnl.work.beat import LOOK, RENEW
from prsnl.work.claim import CLAIM, END, MINE, TURN, Claim, Ending, _values
from prsnl.work.ledger import _COLUMNS
from prsnl.work.progress import Step
from prsnl.work.providers import _ADOPT, _WAKE
from prsnl.work.reaper import _EXPIRED
from prsnl.work.relay import FORGET_SENT, MARK_SENT, PICK, STATE
from prsnl.work.specs import Status
from prsnl.work.stages import FENCE, RAISE
from prsnl.work.submit import EXISTING
from prsnl.work.workers import GONE_AFTER, WorkerIdentity, say_seen

ROWS = 20_000
QUEUE = "file_processing"

_FILL = f"""
insert into tasks (id, owner, name, queue, command, command_hash, status, due_at,
                   idempotency_key, claim_no, lease_until, worker_id, sent_at,
                   created_at, finished_at, provider, queued_at, claimed_at)
select gen_random_uuid(),
       case when mod(n, 100) = 0 then 'owner ' || mod(n, 7) else 'bulk' end,
       'job_task', '{QUEUE}', '{{}}', '', kind.status,
       now() - interval '1 hour' + n * interval '10 ms', 'key ' || n, 1,
       case when kind.status = 'running' then now() + interval '1 hour' end,
       gen_random_uuid(),
       case when kind.status = 'queued' and mod(n, 1000) = 1 then now() end,
       now() - n * interval '1 second',
       case when kind.status = 'success' then now() end,
       case when kind.status = 'parked' then 'p' end, now(), now()
from generate_series(1, %s) as n,
     lateral (select case when mod(n, 200) = 3 then 'running'
                          when mod(n, 20) = 4 then 'parked'
                          when mod(n, 4) = 2 then 'success'
                          else 'queued' end as status) as kind
"""


@dataclass(frozen=True)
class Plan:
    """What a statement did to the tables, by its own account."""

    nodes: list[dict[str, Any]]

    @property
    def sequential(self) -> list[str]:
        """Tables that were read from end to end."""
        return [
            str(node["Relation Name"])
            for node in self.nodes
            if node["Node Type"] == "Seq Scan"
        ]

    @property
    def touched(self) -> int:
        """Rows of tasks that were looked at."""
        return sum(
            int(
                node["Actual Loops"]
                * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
            )
            for node in self.nodes
            if node.get("Relation Name") == "tasks" and "Scan" in node["Node Type"]
        )


def plan(connection: Db, statement: str, values: Mapping[str, Any] | list[Any]) -> Plan:
    """Run a statement, take back what it did, and tell how it did it."""
    with connection.transaction(force_rollback=True):
        row = connection.execute(
            f"explain (analyze, format json) {statement}", values
        ).fetchone()
    assert row is not None
    return Plan(list(_walk(row["QUERY PLAN"][0]["Plan"])))


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _walk(child)


@dataclass(frozen=True)
class Full:
    """A database with many tasks."""

    connection: Db

    def one(self, status: str) -> UUID:
        """A task in that state."""
        row = self.connection.execute(
            "select id from tasks where status = %s limit 1", [status]
        ).fetchone()
        assert row is not None
        found = row["id"]
        assert isinstance(found, UUID)
        return found

    def many(self, status: str, count: int) -> list[UUID]:
        """Some tasks in that state."""
        rows = self.connection.execute(
            "select id from tasks where status = %s and sent_at is null limit %s",
            [status, count],
        ).fetchall()
        return [row["id"] for row in rows]


@pytest.fixture
def full(database: Database) -> Iterator[Full]:
    with database.connection() as connection:
        connection.execute(_FILL, [ROWS])
        worker = WorkerIdentity(kind="worker", queues=(QUEUE,), slots=4)
        say_seen(connection, worker)
        connection.execute(
            "insert into providers (name, state, reason, next_try_at, wait_s, batch) "
            "values ('p', 'recovering', '', now(), 1, 8), "
            "('forgotten', 'recovering', '', now(), 1, 1)"
        )
        connection.execute("analyze")
        yield Full(connection)


def statements(full: Full) -> dict[str, tuple[str, Mapping[str, Any] | list[Any], int]]:
    """Every hot statement, its values, and how many rows it may touch."""
    running = full.one("running")
    claimed = Claim(running, "ada", "job_task", {}, 1, 0, 0, None, None, None)
    ending = Ending(
        status=Status.SUCCESS, step=Step(1, 1, "", is_event=True), message=""
    )
    raised = {
        "id": running,
        "claim_no": 1,
        "current": 1,
        "total": 2,
        "message": "",
        "is_event": True,
        "is_commit": True,
    }
    mine = {"hinted": full.one("queued"), "worker": uuid4(), "lease": GONE_AFTER}
    held = {"ids": full.many("running", 3), "claims": [1, 1, 1], "lease": GONE_AFTER}
    keys = {"owners": ["bulk"], "keys": ["key 1"], "ids": [running]}
    out = ROWS // 1000
    listed = (
        f"select {_COLUMNS} from tasks where owner = %s and id < %s "
        "order by id desc limit 50"
    )
    return {
        "CLAIM": (CLAIM, mine, 5),
        "MINE": (MINE, mine, 5),
        "END": (END, _values(claimed, ending), 5),
        "TURN": (TURN, mine | _values(claimed, ending), 10),
        "FENCE": (FENCE, [running, 1], 5),
        "RAISE": (RAISE, raised, 5),
        "RENEW": (RENEW, held, 20),
        "LOOK": (LOOK, held, 20),
        "STATE": (STATE, {"gone": GONE_AFTER}, 3 * out),
        "PICK": (PICK, {"queues": [QUEUE], "rooms": [8]}, 400),
        "MARK_SENT": (MARK_SENT, {"ids": full.many("queued", 8)}, 40),
        "FORGET_SENT": (
            FORGET_SENT,
            {"queue": QUEUE, "after": GONE_AFTER, "count": 4},
            3 * out,
        ),
        "EXPIRED": (_EXPIRED, [100], ROWS // 100),
        "EXISTING": (EXISTING, keys, 10),
        "ADOPT": (_ADOPT, {"wait_s": 1.0}, 20),
        "WAKE": (_WAKE, [], 200),
        "LIST": (listed, ["bulk", running], 60),
    }


def test_no_hot_statement_reads_the_table_from_end_to_end(full: Full) -> None:
    too_much = {}
    for name, (statement, values, most) in statements(full).items():
        told = plan(full.connection, statement, values)
        if told.touched > most or "tasks" in told.sequential:
            too_much[name] = (told.touched, told.sequential)

    assert too_much == {}


def test_what_the_relay_touches_does_not_grow_with_the_backlog(full: Full) -> None:
    """Nor with what waits for its time: of many retries none is due yet."""

    def look() -> Plan:
        full.connection.execute("vacuum analyze tasks")
        return plan(full.connection, PICK, {"queues": [QUEUE], "rooms": [8]})

    before = look()
    full.connection.execute(
        "insert into tasks (id, owner, name, queue, command, command_hash) "
        "select gen_random_uuid(), 'bulk', 'job_task', %s, '{}', '' "
        "from generate_series(1, %s)",
        [QUEUE, 3 * ROWS],
    )
    after = look()
    full.connection.execute("update tasks set due_at = now() + interval '1 hour'")
    waiting = look()

    assert after.touched <= before.touched + 10
    assert waiting.touched <= before.touched + 10
    assert after.sequential == waiting.sequential == []

"""Compares every row of the job core with the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prsnl.core.db import Db
from prsnl.work import ledger
from prsnl.work.specs import Status
from tests.integration.work.machine.model import ENDED, LATER, Model, Task

Rows = Mapping[UUID, Mapping[str, Any]]

OWNERS = ("ada", "ben")
_ROWS = """
select id, status, claim_no, retries, crashes, current, held, children_open, provider,
       waits_for, slot is not null as has_slot, due_at <= now() as is_due,
       cancel_requested_at is not null as is_cancelling, sent_at is not null as is_sent,
       lease_until is not null as is_leased, lease_until < now() as is_silent, seq,
       finished_at is not null as has_finished
from tasks
"""


def compare(connection: Db, model: Model) -> Rows:
    """Compare rows, guards, effects, log, slots, providers and reasons."""
    rows = {row["id"]: row for row in connection.execute(_ROWS).fetchall()}
    assert {task_id: _told(row) for task_id, row in rows.items()} == {
        task_id: _expected(task) for task_id, task in model.tasks.items()
    }
    assert _effects(connection) == {
        f"{task_id}/{name}/{unit}": count
        for (task_id, name, unit), count in model.effects.items()
    }
    assert _log(connection) == model.log
    assert _slot(connection) == (model.slot and model.slot.id)
    assert _providers(connection) == {
        name: (one.state, one.is_due, one.batch)
        for name, one in model.providers.items()
    }
    _check_reasons(connection)
    return rows


def check_monotony(before: Rows, after: Rows, *, is_retry: bool) -> None:
    """Check what never goes back, whatever the model says."""
    for task_id, old in before.items():
        new = after[task_id]
        assert new["claim_no"] >= old["claim_no"], "a token was lowered"
        assert new["seq"] >= old["seq"], "events went back"
        if is_retry:
            continue
        assert new["current"] >= old["current"], "progress went back"
        if Status(old["status"]) in ENDED:
            assert new["status"] == old["status"], "an end was taken back"


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    status = Status(row["status"])
    told = {
        "status": status,
        "claim_no": row["claim_no"],
        "retries": row["retries"],
        "crashes": row["crashes"],
        "current": row["current"],
        "children_open": row["children_open"],
        "is_cancelling": row["is_cancelling"],
        "is_leased": row["is_leased"],
        "has_finished": row["has_finished"],
    }
    if status is Status.RUNNING:
        told |= {"is_silent": row["is_silent"], "has_slot": row["has_slot"]}
    if status is Status.QUEUED:
        names = ("held", "is_due", "is_sent", "has_slot")
        told |= {name: row[name] for name in names}
    if status in {Status.QUEUED, Status.PARKED}:
        told |= {name: row[name] for name in ("provider", "waits_for")}
    return told


def _expected(task: Task) -> dict[str, Any]:
    told = {
        "status": task.status,
        "claim_no": task.claim_no,
        "retries": task.retries,
        "crashes": task.crashes,
        "current": task.current,
        "children_open": task.children_open,
        "is_cancelling": task.is_cancelling,
        "is_leased": task.status is Status.RUNNING,
        "has_finished": task.status in ENDED,
    }
    if task.status is Status.RUNNING:
        told |= {"is_silent": task.is_silent, "has_slot": task.has_slot}
    if task.status is Status.QUEUED:
        told |= {
            "held": task.held,
            "is_due": task.due_at < LATER,
            "is_sent": task.is_sent,
            "has_slot": task.has_slot,
        }
    if task.status in {Status.QUEUED, Status.PARKED}:
        told |= {"provider": task.provider, "waits_for": task.waits_for}
    return told


def _effects(connection: Db) -> dict[str, int]:
    rows = connection.execute("select word, n from effects").fetchall()
    return {row["word"]: row["n"] for row in rows}


def _log(connection: Db) -> dict[tuple[UUID, int], Status]:
    rows = connection.execute(
        "select task_id, claim_no, status from celery_task_results"
    ).fetchall()
    return {(row["task_id"], row["claim_no"]): Status(row["status"]) for row in rows}


def _slot(connection: Db) -> UUID | None:
    rows = connection.execute(
        "select task_id from machine_slots where task_id is not null"
    ).fetchall()
    assert len(rows) <= 1, "two have the machine for themselves"
    return rows[0]["task_id"] if rows else None


def _providers(connection: Db) -> dict[str, tuple[str, bool, int]]:
    rows = connection.execute(
        "select name, state, next_try_at <= now() as is_due, batch from providers"
    ).fetchall()
    return {row["name"]: (row["state"], row["is_due"], row["batch"]) for row in rows}


def _check_reasons(connection: Db) -> None:
    """A task that waits says why in one sentence; any other has nothing to say."""
    waits = {Status.QUEUED, Status.PARKED, Status.WAITING}
    for owner in OWNERS:
        for view in ledger.tasks(connection, owner=owner, limit=200):
            reason = view.waiting_because
            assert bool(reason) is (view.status in waits), (view.status, reason)
            assert reason is None or reason.endswith("."), reason

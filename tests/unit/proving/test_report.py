"""What a run tells: every broken promise is named, and none is hidden."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from prsnl.proving.audit import Audit
from prsnl.proving.recovery import Recovery, Took
from prsnl.proving.report import Report, sentences

CLEAN = Audit(**{one.name: 0 for one in fields(Audit)})
IN_TIME = Recovery(
    times=3, p50_s=1.0, p95_s=4.9, limit_s=5.0, slowest=Took(5.2, 4.1, at=1075.0)
)


def report(**changed: int) -> Report:
    return Report(
        seed=7,
        seconds=60,
        began_at=1000.0,
        lease_s=6,
        audit=replace(CLEAN, tasks=100, items=5, **changed),
        recovery={"kill a child": IN_TIME},
    )


def test_a_clean_run_says_so() -> None:
    assert report().is_clean
    assert sentences(report())[-1] == (
        "Every promise was kept: 100 tasks, 3 faults of 1 kinds in 60 s "
        "(seed 7, lease 6 s)."
    )


@pytest.mark.parametrize(
    "column", [one.name for one in fields(Audit) if one.name not in ("tasks", "items")]
)
def test_every_broken_promise_is_named(column: str) -> None:
    broken = report(**{column: 2})

    assert not broken.is_clean
    assert sentences(broken)[-1].endswith(f": 2 {column.replace('_', ' ')}.")
    assert json.loads(broken.as_json())[column] == 2


def test_a_recovery_that_is_late_is_a_broken_promise() -> None:
    late = replace(report(), recovery={"kill a child": replace(IN_TIME, p95_s=5.1)})

    assert not late.is_clean
    assert late.late == ["kill a child"]
    slowest, verdict = sentences(late)
    assert "after: kill a child, at 1:15, took 5.2 s" in slowest
    assert "back after 4.1 s" in slowest
    assert "late after: kill a child" in verdict


def test_where_nothing_is_promised_nothing_is_late() -> None:
    assert not replace(IN_TIME, p95_s=99.0, limit_s=None).is_late
    assert not replace(IN_TIME, p95_s=None).is_late

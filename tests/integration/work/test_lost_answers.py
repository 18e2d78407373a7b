"""The connection is lost before or after each COMMIT of a task, one after another."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from prsnl.core.db import Database
from prsnl.core.errors import ConflictError, UnavailableError
from prsnl.proving.specs import COUNT, SPREAD, Count, Spread
from prsnl.work.run import TaskRun
from prsnl.work.submit import submission, submit
from tests.integration.work.conftest import (
    JOB,
    OWNER,
    Bench,
    Job,
    Made,
    counted,
    effects,
    stage,
)
from tests.saboteurs.losing_pool import losing

#: Claim; look and commit of two stages; end.
USES = 6


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("at", range(USES))
def test_nothing_is_done_twice_whichever_answer_is_lost(
    bench: Bench, at: int, *, is_done: bool
) -> None:
    store = counted(bench)
    begun: list[str] = []

    def work(run: TaskRun, _: Job) -> Made:
        for name in ("read", "write"):

            def make(name: str = name) -> Made:
                begun.append(name)
                return Made(word=name)

            run.stage(stage(name), inputs=[b"i"], work=make, store=store)
        return Made()

    task_id = bench.job(work)
    lossy = losing(bench.database, at=at, is_done=is_done)
    bench.another(lossy).execute(task_id)

    row = bench.row(task_id)
    assert (row["status"], row["claim_no"]) == ("success", 1)
    assert (row["retries"], row["crashes"]) == (0, 0)
    assert effects(bench) == {"read": 1, "write": 1}
    assert begun == ["read", "write"]
    assert bench.log(task_id) == ["success"]


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("at", range(3))
def test_children_are_spawned_once_whichever_answer_is_lost(
    bench: Bench, at: int, *, is_done: bool
) -> None:
    task_id = bench.submit(SPREAD, Spread(children=3, at_once=2))
    lossy = losing(bench.database, at=at, is_done=is_done)
    bench.another(lossy).execute(task_id)

    assert bench.status(task_id) == "waiting"
    assert bench.row(task_id)["children_open"] == 3
    assert len(bench.all("select 1 from tasks where parent_id = %s", task_id)) == 3


@pytest.mark.parametrize("is_done", [True, False])
def test_the_end_of_a_child_is_counted_once(bench: Bench, *, is_done: bool) -> None:
    parent = bench.submit(
        SPREAD, Spread(children=2, at_once=2, child=Count(stages=1, work_ms=0))
    )
    bench.runner.execute(parent)
    child, other = bench.all("select id from tasks where parent_id = %s", parent)
    # Claim, look, commit; the noting of the begun unit goes its own way; end.
    bench.another(losing(bench.database, at=3, is_done=is_done)).execute(child["id"])

    assert bench.row(parent)["children_open"] == 1
    bench.runner.execute(other["id"])
    bench.runner.execute(parent)
    assert bench.row(parent)["result"]["succeeded"] == 2


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("key", [None, "key"])
def test_a_task_is_submitted_once_whichever_answer_is_lost(
    bench: Bench, key: str | None, *, is_done: bool
) -> None:
    wanted = submission(COUNT, Count(), owner=OWNER, idempotency_key=key)
    lossy = losing(bench.database, at=0, is_done=is_done)

    (told,) = lossy.run(partial(submit, wanted=[wanted]))

    assert told.task_id == wanted.id
    assert [row["id"] for row in bench.all("select id from tasks")] == [wanted.id]


def test_a_lost_answer_does_not_hide_another_body(bench: Bench) -> None:
    bench.submit(JOB, Job(word="one"), key="key")
    other = submission(JOB, Job(word="two"), owner=OWNER, idempotency_key="key")
    lossy = losing(bench.database, at=0, is_done=True)

    with pytest.raises(ConflictError):
        lossy.run(partial(submit, wanted=[other, replace(other)]))


def test_who_finds_every_connection_lent_is_told_so_and_not_that_it_is_away(
    database_url: str,
) -> None:
    """The API makes a 503 of it, with the time to come again."""
    with (
        Database.open(database_url, size=1, name="test") as small,
        small.connection(),
        pytest.raises(UnavailableError, match="in use"),
    ):
        small.run(lambda _: None, patience_s=0.2)

"""Failures by cause: open, resolved, reopened, and queued again by one task."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from prsnl.core.db import Db
from prsnl.core.errors import (
    CorruptError,
    NotFoundError,
    PrsnlError,
    UnavailableError,
)
from prsnl.core.ids import new_id
from prsnl.monitoring.requeueing import REQUEUE, Requeuer
from prsnl.wire.monitoring import Requeue, Requeued
from prsnl.work import caps, control, dead_letters, families, ledger, limits
from prsnl.work.caps import EACH_OWNER, Caps
from prsnl.work.families import Cause, Family, State
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from tests.integration.work.conftest import (
    OWNER,
    Bench,
    Job,
    Made,
    nested_family,
    nothing,
    stage,
)


def failing(
    bench: Bench,
    error: PrsnlError | None = None,
    *,
    within: str | None = None,
    engine: str | None = None,
    owner: str = OWNER,
) -> UUID:
    """A task that fails for good."""
    error = error or CorruptError("It is damaged.")
    error.engine = engine

    def work(run: TaskRun, _job: Job) -> Made:
        def fail() -> Made:
            raise error

        if within is not None:
            run.stage(stage(within), inputs=[], work=fail, store=nothing)
        return fail()

    task_id = bench.job(work, owner=owner)
    bench.set(task_id, "retries = 9")
    bench.runner.execute(task_id)
    assert bench.status(task_id) in ("failure", "dead")
    return task_id


def told(bench: Bench, *, owner: str = OWNER, **by: Any) -> list[Family]:
    """Every family."""
    cause = Cause(**by)
    return bench.do(
        partial(families.families, cause=cause, owner=owner, with_resolved=True)
    )


def shown(bench: Bench, *, owner: str = OWNER) -> list[Family]:
    """Those that somebody has to look at."""
    return bench.do(partial(families.families, cause=Cause(), owner=owner))


def requeue(bench: Bench, wanted: Requeue) -> Requeued:
    task_id = bulk(bench, wanted)
    bench.runner.execute(task_id)
    row = bench.row(task_id)
    assert row["status"] == Status.SUCCESS, row["error_message"]
    return Requeued.model_validate(row["result"])


def bulk(bench: Bench, wanted: Requeue) -> UUID:
    requeuer = Requeuer(bench.database)
    bench.catalogue.handlers[REQUEUE.name] = (REQUEUE, requeuer.do)
    return bench.submit(REQUEUE, wanted)


def dead(bench: Bench, number: int, code: str = "unavailable") -> list[UUID]:
    """Many dead letters at once."""
    ids = [new_id() for _ in range(number)]

    def insert(connection: Db) -> None:
        connection.execute(
            "insert into tasks (id, owner, name, queue, command, command_hash, status, "
            "error_category, error_code, finished_at) "
            "select id, %s, 'job_task', 'file_processing', '{}', '', 'dead', "
            "'transient', %s, now() from unnest(%s::uuid[]) id",
            [OWNER, code, ids],
        )

    bench.do(insert)
    return ids


def test_a_cause_is_category_code_stage_and_engine(bench: Bench) -> None:
    one = failing(bench, within="read", engine="pdf.pages")
    two = failing(bench, CorruptError("Damaged, too."), within="read", engine="ocr")
    three = failing(bench, UnavailableError("Away."), within="read", engine="pdf.pages")
    four = failing(bench)
    newest = failing(bench, within="read", engine="pdf.pages")
    failing(bench, owner="ben")

    found = told(bench)

    assert [(f.code, f.stage, f.engine, f.example_ids) for f in found] == [
        ("corrupt", "read", "pdf.pages", [newest, one]),
        ("corrupt", None, None, [four]),
        ("unavailable", "read", "pdf.pages", [three]),
        ("corrupt", "read", "ocr", [two]),
    ]
    assert len({family.fingerprint for family in found}) == 4
    first = found[0]
    assert (first.count, first.seen, first.retrying) == (2, 2, 0)
    assert (first.names, first.queues) == (["job_task"], ["file_processing"])
    assert (first.first_seen, first.last_seen) == (
        bench.row(one)["finished_at"],
        bench.row(newest)["finished_at"],
    )
    assert first.example == "It is damaged."
    assert "damaged" in first.sentence
    assert "Get the file again" in first.what_to_do
    assert (first.may_end_well, found[2].may_end_well) == (False, True)
    assert told(bench, fingerprint=first.fingerprint) == [first]
    assert told(bench, code="corrupt") == [found[0], found[1], found[3]]


def test_the_engine_is_that_of_the_error_that_began_it(bench: Bench) -> None:
    """A service tells anew, in its own words, what an engine said."""

    def work(_run: TaskRun, _job: Job) -> Made:
        inner = CorruptError("Page 3.")
        inner.engine = "pdf.pages"
        raise CorruptError("The file is damaged.") from inner

    assert bench.run(work)["error_engine"] == "pdf.pages"
    (log,) = bench.all("select error_engine from celery_task_results")
    assert log["error_engine"] == "pdf.pages"


def test_a_family_that_its_owner_resolves_is_reopened_when_it_happens_again(
    bench: Bench,
) -> None:
    failing(bench)
    failing(bench, owner="ben")
    (family,) = shown(bench)
    resolved = bench.do(
        partial(families.resolve, fingerprint=family.fingerprint, owner=OWNER)
    )

    assert (family.state, resolved.state) == (State.OPEN, State.RESOLVED)
    assert resolved.resolved_at is not None
    assert (resolved.count, resolved.seen) == (0, 1)
    assert shown(bench) == []
    assert bench.do(partial(dead_letters.count, owner=OWNER)) == 0
    assert len(shown(bench, owner="ben")) == 1, "to each his own"
    failing(bench)
    (again,) = shown(bench)
    assert (again.state, again.count, again.seen) == (State.REOPENED, 1, 2)
    assert again.resolved_at == resolved.resolved_at


def test_only_a_family_of_ones_own_can_be_resolved(bench: Bench) -> None:
    failing(bench, owner="ben")
    (his,) = shown(bench, owner="ben")

    for fingerprint in (his.fingerprint, "0" * 16):
        with pytest.raises(NotFoundError):
            bench.do(partial(families.resolve, fingerprint=fingerprint, owner=OWNER))


def test_a_family_is_resolved_by_itself_once_all_was_done(bench: Bench) -> None:
    one, two = failing(bench), failing(bench)
    bench.handle(lambda *_: Made())
    for task_id in (one, two):
        bench.do(partial(control.retry, task_id=task_id, owner=OWNER))
    bench.runner.execute(one)
    (midway,) = shown(bench)
    bench.runner.execute(two)
    (done,) = told(bench)

    assert (midway.state, midway.count, midway.retrying) == (State.OPEN, 0, 1)
    assert (done.state, done.count, done.retrying) == (State.RESOLVED, 0, 0)
    assert done.resolved_at == bench.row(two)["finished_at"]
    assert shown(bench) == []
    failing(bench)
    (again,) = shown(bench)
    assert (again.state, again.count, again.seen) == (State.REOPENED, 1, 3)


def test_what_was_done_for_the_same_file_later_resolves_it(bench: Bench) -> None:
    attachment = uuid4()
    bench.set(failing(bench), "attachment_id = %s", attachment)
    later = bench.job()
    bench.set(later, "attachment_id = %s", attachment)
    assert shown(bench)[0].state is State.OPEN
    bench.runner.execute(later)

    (family,) = told(bench)
    assert family.state is State.RESOLVED
    assert family.resolved_at == bench.row(later)["finished_at"]


def test_a_family_is_queued_again_however_large_it_is(bench: Bench) -> None:
    ids = dead(bench, 620)
    (other,) = dead(bench, 1, "corrupt")
    (family,) = [one for one in shown(bench) if one.code == "unavailable"]
    done = requeue(bench, Requeue(fingerprint=family.fingerprint))

    assert (done.requeued, done.refused, done.left) == (620, 0, 1)
    rows = bench.all("select status, count(*) as n from tasks group by 1 order by 1")
    assert [(row["status"], row["n"]) for row in rows] == [
        ("dead", 1),
        ("queued", 620),
        ("success", 1),
    ]
    assert bench.status(other) == Status.DEAD
    assert bench.row(ids[0])["message"] == "Queued again"
    (last,) = bench.all(
        "select current, total from tasks where name = %s", REQUEUE.name
    )
    assert last["current"] == last["total"] == 1 + 13


def test_one_a_filter_or_all_are_queued_again(bench: Bench) -> None:
    one, two = dead(bench, 2, "a")
    (three,) = dead(bench, 1, "b")
    (four,) = dead(bench, 1, "c")
    stranger = failing(bench, owner="ben")

    by_id = requeue(bench, Requeue(ids=[one, one, stranger]))
    assert (by_id.requeued, by_id.refused, by_id.left) == (1, 1, 3)
    assert by_id.not_requeued[0].task_id == stranger
    assert by_id.not_requeued[0].reason == "There is no such task."
    assert requeue(bench, Requeue(code="a", name="nothing")).requeued == 0
    assert requeue(bench, Requeue(code="a", name="job_task")).requeued == 1
    assert bench.status(two) == Status.QUEUED
    assert requeue(bench, Requeue(all=True)).requeued == 2
    assert bench.status(three) == bench.status(four) == Status.QUEUED
    assert bench.status(stranger) == Status.FAILURE


def test_a_request_that_failed_is_not_repeated_by_the_next(bench: Bench) -> None:
    """Else what it had queued, and has failed since, would be queued once more."""
    failed = bulk(bench, Requeue(all=True))
    bench.set(failed, "status = 'dead', finished_at = now()")

    assert requeue(bench, Requeue(all=True)).requeued == 0
    assert requeue(bench, Requeue(ids=[failed])).requeued == 1


def test_a_failed_part_is_queued_again_without_or_with_its_parent(
    bench: Bench,
) -> None:
    batch, archive, members = nested_family(bench)
    for one in (*members, archive, batch):
        bench.set(one, "status = 'dead', error_code = 'x', finished_at = now()")
    bench.set(archive, "error_code = 'parts'")
    bench.set(batch, "error_code = 'parts', children_open = 0")
    bench.set(members[0], "error_code = 'other'")

    assert requeue(bench, Requeue(code="x")).requeued == 1
    assert bench.status(members[1]) == Status.QUEUED
    assert bench.status(archive) == bench.status(batch) == Status.WAITING
    assert requeue(bench, Requeue(all=True)).requeued == 1
    assert bench.status(members[0]) == Status.QUEUED


def test_a_requeue_that_is_cancelled_stops_between_two_batches(bench: Bench) -> None:
    ids = dead(bench, 120)
    task_id = bulk(bench, Requeue(all=True))
    with bench.database.transaction() as connection:
        connection.execute("select 1 from tasks where id = %s for update", [ids[20]])
        running = bench.meanwhile(lambda: bench.runner.execute(task_id))
        bench.until(bench.somebody_waits_for_a_lock)
        bench.do(partial(control.cancel, task_id=task_id, owner=OWNER))
    running.result(timeout=30)

    assert bench.status(task_id) == Status.REVOKED
    left = bench.do(partial(dead_letters.count, owner=OWNER))
    assert 70 <= left < 120, "what was queued stays so; the rest stays as it was"


@pytest.mark.parametrize("name", [EACH_OWNER, "file_processing"])
def test_of_many_no_more_are_queued_again_than_may_wait(
    bench: Bench, name: str
) -> None:
    """The rest waits without a worker, says why, and goes on as others end."""
    ids = dead(bench, 30)
    bench.handle(lambda *_: Made())
    bench.do(lambda c: caps.write(c, Caps(queued={name: 8})))
    task_id = bulk(bench, Requeue(all=True))
    said, most = [], 0
    while bench.status(task_id) != Status.SUCCESS:
        bench.hurry(task_id)
        bench.do(limits.wake)
        bench.runner.execute(task_id)
        view = bench.do(partial(ledger.task, task_id=task_id, owner=OWNER))
        said.append(view.waiting_because)
        waiting = [one for one in ids if bench.status(one) == Status.QUEUED]
        most = max(most, len(waiting))
        for one in waiting[:3]:
            bench.runner.execute(one)

    assert most == 8
    assert "8 of 30 are queued again." in str(said[0])
    assert "may have 8 tasks waiting at once" in str(said[0])
    row = bench.row(task_id)
    assert (row["result"]["requeued"], row["result"]["refused"]) == (30, 0)
    assert (row["retries"], row["crashes"]) == (0, 0)
    assert bench.log(task_id).count("parked") == len(said) - 1


def test_old_failures_without_a_log_are_families_still(bench: Bench) -> None:
    (task_id,) = dead(bench, 1)
    bench.set(
        task_id, "error_category = null, error_code = null, finished_at = finished_at"
    )

    (family,) = shown(bench)
    assert family.example_ids == [task_id]
    assert "not known" in family.sentence


def test_a_failure_in_the_same_moment_as_its_resolution_is_resolved(
    bench: Bench,
) -> None:
    """Two clocks would let it slip through: both times are the database's."""
    task_id = failing(bench)
    (family,) = shown(bench)
    bench.do(partial(families.resolve, fingerprint=family.fingerprint, owner=OWNER))
    resolved_at = told(bench)[0].resolved_at
    assert resolved_at is not None
    bench.set(task_id, "finished_at = %s", resolved_at)
    assert shown(bench) == []
    bench.set(task_id, "finished_at = %s", resolved_at + timedelta(microseconds=1))

    assert shown(bench)[0].state is State.REOPENED

"""Parking: a provider that is away costs its tasks nothing but time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from prsnl.core.errors import ConflictError, ProviderDownError
from prsnl.proving.service import PROVIDER
from prsnl.proving.specs import CALL, Call
from prsnl.work import control, providers
from prsnl.work.run import Drained, TaskRun
from tests.fakes.provider import Provider, provider
from tests.integration.work.conftest import OWNER, Bench, Job, Made


@pytest.fixture
def asked() -> Iterator[Provider]:
    with provider() as made:
        yield made


def park(bench: Bench, asked: Provider, count: int = 1) -> list[UUID]:
    """So many tasks that found the provider away."""
    ids = [bench.submit(CALL, Call(port=asked.port)) for _ in range(count)]
    for task_id in ids:
        bench.runner.execute(task_id)
    assert {bench.status(task_id) for task_id in ids} == {"parked"}
    return ids


def wake(bench: Bench) -> list[UUID]:
    """Let the wait of every provider be over, and tell whom that freed."""
    bench.all("update providers set next_try_at = now() returning name")
    return look(bench)


def look(bench: Bench) -> list[UUID]:
    """What the scheduler does each second."""
    bench.do(providers.wake)
    return [r["id"] for r in bench.all("select id from tasks where status = 'queued'")]


def known(bench: Bench) -> dict[str, object]:
    (row,) = bench.all("select *, next_try_at <= now() as is_due from providers")
    return row


def test_a_parked_task_has_spent_nothing(bench: Bench, asked: Provider) -> None:
    (task_id,) = park(bench, asked)

    row = bench.row(task_id)
    assert (row["retries"], row["crashes"], row["provider"]) == (0, 0, PROVIDER)
    assert bench.log(task_id) == ["parked"]
    assert known(bench)["state"] == "down"


def test_nothing_is_freed_before_its_time(bench: Bench, asked: Provider) -> None:
    park(bench, asked, 3)
    bench.all(
        "update providers set next_try_at = now() + interval '1 hour' returning 1"
    )

    assert look(bench) == []


def test_one_probe_then_one_two_four(bench: Bench, asked: Provider) -> None:
    """A provider that just came back is not run down by all who waited for it."""
    park(bench, asked, 20)
    asked.come()
    freed = []
    ids = wake(bench)
    while ids:
        freed.append(len(ids))
        for task_id in ids:
            bench.runner.execute(task_id)
        ids = look(bench)

    assert freed == [1, 1, 2, 4, 8, 4]
    assert asked.asked == 20
    assert {r["status"] for r in bench.all("select status from tasks")} == {"success"}


def test_the_oldest_is_freed_first(bench: Bench, asked: Provider) -> None:
    ids = park(bench, asked, 3)

    assert wake(bench) == ids[:1]


def test_a_probe_that_fails_doubles_the_wait(bench: Bench, asked: Provider) -> None:
    park(bench, asked, 2)
    waits_s = []
    for _ in range(4):
        (probe,) = wake(bench)
        assert known(bench)["state"] == "probing"
        bench.runner.execute(probe)
        waits_s.append(known(bench)["wait_s"])

    assert waits_s == pytest.approx([0.4, 0.8, 1.6, 3.2])
    assert known(bench)["is_due"] is False


def test_the_wait_has_an_end(bench: Bench, asked: Provider) -> None:
    park(bench, asked)
    bench.all("update providers set wait_s = 250, state = 'probing' returning 1")
    bench.do(
        lambda c: providers.went_away(
            c, PROVIDER, "Away.", first_wait=timedelta(seconds=1)
        )
    )

    assert known(bench)["wait_s"] == 300


def test_several_that_fail_together_count_as_one(bench: Bench, asked: Provider) -> None:
    park(bench, asked, 8)

    assert known(bench)["wait_s"] == pytest.approx(0.2)


def test_a_provider_that_fails_again_while_it_recovers_is_probed_again(
    bench: Bench, asked: Provider
) -> None:
    park(bench, asked, 10)
    asked.come()
    for _ in range(3):
        for task_id in wake(bench):
            bench.runner.execute(task_id)
    asked.go()
    freed = wake(bench)
    for task_id in freed:
        bench.runner.execute(task_id)

    assert len(freed) > 1
    assert (known(bench)["state"], known(bench)["batch"]) == ("down", 1)
    assert len(wake(bench)) == 1


def test_a_provider_that_comes_and_goes_is_not_asked_ever_more_seldom(
    bench: Bench, asked: Provider
) -> None:
    park(bench, asked, 10)
    waits_s = []
    for _ in range(3):
        for _ in range(2):
            (probe,) = wake(bench)
            bench.runner.execute(probe)
        waits_s.append(known(bench)["wait_s"])
        asked.come()
        (probe,) = wake(bench)
        bench.runner.execute(probe)
        asked.go()
        (again,) = wake(bench)
        bench.runner.execute(again)

    assert waits_s == pytest.approx([0.8, 0.8, 0.8])


def test_a_probe_whose_worker_dies_is_followed_by_another(
    bench: Bench, asked: Provider
) -> None:
    """Nobody waits for the answer of a task that will not give one."""
    park(bench, asked, 2)
    (first,) = wake(bench)
    bench.claim(first)

    assert len(wake(bench)) == 1


def test_a_provider_that_nobody_waits_for_is_forgotten(
    bench: Bench, asked: Provider
) -> None:
    (task_id,) = park(bench, asked)
    asked.come()
    wake(bench)
    bench.runner.execute(task_id)
    look(bench)

    assert bench.all("select 1 from providers") == []


def test_a_parked_task_is_woken_although_nobody_knows_its_provider(
    bench: Bench, asked: Provider
) -> None:
    """Its provider may be forgotten between its going away and the parking."""
    park(bench, asked, 2)
    bench.all("delete from providers returning 1")

    assert len(look(bench)) == 1
    assert known(bench)["state"] == "probing"


def test_an_error_that_names_no_provider_is_parked_under_some_name(
    bench: Bench,
) -> None:
    def work(_run: TaskRun, _: Job) -> Made:
        raise ProviderDownError("Somebody is away.")

    row = bench.run(work)

    assert row["status"] == "parked"
    assert wake(bench) == [row["id"]]


def test_the_answer_that_follows_a_drain_still_frees_the_others(
    bench: Bench, asked: Provider
) -> None:
    """The probe was given back by a worker that left, and answered elsewhere."""
    _, second = park(bench, asked, 2)
    (probe,) = wake(bench)
    bench.catalogue.handlers[CALL.name] = (CALL, drained)
    bench.runner.execute(probe)

    assert (bench.status(probe), bench.row(probe)["provider"]) == ("queued", PROVIDER)
    assert bench.status(second) == "parked"


def drained(_run: TaskRun, _command: object) -> Made:
    raise Drained


def test_try_now_makes_this_very_task_the_probe(bench: Bench, asked: Provider) -> None:
    """Not the oldest of all who wait: the person looks at this one."""
    _, task_id = park(bench, asked, 2)
    bench.all(
        "update providers set next_try_at = now() + interval '1 hour' returning 1"
    )
    asked.come()
    bench.do(lambda c: control.try_now(c, task_id, owner=OWNER))

    assert bench.status(task_id) == "queued"
    bench.runner.execute(task_id)
    assert bench.status(task_id) == "success"
    assert len(look(bench)) == 1


def test_try_now_ends_the_wait_of_a_retry(bench: Bench) -> None:
    task_id = bench.job()
    bench.set(task_id, "due_at = now() + interval '4 minutes'")
    bench.do(lambda c: control.try_now(c, task_id, owner=OWNER))

    bench.runner.execute(task_id)
    assert bench.status(task_id) == "success"


@pytest.mark.parametrize(
    "how", ["status = 'running'", "status = 'success'", "held = true"]
)
def test_try_now_is_refused_where_nothing_waits_for_time(
    bench: Bench, how: str
) -> None:
    task_id = bench.job()
    bench.set(task_id, how)

    with pytest.raises(ConflictError):
        bench.do(lambda c: control.try_now(c, task_id, owner=OWNER))


def test_a_changed_setting_releases_what_waited_for_it(
    bench: Bench, asked: Provider
) -> None:
    park(bench, asked, 2)
    bench.all(
        "update providers set next_try_at = now() + interval '1 hour' returning 1"
    )
    bench.do(lambda c: providers.release(c, PROVIDER))

    assert len(look(bench)) == 1


def test_two_schedulers_free_one_probe(bench: Bench, asked: Provider) -> None:
    park(bench, asked, 5)
    bench.all("update providers set next_try_at = now() returning 1")
    both = [bench.meanwhile(lambda: bench.do(providers.wake)) for _ in range(4)]
    for one in both:
        one.result()

    assert len(bench.all("select 1 from tasks where status = 'queued'")) == 1

"""A provider that is down costs its tasks nothing, and is not met by all at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from prsnl.work.limits import Limits
from prsnl.work.outside import Gate
from tests.fakes.asking import Asking
from tests.fakes.llm_server import Fails, LlmServer, out_of_quota
from tests.integration.work.conftest import Bench
from tests.integration.work.test_gate import does
from tests.integration.work.test_parking import look, wake


@pytest.fixture
def asking(bench: Bench, server: LlmServer) -> Iterator[Asking]:
    gate = Gate(database=bench.database, limits=Limits(at_once=64))
    with Asking.open(server, gate) as made:
        yield made


def together(bench: Bench, ids: list[UUID]) -> None:
    """Run tasks at the same time, each in a thread."""
    doing = [bench.meanwhile(partial(bench.runner.execute, one)) for one in ids]
    for one in doing:
        one.result(timeout=30)


def rows(bench: Bench) -> list[dict[str, Any]]:
    return bench.all("select status, retries, crashes from tasks")


def test_a_hundred_tasks_wait_for_a_provider_that_is_down_and_all_succeed(
    bench: Bench, asking: Asking
) -> None:
    handler = does(asking.task())
    asking.server.go()
    ids = [bench.job(handler) for _ in range(100)]
    for start in range(0, 100, 4):
        together(bench, ids[start : start + 4])
    assert {tuple(row.values()) for row in rows(bench)} == {("parked", 0, 0)}
    tried = bench.all("select count(*) as n from calls")[0]["n"]
    assert tried <= 4  # the others were told without a try
    for _ in range(2):
        together(bench, wake(bench))  # each a probe that finds it away
    asking.server.come()
    steps = []
    freed = wake(bench)
    while freed:
        before = len(asking.server.calls)
        together(bench, freed)
        steps.append(len(asking.server.calls) - before)
        freed = look(bench)

    assert steps == [1, 1, 2, 4, 8, 16, 32, 36]
    assert {tuple(row.values()) for row in rows(bench)} == {("success", 0, 0)}


def test_one_failure_is_the_requests_own(bench: Bench, asking: Asking) -> None:
    asking.server.script(Fails(500))
    first = bench.run(does(asking.task()))
    second = bench.run(does(asking.task()))

    assert (first["status"], first["retries"]) == ("queued", 1)
    assert second["status"] == "success"


def test_the_third_failure_in_a_row_is_the_providers(
    bench: Bench, asking: Asking
) -> None:
    asking.server.always(Fails(503))
    told = [bench.run(does(asking.task())) for _ in range(4)]

    assert [row["status"] for row in told] == ["queued", "queued", "parked", "parked"]
    assert [row["retries"] for row in told] == [1, 1, 0, 0]
    assert len(asking.server.calls) == 3


def test_the_failures_of_one_task_alone_are_its_own(
    bench: Bench, asking: Asking
) -> None:
    """A file that the model server dies of is not to wait for ever."""
    asking.server.always(Fails(500))
    task_id = bench.job(does(asking.task()))
    for _ in range(3):
        bench.hurry(task_id)
        bench.runner.execute(task_id)

    assert bench.status(task_id) == "dead"
    assert len(asking.server.calls) == 3


def test_a_task_that_fails_while_others_are_answered_is_at_fault(
    bench: Bench, asking: Asking
) -> None:
    """One bad file does not keep all others from their provider."""
    asking.server.always(Fails(500))
    ids = [bench.job(does(asking.task())) for _ in range(3)]
    for task_id in ids:
        bench.runner.execute(task_id)
    bad = ids[2]
    assert bench.status(bad) == "parked"
    asking.server.always(None)
    for task_id in ids[:2]:
        bench.hurry(task_id)
        bench.runner.execute(task_id)
    bench.set(ids[0], "status = 'success'")  # it came by its own wait
    bench.all("update providers set state = 'recovering', batch = 64 returning 1")
    other = bench.run(does(asking.task()))
    asking.server.script(Fails(500))
    (probe,) = wake(bench)
    bench.runner.execute(probe)

    assert other["status"] == "success"
    assert probe == bad
    assert (bench.status(bad), bench.row(bad)["retries"]) == ("queued", 1)


def test_a_probe_that_fails_goes_behind_the_others(
    bench: Bench, asking: Asking
) -> None:
    """The same bad file is not the probe each time."""
    asking.server.go()
    ids = [bench.job(does(asking.task())) for _ in range(2)]
    for task_id in ids:
        bench.runner.execute(task_id)
    probes = []
    for _ in range(2):
        probes += wake(bench)
        bench.runner.execute(probes[-1])

    assert sorted(probes) == sorted(ids)


def test_a_task_of_many_requests_tells_with_the_first_answer(
    bench: Bench, asking: Asking
) -> None:
    """The others do not wait until it has come to its end."""
    asking.server.go()
    handler = does(asking.task())
    first, second = bench.job(handler), bench.job(handler)
    together(bench, [first])
    together(bench, [second])
    asking.server.come()
    seen: list[object] = []

    def many(run: Any, _command: Any) -> None:
        asking.ask(run)
        seen.extend(row["state"] for row in bench.all("select state from providers"))

    bench.handle(does(many))
    (probe,) = wake(bench)
    bench.runner.execute(probe)

    assert seen == ["recovering"]


def test_a_quota_that_is_used_up_parks_and_was_sent(
    bench: Bench, asking: Asking
) -> None:
    asking.server.script(out_of_quota())
    row = bench.run(does(asking.task()))

    assert (row["status"], row["provider"]) == ("parked", "openai")
    assert bench.all("select outcome from calls")[0]["outcome"] == "down"

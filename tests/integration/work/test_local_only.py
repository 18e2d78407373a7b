"""What may not leave this machine does not: a listener gets no byte, on no way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from prsnl.core.errors import LocalOnlyError
from prsnl.engines.permit import Permit, permitted
from prsnl.engines.reach import Reach, reach_of
from prsnl.work import privacy
from prsnl.work.limits import Limits
from prsnl.work.outside import Gate, Visitor
from prsnl.work.queues import Queue
from prsnl.work.run import Services
from prsnl.work.specs import Command, TaskSpec
from tests.fakes.asking import Asking
from tests.fakes.llm_server import LlmServer, llm_server
from tests.integration.work.conftest import OWNER, Bench, Made
from tests.integration.work.test_gate import does, item


class Options(Command):
    local_only: bool = False
    privacy_mode: bool = False


class Private(Command):
    """A request that may say it, at the top or among its options."""

    local_only: bool = False
    content_id: UUID | None = None
    options: Options = Options()


PRIVATE = TaskSpec(
    name="private_task", queue=Queue.AI_PROCESSING, command=Private, result=Made
)


@pytest.fixture
def cloud() -> Iterator[LlmServer]:
    """A listener that counts who comes near; it stands for the cloud."""
    with llm_server() as made:
        yield made


@pytest.fixture
def asking(bench: Bench, cloud: LlmServer) -> Iterator[Asking]:
    with Asking.open(cloud, Gate(database=bench.database, limits=Limits())) as made:
        yield made


def run(bench: Bench, asking: Asking, command: Private, **what: Any) -> dict[str, Any]:
    """Have a request done that asks the cloud."""
    bench.catalogue.handlers[PRIVATE.name] = PRIVATE, does(asking.task(**what))
    task_id = bench.submit(PRIVATE, command)
    bench.runner.execute(task_id)
    return bench.row(task_id)


@pytest.mark.parametrize(
    "command",
    [
        Private(local_only=True),
        Private(options=Options(local_only=True)),
        Private(options=Options(privacy_mode=True)),
    ],
    ids=["request", "options", "privacy_mode"],
)
def test_a_request_that_says_so_keeps_every_byte_here(
    bench: Bench, asking: Asking, command: Private
) -> None:
    row = run(bench, asking, command)

    assert (row["status"], row["error_code"]) == ("failure", "local_only")
    assert "./prsnl engines" in row["error_message"]
    assert asking.server.connections == 0
    assert bench.all("select 1 from calls") == []


def test_an_item_that_says_so_keeps_every_byte_here(
    bench: Bench, asking: Asking
) -> None:
    item_id = item(bench, local_only=True)
    row = run(bench, asking, Private(content_id=item_id))

    assert row["error_code"] == "local_only"
    assert asking.server.connections == 0


def test_an_item_that_only_the_work_knows_of_keeps_every_byte_here(
    bench: Bench, asking: Asking
) -> None:
    """Neighbours of an item may be private when the item itself is not."""
    row = run(bench, asking, Private(), item_ids=[item(bench, local_only=True)])

    assert row["error_code"] == "local_only"
    assert asking.server.connections == 0


def test_the_setting_keeps_every_byte_here(bench: Bench, asking: Asking) -> None:
    closed = asking.through(replace(asking.gate, local_only=True))
    row = run(bench, closed, Private())
    with pytest.raises(LocalOnlyError):
        closed.gate.visit(Visitor(owner=OWNER), closed.outgoing(), closed.send)

    assert row["error_code"] == "local_only"
    assert asking.server.connections == 0


def test_the_setting_is_known_to_the_run(bench: Bench) -> None:
    claimed = bench.claim(bench.job())
    services = Services({}, local_only=True)
    said = replace(bench.task_run(claimed), services=services)

    assert said.local_only


def test_an_engine_that_is_called_past_the_gate_sends_nothing(asking: Asking) -> None:
    """The way out is the permit, which only the gate gives."""
    with pytest.raises(LocalOnlyError):
        asking.send("")
    assert asking.server.connections == 0


def test_a_name_that_comes_to_lead_elsewhere_sends_nothing(asking: Asking) -> None:
    """The address that is connected to counts, not what the name stood for before."""
    engine = asking.engine
    base_url = asking.server.base_url.replace("127.0.0.1", "192.0.2.1")
    engine.close()
    moved = type(engine)(replace(engine.access, base_url=base_url))
    with permitted(Permit(Reach.LOCAL)), pytest.raises(LocalOnlyError):
        replace(asking, engine=moved).send("")
    moved.close()


def test_a_machine_of_ones_own_is_no_farther_when_it_is_named(
    bench: Bench, asking: Asking
) -> None:
    """A private address is another machine, until the settings say that it is mine."""
    assert reach_of("http://192.168.1.5:11434/v1") is Reach.LAN
    named = reach_of("http://192.168.1.5:11434/v1", local_hosts=["192.168.1.0/24"])
    assert named is Reach.LOCAL
    assert run(bench, asking.at(Reach.LAN), Private(local_only=True))["error_code"]
    row = run(bench, asking.at(Reach.LOCAL), Private(local_only=True))
    assert row["status"] == "success"


@pytest.mark.parametrize("way", ["setting", "request", "item", "nothing"])
def test_a_submit_is_refused_with_the_fix(
    bench: Bench, asking: Asking, way: str
) -> None:
    item_id = item(bench, local_only=way == "item")
    command = {"content_id": str(item_id), "options": {"local_only": way == "request"}}

    def check(endpoint: Any) -> None:
        bench.do(
            lambda c: privacy.require_may_leave(
                c, endpoint, command, owner=OWNER, setting=way == "setting"
            )
        )

    check(None)
    check(asking.at(Reach.LOCAL).endpoint)
    if way == "nothing":
        check(asking.endpoint)
        return
    with pytest.raises(LocalOnlyError, match="PRSNL_LOCAL_HOSTS"):
        check(asking.endpoint)

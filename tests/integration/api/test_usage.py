"""GET /api/usage: what models took, with what of it nobody knows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from prsnl.core.db import Db
from prsnl.core.ids import new_id
from prsnl.engines.reach import Endpoint, Reach
from prsnl.work import calls
from prsnl.work.calls import Ended, Intent, Outcome
from prsnl.work.usage import By
from tests.integration.api.conftest import Person, Server
from tests.integration.api.test_access_commands import run

ENDPOINT = Endpoint("openai", "api.openai.com", Reach.CLOUD, "gpt-4o-mini")


def asked(
    connection: Db,
    owner: str,
    outcome: Outcome | None = Outcome.ANSWERED,
    *,
    items: tuple[UUID, ...] = (),
    usd: str | None = "0.01",
    task_id: UUID | None = None,
    model: str = "gpt-4o-mini",
) -> None:
    """One call in the book; without an outcome its worker has died."""
    intent = Intent(
        call_id=new_id(),
        owner=owner,
        task_id=task_id or new_id(),
        claim_no=1,
        stage="analysis",
        unit=0,
        purpose="analysis",
        endpoint=replace(ENDPOINT, model=model),
        item_bytes=calls.shares(items, 1000),
        attachment_id=None,
        sent_bytes=1000,
        tokens_in=300,
        tokens_out=90,
        usd=None if usd is None else Decimal(usd) * 2,
    )
    calls.intend(connection, intent, wait_s=0)
    if outcome is not None:
        ended = Ended(
            outcome=outcome,
            tokens_in=200,
            tokens_out=20,
            usd=None if usd is None else Decimal(usd),
        )
        calls.end(connection, intent.call_id, ended)


def test_nobody_was_asked(ada: Person) -> None:
    told = ada.client.usage()

    assert told.sentence == "No model was asked."
    assert (told.total.calls, told.items) == (0, [])


def test_calls_are_added_up_by_day_and_by_model(ada: Person, server: Server) -> None:
    with server.database.connection() as connection:
        for model in ("gpt-4o-mini", "gpt-4o", "gpt-4o"):
            asked(connection, ada.owner, model=model)
    by_day, by_model = ada.client.usage(), ada.client.usage(By.MODEL)

    assert by_day.total.usd == pytest.approx(0.03)
    assert by_day.sentence == "3 requests, 600 tokens out and 60 back: 0.03 USD."
    assert len(by_day.items) == 1
    assert [(one.key, one.calls) for one in by_model.items] == [
        ("openai/gpt-4o-mini", 1),
        ("openai/gpt-4o", 2),
    ]


def test_a_price_that_nobody_knows_is_said_and_not_counted_as_nothing(
    ada: Person, server: Server
) -> None:
    with server.database.connection() as connection:
        asked(connection, ada.owner, usd=None)
        asked(connection, ada.owner)
    told = ada.client.usage()

    assert (told.total.usd, told.total.unpriced_calls) == (0.01, 1)
    assert "without 1 request of unknown price" in told.sentence


def test_a_call_that_a_crash_left_open_counts_as_it_was_expected(
    ada: Person, server: Server
) -> None:
    with server.database.connection() as connection:
        asked(connection, ada.owner, None)
    told = ada.client.usage()

    assert (told.total.unknown_calls, told.total.usd) == (1, 0.02)
    assert (told.total.tokens_in, told.total.tokens_out) == (300, 90)


def test_what_was_never_sent_is_no_call(ada: Person, server: Server) -> None:
    with server.database.connection() as connection:
        asked(connection, ada.owner, Outcome.UNREACHABLE)

    assert ada.client.usage().total.calls == 0


def test_of_a_call_for_several_items_each_has_its_share(
    ada: Person, server: Server
) -> None:
    items = [UUID(str(note(ada, text)["item"]["id"])) for text in ("One", "Two")]
    with server.database.connection() as connection:
        asked(connection, ada.owner, items=(items[0], items[1]))
        asked(connection, ada.owner, items=(items[0],))
    by_item = {one.key: one for one in ada.client.usage(By.ITEM).items}
    told = ada.client.usage(item_id=items[1])

    assert by_item[str(items[0])].usd == pytest.approx(0.015)
    assert (told.total.calls, told.total.usd) == (1, pytest.approx(0.005))
    assert told.total.sent_bytes == 500


def note(person: Person, text: str) -> dict[str, Any]:
    answer = person.http.post("/api/items", json={"text": text, "process": False})
    answer.raise_for_status()
    made: dict[str, Any] = answer.json()
    return made


def test_a_deleted_item_leaves_its_money_and_not_its_name(
    ada: Person, server: Server
) -> None:
    """What was spent was spent; on what is nobody's business any more."""
    item_id = UUID(str(note(ada, "Gone")["item"]["id"]))
    with server.database.connection() as connection:
        asked(connection, ada.owner, items=(item_id,))
    ada.client.trash(item_id)
    ada.client.delete(item_id)

    assert ada.client.usage().total.usd == 0.01
    assert ada.client.usage(By.ITEM).items == []


def test_another_owner_sees_nothing_of_it(
    ada: Person, ben: Person, server: Server
) -> None:
    task_id = new_id()
    with server.database.connection() as connection:
        asked(connection, ada.owner, task_id=task_id)

    assert ada.client.usage(task_id=task_id).total.calls == 1
    assert ben.client.usage(task_id=task_id).total.calls == 0


def test_the_groups_come_in_pages(ada: Person, server: Server) -> None:
    with server.database.connection() as connection:
        for _ in range(3):
            asked(connection, ada.owner)
    first = ada.client.usage(By.TASK, limit=2)
    second = ada.client.usage(By.TASK, limit=2, before=first.next)

    assert [len(first.items), len(second.items)] == [2, 1]
    assert second.next is None
    assert first.items[1].key > second.items[0].key


def test_an_item_that_came_as_private_stays_so(ada: Person) -> None:
    """Not only this request: what sorts all items next year, too."""
    answer = ada.http.post(
        "/api/items", json={"text": "Mine", "process": False, "local_only": True}
    )
    item = answer.json()["item"]
    changed = ada.http.patch(f"/api/items/{item['id']}", json={"local_only": False})

    assert item["local_only"] is True
    assert changed.json()["local_only"] is False
    assert changed.json()["user_fields"] == []


def test_the_command_shows_it_as_a_table(
    ada: Person, server: Server, tmp_path: Path
) -> None:
    with server.database.connection() as connection:
        asked(connection, ada.owner)
        asked(connection, ada.owner, usd=None, model="ours-7b")
    at = ("--server", server.url)
    shown = run(tmp_path, server.key(ada.owner), "usage", "--by", "model", *at)
    wrong = run(tmp_path, server.key(ada.owner), "usage", "--by", "weather", *at)

    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[0] == ["model", "requests", "tokens", "out", "tokens", "back", "cost"]
    assert lines[1] == ["openai/ours-7b", "1", "200", "20", "unknown"]
    assert lines[2] == ["openai/gpt-4o-mini", "1", "200", "20", "0.01", "USD"]
    assert wrong.returncode == 1
    assert "there are day, model, provider" in wrong.stderr

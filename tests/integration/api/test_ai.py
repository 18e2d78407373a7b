"""Asking things of texts over a real socket; and where the only model is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from prsnl.core.errors import BadRequestError, LocalOnlyError, NotFoundError
from prsnl.core.settings.engines import Llm
from prsnl.embedded.stack import StackUrls
from prsnl.wiring import read
from tests.conftest import fresh_broker, fresh_database, wired
from tests.integration.api.conftest import Person, Server, api_over

ASK = "/api/background/ai/process-with-llm"


@pytest.fixture(scope="module")
def with_cloud(
    stack: StackUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """An API whose only model is in the cloud; nothing here ever asks it."""
    folder: Path = tmp_path_factory.mktemp("api")
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), folder)
        llm = Llm(
            llm_provider="compatible",
            llm_base_url="http://203.0.113.7/v1",
            llm_model="large",
            llm_api_key=SecretStr("a-key"),
        )
        with api_over(read(replace(wiring.settings, llm=llm))) as running:
            yield running


def test_an_unknown_prompt_type_is_refused_at_submit(ada: Person) -> None:
    answer = ada.http.post(ASK, json={"content": "A text.", "prompt_type": "delete"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "prompt_type"
    with pytest.raises(BadRequestError, match="prompt_type"):
        ada.client.process_with_llm("A text.", "delete")


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt_type": "summarize"},
        {"prompt_type": "summarize", "content": ""},
        {"prompt_type": "summarize", "content": "A.", "options": {"owner": "root"}},
        {"prompt_type": "summarize", "content": "A.", "options": {"language": "x"}},
        {"prompt_type": "summarize", "content": "A.", "path": "/etc/passwd"},
    ],
)
def test_options_are_a_closed_set(ada: Person, wrong: dict[str, object]) -> None:
    assert ada.http.post(ASK, json=wrong).status_code == 422


def test_a_question_is_a_task(ada: Person) -> None:
    told = ada.client.process_with_llm("A text.", "summarize", idempotency_key="one")
    again = ada.client.process_with_llm("A text.", "summarize", idempotency_key="one")

    assert told.task_id == again.task_id
    assert ada.client.status(told.task_id).name == "process_with_llm_task"


def test_what_may_not_leave_is_refused_where_the_only_model_is_elsewhere(
    with_cloud: Server, people: Callable[..., Person]
) -> None:
    """The analysis is not: it has a local engine, and says what it lacks."""
    ada = people(with_cloud)

    with pytest.raises(LocalOnlyError, match=r"203\.0\.113\.7"):
        ada.client.process_with_llm("A text.", "summarize", local_only=True)

    ada.client.process_with_llm("A text.", "summarize")
    body = {"content": "A text.", "options": {"local_only": True}}
    analysis = ada.http.post("/api/background/ai/analyze-content", json=body)
    assert analysis.status_code == 202


def test_a_dry_run_tells_what_it_would_take_and_queues_nothing(
    with_cloud: Server, people: Callable[..., Person], ada: Person, tmp_path: Path
) -> None:
    bob = people(with_cloud)
    quote = bob.client.quote("A sentence of the text. " * 20_000, "summarize")

    assert quote.model == "203.0.113.7/large"
    assert quote.chunks > 20
    assert quote.tokens_in > 120_000
    assert f"{quote.chunks} requests to {quote.model}" in quote.sentence
    assert bob.client.quote("A sentence.", "categorize").chunks == 1
    letters = [f"Letter {number}: the rent is due." for number in range(45)]
    filed = bob.client.quote_categories(contents=letters)
    assert (filed.model, filed.chunks) == (quote.model, 3)
    assert 45 * 8 < filed.tokens_in < quote.tokens_in
    kept_here = bob.client.quote_categories(contents=letters, local_only=True)
    assert (kept_here.model, kept_here.chunks) == (None, 45)
    assert bob.client.tasks() == []

    note = tmp_path / "note.txt"
    note.write_text("A note.")
    kept = ada.client.upload(note, process=False)
    assert ada.client.quote_item(kept.item_id).model is None
    with pytest.raises(NotFoundError):
        bob.client.quote_item(kept.item_id)

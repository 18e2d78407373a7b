"""GET /api/engines: who does what here, as it is set now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from prsnl.core.settings.in_force import InForce
from prsnl.core.settings.kept import KeptSettings
from prsnl.engines.inventory.nearby import Nearby
from prsnl.monitoring.engine_endpoints import Engines
from prsnl.wire.engines import EnginesBody, JobBody
from prsnl.wiring import Wiring
from tests.integration.api.conftest import Person, Server

OLLAMA = Nearby("Ollama", "ollama", "http://127.0.0.1:11434/v1", ("llama3.2",))


@pytest.fixture
def kept(server: Server) -> Iterator[KeptSettings]:
    """The settings file of the server's data folder; gone after the test."""
    file = KeptSettings(server.wiring.settings.storage.folder)
    yield file
    file.path.unlink(missing_ok=True)


def job(told: EnginesBody, name: str) -> JobBody:
    (found,) = (one for one in told.jobs if one.job == name)
    return found


def test_every_job_says_who_does_it_and_how_well(ada: Person) -> None:
    told = ada.client.engines()

    assert len({one.job for one in told.jobs}) == len(told.jobs)
    for one in told.jobs:
        assert one.title
        assert one.engines, one.job
        for engine in one.engines:
            assert engine.name
            assert len(engine.how_good) > 10
            assert engine.reach == "local" or engine.host
    assert job(told, "llm").engines[0].name.startswith("extractive")


def test_a_changed_setting_is_told_without_a_restart(
    ada: Person, kept: KeptSettings
) -> None:
    """The page would show the old engine until somebody starts the server anew."""
    ada.client.engines()

    kept.change(
        {
            "PRSNL_LLM_BASE_URL": "https://models.example.org/v1",
            "PRSNL_LLM_MODEL": "large",
            "PRSNL_LLM_API_KEY": "sk-hidden",
        }
    )

    told = ada.http.get("/api/engines")
    llm = job(EnginesBody.model_validate_json(told.content), "llm").engines[0]
    assert llm.name == "large at models.example.org"
    assert (llm.standing, llm.reach, llm.host) == (
        "in use",
        "cloud",
        "models.example.org",
    )
    assert "hidden" not in told.text

    kept.change({"PRSNL_LLM_CONCURRENCY": "a lot"})  # wrong: what was, stays
    assert job(ada.client.engines(), "llm").engines[0].name.startswith("large at")


def test_with_local_only_an_engine_elsewhere_is_off(
    ada: Person, kept: KeptSettings
) -> None:
    kept.change(
        {
            "PRSNL_LLM_BASE_URL": "https://models.example.org/v1",
            "PRSNL_LLM_MODEL": "large",
            "PRSNL_LOCAL_ONLY": "true",
        }
    )

    told = ada.client.engines()

    first, second = job(told, "llm").engines
    assert told.local_only
    assert (first.name.split()[0], first.standing) == ("extractive", "in use")
    assert (second.name.split()[0], second.standing) == ("large", "off")


def test_a_server_nearby_is_looked_for_once_in_a_while_and_never_at_our_own_port(
    wiring: Wiring,
) -> None:
    asked = []

    def find(*, but: tuple[int, ...]) -> tuple[Nearby, ...]:
        asked.append(but)
        return (OLLAMA,)

    known = Engines(InForce(wiring.settings), find=find)

    told = [known.told(but=8000) for _ in range(3)]

    assert asked == [(8000,)]
    better = job(told[-1], "llm").better[0]
    assert better.command == "./prsnl engines use ollama"
    assert "running on this machine" in better.sentence


def test_where_a_model_is_chosen_nobody_else_is_looked_for(wiring: Wiring) -> None:
    llm = wiring.settings.llm.model_copy(update={"llm_api_key": "sk-1"})

    def find(*, but: tuple[int, ...]) -> tuple[Nearby, ...]:
        raise AssertionError(but)

    known = Engines(InForce(replace(wiring.settings, llm=llm)), find=find)

    assert job(known.told(but=None), "llm").better == []


def test_without_a_draft_there_is_nothing_to_do_again(ada: Person) -> None:
    found, done = ada.client.drafts(), ada.client.redo_drafts()

    assert found.message == done.message == "No transcript is a draft."
    assert done.task_ids == []

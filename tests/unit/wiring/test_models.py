"""Which language model answers, by the settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from prsnl.core.errors import ProviderRejectedError, SettingsError
from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Llm, Privacy
from prsnl.engines.reach import Reach
from prsnl.wiring.models import language_model, llm_access
from tests.conftest import wired

HERE = "http://127.0.0.1:11434/v1"
KEY = SecretStr("a-key")
AZURE: dict[str, Any] = {
    "llm_provider": "azure",
    "llm_base_url": "https://name.openai.azure.com",
    "llm_api_version": "2024-10-21",
    "llm_model": "deployment",
    "llm_api_key": KEY,
}


def settings(tmp_path: Path, **how: Any) -> Settings:
    wiring = wired("postgresql://h/d", "redis://h", tmp_path)
    return replace(wiring.settings, llm=Llm(**how))


@pytest.mark.parametrize(
    ("how", "provider"),
    [
        ({}, "extractive"),
        ({"llm_base_url": HERE}, "compatible"),
        ({"llm_api_key": KEY}, "openai"),
        ({"llm_token_file": Path("token")}, "openai"),
        ({"llm_api_key": KEY, "llm_base_url": HERE}, "compatible"),
        ({"llm_api_key": KEY, "llm_provider": "extractive"}, "extractive"),
    ],
)
def test_the_provider_follows_from_what_is_set(
    how: dict[str, Any], provider: str
) -> None:
    assert Llm(**how).provider == provider


@pytest.mark.parametrize(
    ("how", "variable"),
    [
        ({"llm_provider": "compatible", "llm_model": "m"}, "PRSNL_LLM_BASE_URL"),
        ({"llm_base_url": HERE}, "PRSNL_LLM_MODEL"),
        ({"llm_base_url": "127.0.0.1:1", "llm_model": "m"}, "PRSNL_LLM_BASE_URL"),
        ({"llm_base_url": "http://h:x", "llm_model": "m"}, "PRSNL_LLM_BASE_URL"),
        ({"llm_provider": "openai", "llm_model": "m"}, "PRSNL_LLM_API_KEY"),
        (AZURE | {"llm_api_version": None}, "PRSNL_LLM_API_VERSION"),
        (AZURE | {"llm_base_url": None}, "PRSNL_LLM_BASE_URL"),
        (AZURE | {"llm_api_key": None}, "PRSNL_LLM_API_KEY"),
    ],
)
def test_what_is_missing_is_one_sentence_that_names_it(
    tmp_path: Path, how: dict[str, Any], variable: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        llm_access(settings(tmp_path, **how))


def test_a_model_on_this_machine_is_local(tmp_path: Path) -> None:
    model = language_model(settings(tmp_path, llm_base_url=HERE, llm_model="m"))

    assert model is not None
    assert model.name == "127.0.0.1:11434/m"
    assert model.endpoints["cheap"] == model.endpoints["analysis"]
    assert model.endpoints["analysis"].reach is Reach.LOCAL


def test_where_nothing_may_leave_a_model_elsewhere_is_none(tmp_path: Path) -> None:
    """By construction: there is nothing that could be called."""
    away = settings(tmp_path, llm_base_url="http://93.184.216.34/v1", llm_model="m")
    assert language_model(away) is not None

    private = replace(away, privacy=Privacy(local_only=True))
    assert language_model(private) is None


def test_a_token_is_read_at_every_request(tmp_path: Path) -> None:
    file = tmp_path / "token"
    access = llm_access(
        settings(tmp_path, **AZURE | {"llm_api_key": None, "llm_token_file": file})
    )
    assert access is not None
    assert access.has_token
    file.write_text("first\n")
    assert access.key() == "first"
    file.write_text("second\n")
    assert access.key() == "second"
    file.unlink()
    with pytest.raises(ProviderRejectedError, match="PRSNL_LLM_TOKEN_FILE"):
        access.key()

"""`./prsnl engines test`: real work, of nobody's documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.core.settings.kept import KeptSettings
from prsnl.terminal.trying import main
from tests.fakes.llm_server import LlmServer, llm_server, unauthorized
from tests.unit.cli.test_commands import run


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server() as running:
        yield running


def try_llm(data_dir: Path, **variables: str) -> int:
    KeptSettings(data_dir).change(
        {f"PRSNL_{name.upper()}": value for name, value in variables.items()}
    )
    return main(Settings.read(data_dir), "llm")


def test_an_engine_shows_what_it_makes(tmp_path: Path) -> None:
    done = run("engines", "test", "text", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok  Text of documents: an HTML page says: Rent The")
    assert done.stdout.endswith(" ms)\n")


def test_a_language_model_answers_one_question_in_the_form_that_it_knows(
    server: LlmServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.takes_schemas = False

    status = try_llm(tmp_path, llm_base_url=server.base_url, llm_model="fake")

    told = capsys.readouterr().out
    assert status == 0, told
    assert f"fake at 127.0.0.1:{server.port}: Which colour" in told
    assert "it knows no schema" in told
    assert server.count("chat") == 2  # one that was refused


def test_vectors_of_a_provider_are_its_own(
    server: LlmServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    KeptSettings(tmp_path).change(
        {
            "PRSNL_EMBEDDING_PROVIDER": "compatible",
            "PRSNL_EMBEDDING_MODEL": "fake-embedding",
            "PRSNL_EMBEDDING_BASE_URL": server.base_url,
        }
    )

    status = main(Settings.read(tmp_path), "embedding")

    told = capsys.readouterr().out
    assert status == 0, told
    assert "fake-embedding" in told
    assert len(server.texts_embedded) == 3


def test_a_refused_key_is_red(
    server: LlmServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.always(unauthorized())

    status = try_llm(tmp_path, llm_base_url=server.base_url, llm_model="fake")

    assert status == 1
    assert "does not accept the key" in capsys.readouterr().out


def test_where_nothing_may_leave_not_even_this_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = try_llm(
        tmp_path,
        llm_base_url="https://93.184.215.14/v1",
        llm_model="fake",
        local_only="true",
    )

    assert status == 1
    assert "93.184.215.14 is not asked" in capsys.readouterr().out


def test_a_job_that_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="cooking cannot be tried"):
        main(Settings.read(tmp_path), "cooking")

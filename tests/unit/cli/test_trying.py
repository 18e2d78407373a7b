"""`./prsnl engines test`: real work, of nobody's documents."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.llm_server import llm_server, unauthorized
from tests.unit.cli.test_commands import run


def test_an_engine_shows_what_it_makes(tmp_path: Path) -> None:
    done = run("engines", "test", "text", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok  Text of documents: an HTML page says: Rent The")
    assert done.stdout.endswith(" ms)\n")


def test_a_language_model_answers_one_question_in_the_form_that_it_knows(
    tmp_path: Path,
) -> None:
    with llm_server() as server:
        server.takes_schemas = False
        setting = {"PRSNL_LLM_BASE_URL": server.base_url, "PRSNL_LLM_MODEL": "fake"}

        done = run("engines", "test", "llm", folder=tmp_path, **setting)

        assert done.returncode == 0, done.stdout
        assert f"fake at 127.0.0.1:{server.port}: Which colour" in done.stdout
        assert "it knows no schema" in done.stdout
        assert server.count("chat") == 2  # one that was refused

        server.always(unauthorized())
        refused = run("engines", "test", "llm", folder=tmp_path, **setting)
        assert refused.returncode == 1
        assert "does not accept the key" in refused.stdout

        kept_in = run(
            "engines",
            "test",
            "llm",
            folder=tmp_path,
            PRSNL_LLM_BASE_URL="https://models.example.org/v1",
            PRSNL_LLM_MODEL="fake",
            PRSNL_LOCAL_ONLY="true",
        )
        assert "models.example.org is not asked" in kept_in.stdout


def test_a_job_that_nobody_knows_is_told(tmp_path: Path) -> None:
    done = run("engines", "test", "cooking", folder=tmp_path)

    assert done.returncode == 1
    assert "cooking cannot be tried: there are kind, text," in done.stderr

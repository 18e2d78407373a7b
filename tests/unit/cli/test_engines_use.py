"""`./prsnl engines use`: one command, one question for a list, one file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.terminal.choices import Wanted, understood
from tests.fakes.llm_server import LlmServer, llm_server
from tests.integration.embedded.test_supervisor import until
from tests.unit.cli.test_commands import run

HOLDER = """
import sys
from pathlib import Path
from prsnl.embedded.datadir import DataDir
from prsnl.embedded.supervisor import ProcessSpec, Supervisor
folder = Path(sys.argv[1])
with Supervisor() as supervisor, supervisor.signals():
    held = DataDir(folder, what="prsnl up")
    held.open()
    script = f"echo began >> '{folder}/life'; exec sleep 600"
    supervisor.add(ProcessSpec(name="worker", argv=("sh", "-c", script), renews=True))
    print("up", flush=True)
    supervisor.wait()
"""


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server() as running:
        yield running


def kept(folder: Path) -> dict[str, str | None]:
    """What the settings of the data folder say of the language model."""
    llm = Settings.read(folder / "data").llm
    key = llm.llm_api_key
    return {
        "provider": llm.llm_provider,
        "base_url": llm.llm_base_url,
        "model": llm.llm_model,
        "key": key.get_secret_value() if key else None,
    }


def test_a_server_is_asked_for_its_list_and_kept(
    server: LlmServer, tmp_path: Path
) -> None:
    used = run("engines", "use", server.url, folder=tmp_path)

    assert used.returncode == 0, used.stderr
    assert "From now on fake-large at 127.0.0.1:" in used.stdout
    assert "no text leaves it" in used.stdout
    assert "Nothing runs here now" in used.stdout
    assert kept(tmp_path) == {
        "provider": "compatible",
        "base_url": server.base_url,  # found below the address that was given
        "model": "fake-large",
        "key": None,
    }
    assert {(call.kind, call.body_bytes) for call in server.calls} <= {
        ("models", 0),
        ("unknown", 0),
    }
    shown = run("engines", folder=tmp_path)
    assert "in use  fake-large at 127.0.0.1:" in shown.stdout

    run("engines", "use", "extractive", folder=tmp_path)
    assert kept(tmp_path)["provider"] == "extractive"
    assert kept(tmp_path)["base_url"] is None


def test_a_key_is_taken_from_the_environment_and_never_shown(
    server: LlmServer, tmp_path: Path
) -> None:
    server.key = "sk-secret"

    asked = run("engines", "use", server.base_url, folder=tmp_path)
    wrong = run(
        "engines",
        "use",
        server.base_url,
        folder=tmp_path,
        PRSNL_LLM_API_KEY="sk-wrong",
    )
    used = run(
        "engines",
        "use",
        server.base_url,
        "--model",
        "fake-small",
        folder=tmp_path,
        PRSNL_LLM_API_KEY="sk-secret",
    )

    assert "wants a key: give its file with --key-file" in asked.stderr
    assert "does not accept the key" in wrong.stderr
    assert used.returncode == 0, used.stderr
    assert kept(tmp_path)["key"] == "sk-secret"
    told = "".join(done.stdout + done.stderr for done in (asked, wrong, used))
    assert "sk-" not in told
    again = run("engines", "use", server.base_url, folder=tmp_path)
    assert again.returncode == 0, again.stderr  # the same server: the same key
    assert kept(tmp_path)["model"] == "fake-small"


def test_a_key_of_another_server_is_sent_to_none(
    server: LlmServer, tmp_path: Path
) -> None:
    """It stands in the environment for the provider of before."""
    run(
        "engines",
        "use",
        server.base_url,
        folder=tmp_path,
        PRSNL_LLM_API_KEY="sk-of-another",
    )

    assert server.count("models") == 1
    assert all("authorization" not in call.headers for call in server.calls)


def test_of_azure_the_deployment_and_the_version_are_kept(
    server: LlmServer, tmp_path: Path
) -> None:
    server.key = "sk-azure"
    file = tmp_path / "key"
    file.write_text("sk-azure\n")

    done = run(
        "engines",
        "use",
        "azure:mine",
        "--url",
        server.url,
        "--key-file",
        str(file),
        folder=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert kept(tmp_path) == {
        "provider": "azure",
        "base_url": server.url,
        "model": "mine",
        "key": "sk-azure",
    }
    assert Settings.read(tmp_path / "data").llm.llm_api_version == "2024-10-21"
    (call,) = server.calls
    assert call.path == "/openai/models?api-version=2024-10-21"
    assert call.headers["api-key"] == "sk-azure"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["URL", "--model", "huge"], "has no model huge; it has fake-large"),
        (["http://127.0.0.1:9"], "Nothing answers at 127.0.0.1:9"),
        (["ollama", "--url", "http://127.0.0.1:9"], "No Ollama answers"),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    server: LlmServer, tmp_path: Path, arguments: list[str], said: str
) -> None:
    arguments = [each.replace("URL", server.base_url) for each in arguments]

    done = run("engines", "use", *arguments, folder=tmp_path)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Nothing was changed" in done.stderr
    assert not (tmp_path / "data" / "settings.env").exists()


def test_with_local_only_no_other_machine_is_even_asked(tmp_path: Path) -> None:
    done = run(
        "engines",
        "use",
        "https://models.example.org/v1",
        folder=tmp_path,
        PRSNL_LOCAL_ONLY="true",
    )

    assert done.returncode == 1
    assert "PRSNL_LOCAL_ONLY is true" in done.stderr


def test_what_goes_before_the_file_is_named(server: LlmServer, tmp_path: Path) -> None:
    done = run(
        "engines",
        "use",
        server.base_url,
        folder=tmp_path,
        PRSNL_LLM_MODEL="another",
    )

    assert "But PRSNL_LLM_MODEL is set in the environment" in done.stdout


def test_what_runs_takes_it_up(server: LlmServer, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "data")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"

        done = run("engines", "use", server.base_url, folder=tmp_path)

        life = tmp_path / "data" / "life"
        until(lambda: life.exists() and len(life.read_text().split()) == 2)
        assert holder.poll() is None
        holder.terminate()
    assert f"The workers of `prsnl up` (pid {holder.pid}) take it up" in done.stdout


@pytest.mark.parametrize(
    ("wanted", "provider", "base_url", "model"),
    [
        (Wanted(what="ollama"), "compatible", "http://127.0.0.1:11434/v1", None),
        (
            Wanted(what="ollama:llama3.2:3b"),
            "compatible",
            "http://127.0.0.1:11434/v1",
            "llama3.2:3b",
        ),
        (Wanted(what="openai:gpt"), "openai", "https://api.openai.com/v1", "gpt"),
        (
            Wanted(what="azure:mine", url="https://me.openai.azure.com/"),
            "azure",
            "https://me.openai.azure.com",
            "mine",
        ),
        (
            Wanted(what="http://box:8000/v1", model="m"),
            "compatible",
            "http://box:8000/v1",
            "m",
        ),
    ],
)
def test_the_words_mean_what_they_say(
    wanted: Wanted, provider: str, base_url: str, model: str | None
) -> None:
    choice = understood(wanted)

    assert (choice.provider, choice.base_url, choice.model) == (
        provider,
        base_url,
        model,
    )


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(what="gpt"), "no engine that can be chosen"),
        (Wanted(what="azure"), "the resource and the deployment"),
        (Wanted(what="http://"), "no address"),
        (Wanted(what="ollama", url="localhost:11434"), "no address"),
        (Wanted(what="https://me:sk-1@host/v1"), "does not belong into the address"),
    ],
)
def test_words_that_mean_nothing_are_told(wanted: Wanted, said: str) -> None:
    with pytest.raises(BadRequestError, match=said) as raised:
        understood(wanted)

    assert "sk-1" not in raised.value.message

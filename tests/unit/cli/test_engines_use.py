"""`./prsnl engines use`: one command, one question for a list, one file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prsnl.core.errors import BadRequestError, PrsnlError, SettingsError
from prsnl.core.settings import Settings
from prsnl.core.settings.kept import KeptSettings
from prsnl.terminal.choices import Wanted, understood
from prsnl.terminal.choosing import use
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


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def choose(data_dir: Path, what: str, **more: Any) -> int:
    """The command on a data folder where nothing runs."""
    return use(Settings.read(data_dir), Wanted(what=what, **more))


def key_in(folder: Path, key: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "key"
    file.write_text(f"{key}\n")
    return file


def kept(data_dir: Path) -> dict[str, str | None]:
    """What the settings of the data folder say of the language model."""
    llm = Settings.read(data_dir).llm
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
    assert "It has others, too: fake-small" in used.stdout
    assert "Nothing runs here now" in used.stdout
    assert kept(tmp_path / "data") == {
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


def test_nothing_stays_of_what_was_chosen_before(
    server: LlmServer, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key beside another's address would be sent there."""
    file = key_in(data_dir, "sk-1")
    choose(data_dir, "openai:fake-small", url=server.base_url, key_file=file)
    KeptSettings(data_dir).change({"PRSNL_LLM_CHEAP_MODEL": "fake-large"})

    choose(data_dir, "extractive")

    assert kept(data_dir) == {
        "provider": "extractive",
        "base_url": None,
        "model": None,
        "key": None,
    }
    assert Settings.read(data_dir).llm.llm_cheap_model is None
    assert "no language model is asked" in capsys.readouterr().out


def test_a_key_is_asked_for_kept_and_never_shown(
    server: LlmServer, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.key = "sk-secret"
    with pytest.raises(BadRequestError, match="give its file with --key-file"):
        choose(data_dir, server.base_url)
    with pytest.raises(BadRequestError, match="does not accept the key") as wrong:
        choose(data_dir, server.base_url, key_file=key_in(data_dir, "sk-wrong"))
    file = key_in(data_dir, "sk-secret")

    choose(data_dir, server.base_url, model="fake-small", key_file=file)

    assert kept(data_dir)["key"] == "sk-secret"
    choose(data_dir, server.base_url)  # the same server: the same key, the same model
    assert kept(data_dir)["key"] == "sk-secret"
    assert kept(data_dir)["model"] == "fake-small"
    assert "sk-" not in capsys.readouterr().out + wrong.value.message


def test_a_key_of_another_server_is_sent_to_none(
    server: LlmServer, tmp_path: Path
) -> None:
    """It stands in the environment for the provider of before."""
    done = run(
        "engines",
        "use",
        server.base_url,
        folder=tmp_path,
        PRSNL_LLM_API_KEY="sk-of-another",
    )

    assert server.count("models") == 1
    assert all("authorization" not in call.headers for call in server.calls)
    # It goes before the file, and would be sent by the workers: that is said.
    assert "But PRSNL_LLM_API_KEY is set in the environment" in done.stdout


def test_of_azure_the_deployment_and_the_version_are_kept(
    server: LlmServer, data_dir: Path
) -> None:
    server.key = "sk-azure"
    file = key_in(data_dir, "sk-azure")

    choose(data_dir, "azure:mine", url=server.url, key_file=file)

    assert kept(data_dir) == {
        "provider": "azure",
        "base_url": server.url,
        "model": "mine",
        "key": "sk-azure",
    }
    assert Settings.read(data_dir).llm.llm_api_version == "2024-10-21"
    (call,) = server.calls
    assert call.path == "/openai/models?api-version=2024-10-21"
    assert call.headers["api-key"] == "sk-azure"


def test_what_cannot_be_used_changes_nothing(server: LlmServer, data_dir: Path) -> None:
    nowhere, file = "http://127.0.0.1:9", key_in(data_dir, "sk-1")
    for what, more, said in (
        (server.base_url, {"model": "huge"}, "has no model huge; it has fake-large"),
        (nowhere, {}, "Nothing answers at 127.0.0.1:9"),
        ("ollama", {"url": nowhere}, "No Ollama answers"),
        ("openai", {"url": server.base_url, "key_file": file}, "Name the model"),
    ):
        with pytest.raises(PrsnlError, match=said) as raised:
            choose(data_dir, what, **more)
        assert raised.value.message.endswith("Nothing was changed.")

    server.models = ["nomic-embed-text"]
    with pytest.raises(BadRequestError, match="no model to talk to: get one"):
        choose(data_dir, server.base_url)
    assert not (data_dir / "settings.env").exists()


def test_what_would_keep_workers_from_starting_is_taken_back(
    server: LlmServer, data_dir: Path
) -> None:
    """Vectors come from the language model's server: without it nothing starts."""
    choose(data_dir, server.base_url)
    kept_settings = KeptSettings(data_dir)
    kept_settings.change(
        {
            "PRSNL_EMBEDDING_PROVIDER": "compatible",
            "PRSNL_EMBEDDING_MODEL": "fake-embedding",
        }
    )
    before = kept(data_dir)

    with pytest.raises(SettingsError, match="PRSNL_EMBEDDING_BASE_URL is not set"):
        choose(data_dir, "extractive")

    assert kept(data_dir) == before


def test_with_local_only_no_other_machine_is_even_asked(data_dir: Path) -> None:
    KeptSettings(data_dir).change({"PRSNL_LOCAL_ONLY": "true"})

    with pytest.raises(BadRequestError, match="PRSNL_LOCAL_ONLY is true"):
        choose(data_dir, "https://93.184.215.14/v1")


def test_what_runs_takes_it_up(
    server: LlmServer, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"

        choose(data_dir, server.base_url)

        life = data_dir / "life"
        until(lambda: life.exists() and len(life.read_text().split()) == 2)
        assert holder.poll() is None
        holder.terminate()
    told = capsys.readouterr().out
    assert f"The workers of `prsnl up` (pid {holder.pid}) take it up" in told


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
            Wanted(what="http://box:8000/v1/chat/completions", model="m"),
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

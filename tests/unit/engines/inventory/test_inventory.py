"""Who does which job, told from the settings: absent is said, never filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.core.settings import Settings
from prsnl.core.settings.kept import KeptSettings
from prsnl.engines.inventory.jobs import TITLES, Job, JobState, Standing
from prsnl.engines.inventory.nearby import Nearby
from prsnl.engines.inventory.table import inventory
from prsnl.engines.reach import Reach

LOCAL = "http://127.0.0.1:11434/v1"
LAN = "http://192.168.7.7:8000/v1"
CLOUD = "https://93.184.215.14/v1"


def jobs(tmp_path: Path, *nearby: Nearby, **variables: str) -> dict[Job, JobState]:
    """The inventory with these settings."""
    KeptSettings(tmp_path).change(
        {f"PRSNL_{name.upper()}": value for name, value in variables.items()}
    )
    return {one.job: one for one in inventory(Settings.read(tmp_path), nearby)}


def test_every_job_has_a_title_and_one_row(tmp_path: Path) -> None:
    told = inventory(Settings.read(tmp_path))

    assert len({one.job for one in told}) == len(told)
    assert set(TITLES) == set(Job)


@pytest.mark.parametrize(
    ("variables", "name", "standing", "reach"),
    [
        ({}, "extractive (this program)", Standing.IN_USE, Reach.LOCAL),
        (
            {"llm_base_url": LOCAL, "llm_model": "m"},
            "m at 127.0.0.1:11434",
            Standing.IN_USE,
            Reach.LOCAL,
        ),
        (
            {"llm_base_url": LAN, "llm_model": "m"},
            "m at 192.168.7.7:8000",
            Standing.IN_USE,
            Reach.LAN,
        ),
        (
            {"llm_base_url": LAN, "llm_model": "m", "local_hosts": "192.168.7.7"},
            "m at 192.168.7.7:8000",
            Standing.IN_USE,
            Reach.LOCAL,
        ),
        (
            {"llm_base_url": CLOUD, "llm_model": "m"},
            "m at 93.184.215.14",
            Standing.IN_USE,
            Reach.CLOUD,
        ),
        (
            {"llm_base_url": CLOUD, "llm_model": "m", "local_only": "true"},
            "extractive (this program)",
            Standing.IN_USE,
            Reach.LOCAL,
        ),
        (
            {"llm_base_url": LOCAL},
            "(no model) at 127.0.0.1:11434",
            Standing.ABSENT,
            Reach.LOCAL,
        ),
        (
            {"llm_base_url": LOCAL, "llm_provider": "extractive"},
            "extractive (this program)",
            Standing.IN_USE,
            Reach.LOCAL,
        ),
    ],
)
def test_the_language_model_is_told_with_where_texts_go(
    tmp_path: Path,
    variables: dict[str, str],
    name: str,
    standing: Standing,
    reach: Reach,
) -> None:
    first = jobs(tmp_path, **variables)[Job.LLM].engines[0]

    assert (first.name, first.standing, first.reach) == (name, standing, reach)


def test_better_is_said_only_where_it_is_so(tmp_path: Path) -> None:
    ollama = Nearby("Ollama", "ollama", LOCAL, ("llama3.2",))
    studio = Nearby("LM Studio", None, "http://127.0.0.1:1234/v1", ())

    here = jobs(tmp_path, ollama, studio)[Job.LLM].better

    assert [one.command for one in here] == [
        "./prsnl engines use ollama",
        "./prsnl engines use http://127.0.0.1:1234/v1",
    ]
    assert "has no model yet" in here[1].sentence
    chosen = jobs(tmp_path, ollama, llm_base_url=LOCAL, llm_model="m")
    assert chosen[Job.LLM].better == ()


def test_ocr_that_is_switched_off_says_so(tmp_path: Path) -> None:
    (none,) = jobs(tmp_path, ocr_engine="none")[Job.OCR].engines

    assert none.standing is Standing.OFF
    assert "stay without text" in none.how_good


def test_a_provider_for_vectors_is_left_out_where_nothing_may_leave(
    tmp_path: Path,
) -> None:
    elsewhere = {
        "embedding_provider": "compatible",
        "embedding_base_url": CLOUD,
        "embedding_model": "e",
    }
    first, second = jobs(tmp_path, **elsewhere)[Job.EMBEDDING].engines
    assert (first.name, first.host) == ("e at 93.184.215.14", "93.184.215.14")
    assert second.standing is Standing.READY

    kept_in = jobs(tmp_path, **elsewhere, local_only="true")[Job.EMBEDDING].engines
    assert kept_in[0].name.startswith("all-MiniLM-L6-v2")
    assert [one.standing for one in kept_in] == [Standing.IN_USE, Standing.OFF]


def test_a_draft_engine_says_so_and_what_would_hear_better(tmp_path: Path) -> None:
    told = jobs(tmp_path)[Job.SPEECH]

    assert told.engines[0].standing is Standing.IN_USE
    assert told.engines[0].how_good.startswith("a draft: English alone")
    (better,) = told.better
    assert better.command == "./prsnl models get speech"
    assert "licence MIT" in better.sentence


def test_a_model_that_is_here_hears_and_one_that_is_not_is_named(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "models" / "small"
    folder.mkdir(parents=True)
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (folder / name).touch()

    told = jobs(tmp_path)[Job.SPEECH]
    assert "small" in told.engines[0].name
    assert "3.4 % of the words wrong" in told.engines[0].how_good
    assert told.better == ()

    gone = jobs(tmp_path, speech_model="medium")[Job.SPEECH]
    assert gone.engines[0].standing is Standing.ABSENT
    assert "there is no such folder" in gone.engines[0].how_good
    assert gone.better[0].command == "./prsnl models get speech"


def test_speech_goes_where_the_order_says_and_nowhere_with_local_only(
    tmp_path: Path,
) -> None:
    elsewhere = {"speech_base_url": CLOUD, "speech_order": "cloud,local"}
    first, second = jobs(tmp_path, **elsewhere)[Job.SPEECH].engines
    assert (first.reach, first.standing) == (Reach.CLOUD, Standing.IN_USE)
    assert (second.reach, second.standing) == (Reach.LOCAL, Standing.READY)

    kept_in = jobs(tmp_path, **elsewhere, local_only="true")[Job.SPEECH].engines
    assert [(one.reach, one.standing) for one in kept_in] == [
        (Reach.LOCAL, Standing.IN_USE),
        (Reach.CLOUD, Standing.OFF),
    ]

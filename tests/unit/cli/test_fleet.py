"""Which processes one machine runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.core.errors import StartError
from prsnl.embedded.scaling import Bounds
from prsnl.fleet import (
    AI_THREADS,
    SENTENCE,
    bounds,
    environment,
    plan,
    process_specs,
)

PASSWORD = "a-password"


@pytest.mark.parametrize(
    ("cores", "wanted", "workers"),
    [(1, None, 2), (2, None, 2), (4, None, 4), (64, None, 8), (2, 5, 5), (64, 40, 40)],
)
def test_every_core_may_have_a_worker_of_files_and_one_stays(
    cores: int, wanted: int | None, workers: int
) -> None:
    """A core that is kept free stands idle while a batch waits."""
    assert bounds(cores=cores, most=wanted) == Bounds(least=1, most=workers)


def test_what_passes_has_its_workers_from_the_start() -> None:
    """Its work is waiting already, and it ends with that."""
    assert bounds(cores=4, is_passing=True) == Bounds(least=4, most=4)


def test_more_that_stay_than_cores_are_the_most_too() -> None:
    assert bounds(cores=2, least=6) == Bounds(least=6, most=6)


def test_the_workers_of_files_take_recordings_too() -> None:
    programs = plan(cpu_workers=3)

    files = [
        each for each in programs if each.arguments[:2] == ("worker", "file_processing")
    ]
    assert len(files) == 3
    assert all(each.arguments[2:] == ("media_processing",) for each in files)
    assert len({each.name for each in programs}) == len(programs)


def test_there_is_one_of_the_others_and_the_ai_worker_has_threads() -> None:
    programs = {each.name: each.arguments for each in plan(cpu_workers=2)}

    assert programs["api"] == ("api",)
    assert programs["scheduler"] == ("scheduler",)
    assert programs["ai_processing-1"] == (
        "worker",
        "ai_processing",
        "--threads",
        str(AI_THREADS),
    )


def test_a_passing_server_says_so() -> None:
    assert plan(cpu_workers=1, is_passing=True)[0].arguments == ("api", "--passing")


def test_no_password_stands_on_a_command_line(tmp_path: Path) -> None:
    """Every user of a machine can read the arguments of every process."""
    env = environment(
        data_dir=tmp_path,
        database_url=f"postgresql://u:{PASSWORD}@h/d",
        broker_url=f"redis://:{PASSWORD}@h",
        port=8001,
    )
    specs = process_specs(plan(cpu_workers=2), data_dir=tmp_path, env=env)

    assert env["PRSNL_PORT"] == "8001"
    for spec in specs:
        assert PASSWORD not in " ".join(spec.argv)
        assert spec.env is not None
        assert PASSWORD in spec.env["PRSNL_DATABASE_URL"]
        assert spec.log is not None
        assert spec.log.parent == tmp_path / "logs"


def test_the_sentence_of_a_program_that_cannot_start_is_found_in_its_log(
    tmp_path: Path,
) -> None:
    spec = process_specs(plan(cpu_workers=2), data_dir=tmp_path, env={})[0]
    told = spec.explain(f"a line\n{SENTENCE}The port is taken.\n")

    assert isinstance(told, StartError)
    assert told.message == "The port is taken."
    assert spec.explain("a traceback\n") is None


def test_who_made_engines_of_the_settings_starts_anew_for_changed_ones(
    tmp_path: Path,
) -> None:
    """The API reads them again by itself, and cuts nobody off."""
    specs = process_specs(plan(cpu_workers=2), data_dir=tmp_path, env={})

    assert {spec.name for spec in specs if not spec.renews} == {"api"}

"""Settings: read once, told in one sentence when wrong, and documented."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from prsnl.core.settings import Settings

REPOSITORY = Path(__file__).parents[3]


def read_in_process(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess:
    """Read the settings as a new process does: the environment is a process's own."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "from prsnl.core.settings import Settings\n"
                "from prsnl.core.errors import PrsnlError\n"
                "try: print(Settings.read())\n"
                "except PrsnlError as error: raise SystemExit(error.message)"
            ),
        ],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY / "src")}
        | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def documented(settings: Settings) -> Iterator[str]:
    """The rows of the table in docs/operations.md, from the models themselves."""
    for concern in settings.concerns():
        for name, field in type(concern).model_fields.items():
            default = field.get_default()
            if isinstance(default, timedelta):
                default = f"{default.total_seconds():g}"
            shown = "" if default is None or field.default_factory else f"`{default}`"
            variable = f"PRSNL_{name.upper()}"
            yield f"| `{variable}` | {field.description} | {shown} |"


@pytest.fixture
def settings() -> Settings:
    return Settings(
        **{
            name: kind.model_construct()
            for name, kind in Settings.concern_types().items()
        }
    )


def test_the_table_of_settings_is_the_models_own(settings: Settings) -> None:
    page = (REPOSITORY / "docs/operations.md").read_text()

    missing = [row for row in documented(settings) if row not in page]

    assert not missing, "add to docs/operations.md:\n" + "\n".join(missing)


def test_the_table_names_no_setting_that_is_gone(settings: Settings) -> None:
    page = (REPOSITORY / "docs/operations.md").read_text()
    table = {line for line in page.splitlines() if line.startswith("| `PRSNL_")}

    assert table == set(documented(settings))


def test_a_wrong_value_is_one_sentence_that_names_the_variable(tmp_path: Path) -> None:
    done = read_in_process(tmp_path, PRSNL_PORT="a lot")

    assert done.returncode == 1
    assert done.stderr.startswith("PRSNL_PORT is wrong: ")
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = read_in_process(tmp_path, PRSNL_CONFIG="none.env")

    assert "PRSNL_CONFIG names none.env" in done.stderr


def test_the_environment_goes_before_the_files(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PRSNL_PORT=1111\nPRSNL_LEASE_S=7\n")

    done = read_in_process(tmp_path, PRSNL_PORT="2222")

    assert "port=2222" in done.stdout
    assert "lease_s=datetime.timedelta(seconds=7)" in done.stdout


def test_a_secret_is_not_printed(tmp_path: Path) -> None:
    done = read_in_process(
        tmp_path, PRSNL_DATABASE_URL="postgresql://u:hunter2@host/db"
    )

    assert "hunter2" not in done.stdout
    assert str(SecretStr("x")) in done.stdout

"""How commands are called, and what their errors look like."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from prsnl import __version__
from prsnl.core.errors import BadRequestError, SettingsError
from prsnl.core.settings import Settings
from prsnl.core.settings import engines as engine_settings
from prsnl.core.settings import service as settings_of
from prsnl.terminal.developing import benches
from prsnl.terminal.doctor import settings_in_force
from prsnl.terminal.stack import given_urls
from prsnl.terminal.tasks import checked_id


def run(
    *arguments: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A command on a data folder where nothing runs."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PRSNL_")
    }
    source = Path(settings_of.__file__).parents[3]
    return subprocess.run(
        [sys.executable, "-m", "prsnl", *arguments],
        cwd=folder,
        env={
            **env,
            "PYTHONPATH": str(source),
            "PRSNL_DATA_DIR": str(folder / "data"),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def settings(*, database: str | None = None, broker: str | None = None) -> Settings:
    return Settings(
        storage=settings_of.Storage(data_dir=Path("/data")),
        database=settings_of.Database(database_url=database and SecretStr(database)),
        broker=settings_of.Broker(broker_url=broker and SecretStr(broker)),
        server=settings_of.Server(api_key=SecretStr("prsnl_secret")),
        work=settings_of.Work(),
        children=engine_settings.Children(),
        watch=settings_of.Watch(),
        logs=settings_of.Logs(),
    )


def test_the_version_is_told_without_loading_the_product(tmp_path: Path) -> None:
    done = run("--version", folder=tmp_path)

    assert done.stdout == f"prsnl {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["process"],
        ["process", "--nonsense", "x"],
        ["process", "not-there.pdf"],
        ["worker", "no_such_queue"],
        ["cancel"],
    ],
)
def test_wrong_usage_is_status_2_without_a_traceback(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = run(*arguments, folder=tmp_path)

    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["status", "cancel 1", "retry 1"])
def test_a_command_that_needs_a_server_says_how_to_start_one(
    tmp_path: Path, command: str
) -> None:
    done = run(*command.split(), folder=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("prsnl: No server is running")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["api"], {}, "PRSNL_DATABASE_URL"),
        (["up"], {"PRSNL_BROKER_URL": "redis://h"}, "PRSNL_DATABASE_URL is not"),
        (["status"], {"PRSNL_PORT": "many"}, "PRSNL_PORT"),
        (["status", "--server", "nonsense"], {}, "no address"),
        (["migrate"], {}, "PRSNL_DATABASE_URL"),
        (["bench", "nonsense"], {}, "no measurement nonsense"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], said: str
) -> None:
    done = run(*arguments, folder=tmp_path, **variables)

    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_to_stop_is_no_error(tmp_path: Path) -> None:
    done = run("down", folder=tmp_path)

    assert done.returncode == 0
    assert done.stdout.startswith("Nothing is running")


def test_asking_for_the_status_loads_neither_server_nor_celery(tmp_path: Path) -> None:
    """It is asked often, and by hand: it has to be quick."""
    script = (
        "import sys\nfrom prsnl.terminal import tasks\n"
        "print([m for m in ('celery', 'fastapi', 'alembic', 'sqlalchemy', 'uvicorn') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(settings_of.__file__).parents[3]),
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


def test_one_url_of_two_is_refused() -> None:
    assert given_urls(settings()) is None
    with pytest.raises(SettingsError, match="PRSNL_BROKER_URL is not"):
        given_urls(settings(database="postgresql://h"))


def test_a_secret_is_told_as_set_and_no_more() -> None:
    told = settings_in_force(settings(database="postgresql://u:hidden@h/d"))

    assert "PRSNL_API_KEY = (set)" in told
    assert "PRSNL_DATABASE_URL = (set)" in told
    assert "PRSNL_BROKER_URL = (not set)" in told
    assert not any("hidden" in line or "prsnl_secret" in line for line in told)


def test_what_is_no_id_is_said() -> None:
    with pytest.raises(BadRequestError, match="no id"):
        checked_id("7")


def test_measurements_are_the_programs_among_the_modules(tmp_path: Path) -> None:
    program = 'if __name__ == "__main__":\n    raise SystemExit(main())\n'
    (tmp_path / "first_run.py").write_text(program)
    (tmp_path / "shared.py").write_text("X = 1\n")

    assert benches(tmp_path) == ["first-run"]


def test_a_full_test_asks_more_at_random(tmp_path: Path) -> None:
    one = tmp_path / "test_it.py"
    one.write_text(
        "import os\n\ndef test_it():\n"
        "    assert os.environ['PRSNL_TEST_EXAMPLES'] == '10'\n"
    )

    done = run("test", "--full", str(one), folder=tmp_path)

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout

"""The settings file of the data folder: last of the sources, and the user's alone."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from prsnl.core.errors import BadRequestError, SettingsError
from prsnl.core.settings import Settings
from prsnl.core.settings.in_force import Following, InForce
from prsnl.core.settings.kept import KeptSettings
from tests.unit.core.test_settings import read_in_process

KEY = "PRSNL_LLM_API_KEY"
MODEL = "PRSNL_LLM_MODEL"


@pytest.fixture
def kept(tmp_path: Path) -> KeptSettings:
    return KeptSettings(tmp_path / "data")


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "it's",
        'a "b"',
        "a\\b",
        "a\\'b",
        "# no comment",
        " spaced ",
        "$HOME",
        "ä",
    ],
)
def test_a_value_comes_back_as_it_was(kept: KeptSettings, value: str) -> None:
    kept.change({MODEL: value})

    assert Settings.read(kept.data_dir).llm.llm_model == value


@pytest.mark.parametrize("value", ["two\nlines", "a ${HOME}", "bell\a"])
def test_what_the_file_cannot_hold_is_refused_and_not_told(
    kept: KeptSettings, value: str
) -> None:
    """It may be a key."""
    with pytest.raises(BadRequestError) as raised:
        kept.change({KEY: value})

    assert value not in raised.value.message
    assert not kept.path.exists()


def test_it_is_the_users_alone_also_if_it_was_not(kept: KeptSettings) -> None:
    kept.change({MODEL: "a"})
    kept.path.chmod(0o644)

    kept.change({KEY: "sk-1"})

    assert kept.path.stat().st_mode & 0o777 == 0o600


def test_other_lines_stay_and_changed_ones_are_replaced(kept: KeptSettings) -> None:
    kept.data_dir.mkdir()
    kept.path.write_text(
        "# mine\nexport PRSNL_LLM_MODEL=old\nPRSNL_PORT=9000\nprsnl_llm_api_key=x"
    )

    kept.change({MODEL: "new", KEY: None})

    assert kept.path.read_text() == ("# mine\nPRSNL_PORT=9000\nPRSNL_LLM_MODEL='new'\n")


def test_of_many_commands_at_once_none_loses_its_change(kept: KeptSettings) -> None:
    names = [f"PRSNL_{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: kept.change({name: "x"}), names))

    assert all(f"{name}='x'" in kept.path.read_text() for name in names)


def test_everything_else_goes_before_it(kept: KeptSettings, tmp_path: Path) -> None:
    kept.change({MODEL: "kept", "PRSNL_LEASE_S": "7", "PRSNL_OCR_LANGUAGES": "de"})
    (tmp_path / ".env").write_text("PRSNL_LLM_MODEL=dotenv\nPRSNL_LEASE_S=8\n")
    (tmp_path / "named").write_text("PRSNL_LEASE_S=9\n")

    done = read_in_process(
        tmp_path, PRSNL_DATA_DIR=str(kept.data_dir), PRSNL_CONFIG="named"
    )

    assert "llm_model='dotenv'" in done.stdout
    assert "lease_s=datetime.timedelta(seconds=9)" in done.stdout
    assert "ocr_languages='de'" in done.stdout


def test_it_does_not_move_the_folder_that_it_lies_in(kept: KeptSettings) -> None:
    kept.change({"PRSNL_DATA_DIR": "/elsewhere", "PRSNL_QUOTA_BYTES": "5"})

    storage = Settings.read(kept.data_dir).storage

    assert storage.folder == kept.data_dir
    assert storage.quota_bytes == 5


def test_a_file_that_is_no_text_is_one_sentence(
    kept: KeptSettings, tmp_path: Path
) -> None:
    kept.data_dir.mkdir()
    kept.path.write_bytes(b"PRSNL_PORT=\xff\xfe")

    done = read_in_process(tmp_path, PRSNL_DATA_DIR=str(kept.data_dir))

    assert "cannot be read (it is no text)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")

    with pytest.raises(SettingsError, match="cannot be written"):
        KeptSettings(tmp_path / "data").change({MODEL: "a"})


FULL = """
import resource, sys
from pathlib import Path
from prsnl.core.errors import PrsnlError
from prsnl.core.settings.in_force import Following, InForce
from prsnl.core.settings.kept import KeptSettings
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    KeptSettings(Path(sys.argv[1])).change({"PRSNL_LLM_MODEL": "new" * 10})
except PrsnlError as error:
    raise SystemExit(f"{error.code}: {error.message}")
"""


def test_a_full_disk_changes_nothing(kept: KeptSettings) -> None:
    kept.change({MODEL: "old"})
    before = kept.path.read_bytes()

    done = subprocess.run(
        [sys.executable, "-c", FULL, str(kept.data_dir)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.startswith("disk_full: ")
    assert kept.path.read_bytes() == before
    assert sorted(each.name for each in kept.data_dir.iterdir()) == [
        "settings.env",
        "settings.env.lock",
    ]


def test_equal_settings_have_equal_marks_and_a_changed_key_another(
    kept: KeptSettings,
) -> None:
    kept.change({KEY: "sk-1"})
    first = Settings.read(kept.data_dir).mark_of_engines()
    assert Settings.read(kept.data_dir).mark_of_engines() == first

    kept.change({"PRSNL_PORT": "9000"})  # no engine's
    assert Settings.read(kept.data_dir).mark_of_engines() == first

    kept.change({KEY: "sk-2"})
    assert Settings.read(kept.data_dir).mark_of_engines() != first


def test_what_is_made_of_the_settings_follows_them(kept: KeptSettings) -> None:
    kept.change({MODEL: "first"})
    made: list[str | None] = []

    def make(settings: Settings) -> str:
        model = settings.llm.llm_model
        made.append(model)
        if model == "bad":
            raise SettingsError("No such model.")
        return f"engine {model}"

    following = Following(InForce(Settings.read(kept.data_dir)), make)
    assert [following.now(), following.now()] == ["engine first"] * 2
    assert made == ["first"]

    kept.change({MODEL: "second"})
    assert [following.now(), following.now()] == ["engine second"] * 2
    assert made == ["first", "second"]

    kept.change({MODEL: "bad"})  # a mistake takes nothing away
    assert following.now() == "engine second"

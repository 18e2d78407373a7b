"""`./prsnl backup` and `./prsnl restore`."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from prsnl.core.db import Database
from prsnl.core.storage import FolderStorage
from prsnl.items import store

CONTENT = b"The kettle boils in the canary's kitchen."
KEY = "prsnl_first_key_of_all"


def run(environment: Mapping[str, str], *words: str) -> tuple[int, str]:
    """What the command says, and its exit status."""
    ended = subprocess.run(
        [sys.executable, "-m", "prsnl", *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def here(environment: Mapping[str, str], database: Database) -> dict[str, str]:
    """An installation that holds one file, and a key."""
    folder = Path(environment["PRSNL_DATA_DIR"])
    storage = FolderStorage(folder / "storage")
    storage.prepare()
    new = store.NewFile("ada", "kettle.txt", len(CONTENT), storage.put_bytes(CONTENT))
    database.run(lambda connection: store.add_file(connection, new))
    (folder / "api-key").write_text(KEY)
    (folder / "prompts").mkdir()
    (folder / "prompts/summarize.md").write_text("Mine.")
    return {**environment, "PATH": os.environ["PATH"]}


@pytest.fixture
def there(
    here: dict[str, str], empty_database_url: str, tmp_path: Path
) -> dict[str, str]:
    """Another one, that holds nothing."""
    return {
        **here,
        "PRSNL_DATABASE_URL": empty_database_url,
        "PRSNL_DATA_DIR": str(tmp_path / "there"),
    }


@pytest.mark.timeout(240)
def test_what_was_backed_up_is_there_again_with_its_keys(
    here: dict[str, str], there: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "all.tar"
    status, told = run(here, "backup", str(file))
    assert status == 0, told
    assert file.stat().st_mode & 0o777 == 0o600
    status, told = run(there, "restore", str(file))
    assert status == 0, told
    assert "1 items" in told

    folder = Path(there["PRSNL_DATA_DIR"])
    with Database.open(
        there["PRSNL_DATABASE_URL"], size=1, name="test", patience_s=5
    ) as pool:
        row = pool.run(
            lambda connection: connection.execute(
                "select sha256, owner from attachments"
            ).fetchone()
        )
    assert row is not None
    with FolderStorage(folder / "storage").open(row["sha256"]) as kept:
        assert kept.read() == CONTENT
    assert (folder / "api-key").read_text() == KEY
    assert (folder / "api-key").stat().st_mode & 0o777 == 0o600
    assert (folder / "prompts/summarize.md").read_text() == "Mine."
    assert "already" in run(there, "restore", str(file))[1]
    assert "is there already" in run(here, "backup", str(file))[1]


def test_what_is_no_back_up_changes_nothing(
    there: dict[str, str], tmp_path: Path
) -> None:
    page = tmp_path / "page.txt"
    page.write_text("No tar.")
    other = tmp_path / "other.tar"
    with tarfile.open(other, "w") as archive:
        archive.add(page, "page.txt")

    for file in (page, other):
        status, told = run(there, "restore", str(file))
        assert status != 0
        assert "is no back-up of PRSNL" in told

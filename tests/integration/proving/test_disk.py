"""A disk of a process's own that can be filled, and gives its room back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import need

SOURCE = Path(__file__).parents[3] / "src"
SCRIPT = """
import errno, sys
from pathlib import Path
from prsnl.core.errors import StartError
from prsnl.proving.disk import small_disk

folder = Path(sys.argv[1])
try:
    with small_disk(folder) as disk:
        (folder / "kept").write_bytes(b"x" * 100_000)
        disk.fill()
        try:
            (folder / "more").write_bytes(b"x" * 1_000_000)
        except OSError as error:
            print(errno.errorcode[error.errno])
        disk.make_room()
        (folder / "more").write_bytes(b"x" * 1_000_000)
        print(sorted(path.name for path in folder.iterdir()))
except StartError as error:
    print("refused:", error.message)
"""


def test_a_small_disk_is_full_when_told_and_seen_by_nobody_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    refused = done.stdout.startswith("refused:")
    need("a mount namespace", is_there=not refused, why=done.stdout.strip())

    assert done.stdout.splitlines() == ["ENOSPC", "['kept', 'more']"]
    assert [*tmp_path.iterdir()] == []

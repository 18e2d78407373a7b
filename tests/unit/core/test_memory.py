"""How much memory there is: the machine's, or the container's where that has less."""

from __future__ import annotations

from pathlib import Path

import psutil

from prsnl.core import memory

MIB = 2**20


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def test_without_control_groups_it_is_the_machine(tmp_path: Path) -> None:
    told = memory.of_machine(tmp_path / "none", tmp_path / "none either")

    assert told.total == psutil.virtual_memory().total
    assert 0 < told.available <= told.total


def test_a_container_has_what_it_may_have_less_what_it_uses(tmp_path: Path) -> None:
    """Pages of files that nobody touches are given back before anything is refused."""
    (tmp_path / "mine").write_text("0::/prsnl/api\n")
    group(tmp_path / "groups" / "prsnl", memory__max=f"{512 * MIB}\n")
    group(
        tmp_path / "groups" / "prsnl",
        memory__current=f"{300 * MIB}\n",
        memory__stat=f"anon 5\ninactive_file {100 * MIB}\n",
    )
    group(tmp_path / "groups" / "prsnl" / "api", memory__max="max\n")

    told = memory.of_machine(tmp_path / "groups", tmp_path / "mine")

    assert (told.total, told.available) == (512 * MIB, 312 * MIB)


def test_the_older_control_groups_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("8:pids:/\n4:cpu,memory:/box\n")
    group(
        tmp_path / "groups" / "memory" / "box",
        memory__limit_in_bytes=f"{400 * MIB}\n",
        memory__usage_in_bytes=f"{390 * MIB}\n",
        memory__stat=f"total_inactive_file {10 * MIB}\n",
    )

    told = memory.of_machine(tmp_path / "groups", tmp_path / "mine")

    assert (told.total, told.available) == (400 * MIB, 20 * MIB)

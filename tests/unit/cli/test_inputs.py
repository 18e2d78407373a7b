"""Which files a command means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prsnl.terminal.inputs import collect


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def names(*paths: Path) -> list[str]:
    return [str(each.name) for each in collect(paths).files]


def test_a_folder_is_walked_by_name_and_keeps_its_sub_folders(tmp_path: Path) -> None:
    make(tmp_path, "b.txt", "a.txt", "sub/deep/c.txt", "sub/b.txt")

    assert names(tmp_path) == ["a.txt", "b.txt", "sub/b.txt", "sub/deep/c.txt"]


def test_a_file_is_its_name(tmp_path: Path) -> None:
    make(tmp_path, "sub/a.txt")

    assert names(tmp_path / "sub/a.txt") == ["a.txt"]


def test_hidden_files_and_folders_are_left_out_and_counted(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", ".hidden", ".git/config")

    assert names(tmp_path) == ["a.txt"]
    assert collect([tmp_path]).hidden == 2


def test_a_hidden_file_that_is_named_is_meant(tmp_path: Path) -> None:
    make(tmp_path, ".note.txt")

    assert names(tmp_path / ".note.txt") == [".note.txt"]


def test_a_loop_of_links_ends_and_is_said(tmp_path: Path) -> None:
    make(tmp_path, "sub/a.txt")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    found = collect([tmp_path])

    assert [str(each.name) for each in found.files] == ["sub/a.txt"]
    assert "by a link" in found.skipped[0]


def test_a_link_that_leads_nowhere_and_a_pipe_are_said(tmp_path: Path) -> None:
    """Opening a pipe would wait for ever."""
    make(tmp_path, "a.txt")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    found = collect([tmp_path])

    assert len(found.skipped) == 2
    assert collect([tmp_path / "pipe"]).missing


def test_a_file_is_taken_once_however_often_it_is_named(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")

    assert names(tmp_path, tmp_path / "a.txt") == ["a.txt"]


def test_two_files_of_one_name_get_two_places(tmp_path: Path) -> None:
    make(tmp_path, "x/a.txt", "y/a.txt", "z/x/a.txt")

    assert names(tmp_path / "x/a.txt", tmp_path / "y/a.txt") == ["a.txt", "y/a.txt"]
    assert names(
        tmp_path / "y/a.txt", tmp_path / "x/a.txt", tmp_path / "z/x/a.txt"
    ) == ["a.txt", "x/a.txt", "a (2).txt"]


def test_what_is_not_there_is_said_and_the_others_are_taken(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    found = collect([tmp_path / "nothing", tmp_path / "a.txt"])

    assert list(found.missing) == [str(tmp_path / "nothing")]
    assert len(found.files) == 1


def test_what_prsnl_itself_writes_is_no_input_by_whatever_way(tmp_path: Path) -> None:
    """The results of a run, and the data folder with its keys."""
    make(tmp_path, "in/a.txt", "out/a.txt.json", "data/api-key")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    own = [tmp_path / "out", tmp_path / "data"]

    found = collect([tmp_path / "in", tmp_path / "data"], leave_out=own)
    assert [str(each.name) for each in found.files] == ["a.txt"]
    assert len([line for line in found.skipped if "PRSNL itself" in line]) == 3


def test_a_link_to_itself_is_left_out_and_said(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    found = collect([tmp_path])

    assert [str(each.name) for each in found.files] == ["a.txt"]
    assert str(tmp_path / "loop.txt") in found.skipped[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_files_that_are_listed_and_not_to_be_had_are_left_out_and_said(
    tmp_path: Path,
) -> None:
    """As one that is removed between the listing and the look."""
    make(tmp_path, "sub/a.txt", "b.txt")
    (tmp_path / "sub").chmod(0o600)
    found = collect([tmp_path])
    (tmp_path / "sub").chmod(0o700)

    assert [str(each.name) for each in found.files] == ["b.txt"]
    assert "a.txt" in found.skipped[0]

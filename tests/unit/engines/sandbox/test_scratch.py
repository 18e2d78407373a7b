"""Scratch folders: what is counted, what is handed out, and that all of it goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prsnl.core.errors import DiskFullError
from prsnl.engines.sandbox.scratch import Scratch, ScratchRoot, remove_tree


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "child", user_id=None)


def test_every_file_counts_even_an_empty_one(scratch: Scratch) -> None:
    for number in range(10):
        (scratch.outputs / f"{number}").touch()
    (scratch.outputs / "folder").mkdir()
    (scratch.outputs / "folder" / "big").write_bytes(b"x" * 100_000)

    assert 140_000 <= scratch.used_bytes(enough=10**9) < 300_000
    assert scratch.used_bytes(enough=8_000) <= 16_000


def test_inputs_do_not_count(scratch: Scratch) -> None:
    (scratch.inputs / "upload").write_bytes(b"x" * 100_000)

    assert scratch.used_bytes(enough=10**9) == 0


def test_a_hole_counts_as_if_it_were_written(scratch: Scratch) -> None:
    with (scratch.outputs / "sparse").open("wb") as file:
        file.truncate(2**30)

    assert scratch.used_bytes(enough=2**40) >= 2**30


@pytest.mark.parametrize("size_bytes", [8, 2**30])
def test_an_output_larger_than_asked_for_is_not_taken(
    scratch: Scratch, size_bytes: int
) -> None:
    with (scratch.outputs / "page.jpg").open("wb") as file:
        file.truncate(size_bytes)

    for _ in range(2):
        with pytest.raises(DiskFullError, match="more than 7 bytes"):
            scratch.output("page.jpg", max_bytes=7)


def test_an_output_does_not_grow_in_the_hands_of_a_child_that_holds_it_open(
    scratch: Scratch,
) -> None:
    with (scratch.outputs / "page.jpg").open("wb", buffering=0) as held:
        held.write(b"picture")
        found = scratch.output("page.jpg", max_bytes=7)
        held.write(b"more")

    assert found is not None
    assert found.read_bytes() == b"picture"


def test_an_output_leaves_the_childs_folder_and_can_be_asked_for_again(
    scratch: Scratch,
) -> None:
    (scratch.outputs / "page.jpg").write_bytes(b"picture")

    found = scratch.output("page.jpg", max_bytes=7)

    assert found is not None
    assert found.read_bytes() == b"picture"
    assert not (scratch.outputs / "page.jpg").exists()
    assert scratch.output("page.jpg", max_bytes=7) == found


def test_neither_links_nor_folders_are_outputs(
    scratch: Scratch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="ascii")
    (scratch.outputs / "symbolic").symlink_to(secret)
    (scratch.outputs / "hard").hardlink_to(secret)
    (scratch.outputs / "folder").mkdir()
    os.mkfifo(scratch.outputs / "pipe")

    for name in ("symbolic", "hard", "folder", "pipe", "absent"):
        assert scratch.output(name, max_bytes=7) is None
    assert secret.exists()


def test_a_cleared_scratch_is_empty_and_usable(scratch: Scratch) -> None:
    (scratch.inputs / "a").touch()
    (scratch.outputs / "b" / "c").mkdir(parents=True)

    scratch.clear()

    assert list(scratch.inputs.iterdir()) == list(scratch.outputs.iterdir()) == []


def test_closed_folders_and_links_are_removed_and_what_links_name_stays(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    doomed = tmp_path / "doomed"
    (doomed / "closed" / "deeper").mkdir(parents=True)
    (doomed / "closed" / "deeper" / "file").touch()
    (doomed / "closed").chmod(0)
    (doomed / "link").symlink_to(kept)

    remove_tree(doomed)

    assert not doomed.exists()
    assert (kept / "file").exists()


def test_only_folders_of_pools_that_are_gone_are_cleared_up(tmp_path: Path) -> None:
    alive = ScratchRoot(tmp_path)
    gone = tmp_path / "pool-gone"
    (gone / "child-1").mkdir(parents=True)
    (gone / "lock").touch()
    other = tmp_path / "something else"
    other.mkdir()

    following = ScratchRoot(tmp_path)

    assert not gone.exists()
    assert alive.folder.exists()
    assert other.exists()
    for root in (alive, following):
        root.close()
        assert not root.folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
def test_an_input_is_opened_to_the_childs_user_and_its_original_is_not(
    tmp_path: Path,
) -> None:
    original = tmp_path / "blob"
    original.write_text("text", encoding="ascii")
    original.chmod(0o600)
    scratch = Scratch(tmp_path / "child", user_id=0x70000001)
    (scratch.inputs / "upload").hardlink_to(original)

    scratch.open_inputs()

    assert (scratch.inputs / "upload").stat().st_mode & 0o777 == 0o444
    assert original.stat().st_mode & 0o777 == 0o600

"""The files that `--output` writes."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from uuid import UUID

import pytest

from prsnl.core.errors import BadRequestError
from prsnl.terminal.export import Output
from tests.unit.cli import outcomes


class FakeServer:
    """Gives the text of any file."""

    def text(self, _: UUID | str) -> str:
        return "The text.\n"

    def markdown(self, _: UUID | str) -> str:
        return "# The text\n"


def test_a_success_is_three_files_below_the_same_folders(tmp_path: Path) -> None:
    output = Output(tmp_path / "out")
    output.prepare()
    output.write(FakeServer(), outcomes.success("sub/lease.pdf"))

    folder = tmp_path / "out" / "sub"
    assert sorted(path.name for path in folder.iterdir()) == [
        "lease.pdf.json",
        "lease.pdf.md",
        "lease.pdf.txt",
    ]
    assert (folder / "lease.pdf.txt").read_text() == "The text.\n"
    assert json.loads((folder / "lease.pdf.json").read_text())["status"] == "success"


def test_a_failure_is_told_in_a_file_too(tmp_path: Path) -> None:
    output = Output(tmp_path)
    output.write(FakeServer(), outcomes.failure("a.pdf"))

    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf.json"]
    assert (
        json.loads((tmp_path / "a.pdf.json").read_text())["error"]["code"] == "corrupt"
    )


def test_files_in_an_archive_lie_below_its_name_and_nowhere_else(
    tmp_path: Path,
) -> None:
    """A name from in there is a label, and takes no other's place."""
    names = [
        "a/b.md",
        "../../up.txt",
        "/root.txt",
        "same",
        "same",
        "same.txt/in",
        "bad",
    ]
    members = [
        {
            "name": name,
            "attachment_id": f"00000000-0000-0000-0000-{number:012}",
            "status": "failure" if name == "bad" else "success",
        }
        for number, name in enumerate(names)
    ]
    done = outcomes.success("a.zip")
    assert done.task is not None
    task = done.task.model_copy(update={"result": {"members": members}})
    output = Output(tmp_path / "out")
    output.prepare()

    output.write(FakeServer(), dataclasses.replace(done, task=task))

    folder = tmp_path / "out" / "a.zip"
    written = {str(one.relative_to(folder)) for one in folder.rglob("*.md")}
    assert written == {
        "a/b.md.md",
        "up.txt.md",
        "root.txt.md",
        "same.md",
        "00000004 same.md",
        "00000005 in.md",
    }
    assert {one.name for one in tmp_path.iterdir()} == {"out"}


def test_an_older_result_is_replaced(tmp_path: Path) -> None:
    output = Output(tmp_path)
    output.write(FakeServer(), outcomes.failure("a.pdf"))
    output.write(FakeServer(), outcomes.success("a.pdf"))

    assert json.loads((tmp_path / "a.pdf.json").read_text())["status"] == "success"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BadRequestError, match="another"):
        Output(tmp_path / "file" / "out").prepare()


def test_the_longest_name_has_room_for_an_ending_and_stays_its_own(
    tmp_path: Path,
) -> None:
    output = Output(tmp_path)
    for letter in "ab":
        name = "é" * 120 + letter * 11 + ".txt"
        output.write(FakeServer(), outcomes.success(name))

    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == 6
    assert all(name.startswith("éé") and ".txt." in name for name in names)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every folder")
def test_a_folder_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(BadRequestError, match="cannot be made or written"):
        Output(tmp_path).prepare()

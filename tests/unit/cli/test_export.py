"""The files that `--output` writes."""

from __future__ import annotations

import json
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


def test_an_older_result_is_replaced(tmp_path: Path) -> None:
    output = Output(tmp_path)
    output.write(FakeServer(), outcomes.failure("a.pdf"))
    output.write(FakeServer(), outcomes.success("a.pdf"))

    assert json.loads((tmp_path / "a.pdf.json").read_text())["status"] == "success"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BadRequestError, match="another"):
        Output(tmp_path / "file" / "out").prepare()

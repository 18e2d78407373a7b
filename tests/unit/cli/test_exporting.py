"""An export's folder: names that stay, and nothing of others overwritten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prsnl.core.errors import BadRequestError, NotFoundError
from prsnl.items.models import ItemView
from prsnl.terminal.exported import MANIFEST, Exports, Manifest
from prsnl.terminal.exporting import Export
from prsnl.terminal.inputs import collect
from tests.unit.cli import outcomes


@dataclass
class Shelf:
    """A library of small files; as a server it tells and gives them."""

    contents: dict[UUID, tuple[str, bytes]] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)

    def put(self, name: str, content: str) -> UUID:
        """Keep a file."""
        key = uuid4()
        self.contents[key] = (name, content.encode())
        return key

    def items(self) -> Iterator[ItemView]:
        for key, (name, content) in self.contents.items():
            attachment = outcomes.attachment(
                id=key, file_name=name, sha256=hashlib.sha256(content).hexdigest()
            )
            yield outcomes.item(attachments=[attachment])

    def download(self, attachment_id: UUID, target: Path) -> None:
        if attachment_id in self.gone:
            raise NotFoundError("There is no such file.")
        target.write_bytes(self.contents[attachment_id][1])

    def markdown(self, attachment_id: UUID) -> str:
        return f"---\n---\n{self.contents[attachment_id][1].decode()}"


def export(shelf: Shelf, folder: Path) -> Export:
    run = Export(shelf, Manifest.read(folder) or Manifest(folder))
    run.run()
    run.manifest.write()
    return run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != MANIFEST}


def test_names_stay_from_one_export_to_the_next(tmp_path: Path) -> None:
    """Also when an older file of the same name has gone from the library."""
    shelf = Shelf()
    first = shelf.put("a.txt", "One")
    shelf.put("A.TXT", "Two")
    export(shelf, tmp_path)
    assert {"a.txt", "A (2).TXT"} <= names(tmp_path)
    del shelf.contents[first]
    again = export(shelf, tmp_path)

    assert again.written == 0
    assert (tmp_path / "A (2).TXT").read_text() == "Two"
    assert "1 file of an earlier export went" in "\n".join(again.told())


def test_a_file_beside_another_takes_nobodys_name(tmp_path: Path) -> None:
    """`a.txt.md` may be a file of the library, and is what stands beside `a.txt`."""
    shelf = Shelf()
    shelf.put("a.txt", "One")
    shelf.put("a.txt.md", "Two")
    export(shelf, tmp_path)

    assert (tmp_path / "a.txt").read_text() == "One"
    assert (tmp_path / "a.txt (2).md").read_text() == "Two"


@pytest.mark.parametrize("name", ["../up.txt", "/etc/passwd", ".hidden", "", "x" * 300])
def test_no_name_leads_out_of_the_folder_or_hides(tmp_path: Path, name: str) -> None:
    shelf = Shelf()
    shelf.put(name, "One")
    folder = tmp_path / "out"
    folder.mkdir()
    export(shelf, folder)

    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(names(folder)) == 3
    assert not any(one.startswith(".") for one in names(folder))


def test_what_is_not_of_an_export_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.txt.json").symlink_to(tmp_path / "nowhere")
    shelf = Shelf()
    shelf.put("a.txt", "One")
    run = export(shelf, tmp_path)

    assert not (tmp_path / "nowhere").exists()
    assert (tmp_path / "a (2).txt.json").exists()
    assert "a.txt.json is there and of no export" in run.notes[0]


def test_a_file_that_goes_meanwhile_costs_that_file_alone(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.gone.add(shelf.put("gone.txt", "One"))
    shelf.put("kept.txt", "Two")
    run = export(shelf, tmp_path)

    assert (tmp_path / "kept.txt.md").exists()
    assert "gone.txt: it went meanwhile" in run.left[0]
    assert not list(tmp_path.glob(".*.new"))


def test_the_way_back_sends_the_originals_under_their_own_names(
    tmp_path: Path,
) -> None:
    shelf = Shelf()
    shelf.put("a.txt", "One")
    shelf.put("a.txt", "Two")
    export(shelf, tmp_path)
    (tmp_path / "mine.md").write_text("Put here by hand")
    inputs = collect([tmp_path])
    found = Exports.among([tmp_path], inputs)

    told = {file.name.name: file.upload_as for file in inputs.files}
    assert told == {"a.txt": "a.txt", "a (2).txt": "a.txt", "mine.md": None}
    assert len(found.told) == 2


def test_a_damaged_manifest_is_said_and_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(BadRequestError, match="cannot be read"):
        Manifest.read(tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps({"format": 99}))
    with pytest.raises(BadRequestError, match="another version"):
        Manifest.read(tmp_path)

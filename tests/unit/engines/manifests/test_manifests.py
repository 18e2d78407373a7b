"""What manifests and lock files name: told by name and content, never executed."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.engines import limits, manifests
from prsnl.engines.contracts import Dependencies
from tests.fakes.child_files import FolderFiles
from tests.unit.engines.manifests.examples import EXAMPLES, Example


def found(folder: Path, name: str, text: str | bytes) -> Dependencies | None:
    (folder / "blob").write_bytes(text if isinstance(text, bytes) else text.encode())
    frames = list(
        manifests.read(FolderFiles(folder, folder), {"path": "blob", "file_name": name})
    )
    return Dependencies.model_validate(frames[0]) if frames else None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_manifest_tells_names_versions_and_groups(
    tmp_path: Path, example: Example
) -> None:
    assert manifests.may_be(example.name)
    told = found(tmp_path, example.name, example.text)

    assert told is not None
    assert [
        (one.name, one.version, one.group, one.is_optional) for one in told.dependencies
    ] == example.rows
    assert {one.ecosystem for one in told.dependencies} == {example.ecosystem}


def test_every_kind_of_manifest_is_tested_here() -> None:
    tested = {
        one.format
        for example in EXAMPLES
        for one in manifests.MANIFESTS
        if one.name.fullmatch(example.name)
    }

    assert tested >= {one.format for one in manifests.MANIFESTS} - {"pdm.lock"}


@pytest.mark.parametrize("name", ["notes.txt", "package.md", "cargo.txt", "pom.html"])
def test_other_names_are_not_looked_into(name: str) -> None:
    assert not manifests.may_be(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "The product shall be fast.\nIt shall be small, too.\n"),
        ("package.json", "[1, 2]"),
        ("package.json", '{"weight": 3}'),
        ("package.json", "{"),
        ("package.json", "[" * 200_000),
        ("pyproject.toml", "x = " + "[" * 50_000),
        ("pyproject.toml", "[tool"),
        ("Cargo.toml", "title = 'x'"),
        ("pom.xml", "<html/>"),
        ("pom.xml", '<!DOCTYPE a [<!ENTITY b "c">]><project>&b;</project>'),
        ("go.mod", "nothing"),
        ("yarn.lock", "nothing"),
        ("Gemfile", "nothing"),
        ("composer.lock", b"\x00\x01\x02\x03" * 20),
        ("setup.cfg", "nothing"),
    ],
)
def test_what_only_has_the_name_is_no_manifest(
    tmp_path: Path, name: str, text: str | bytes
) -> None:
    assert found(tmp_path, name, text) is None


def test_shapes_that_nobody_expects_do_no_harm(tmp_path: Path) -> None:
    text = '{"dependencies": {"a": {"b": []}, "c": null}, "devDependencies": 3}'

    told = found(tmp_path, "package.json", text)

    assert told is not None
    assert [(one.name, one.version) for one in told.dependencies] == [
        ("a", None),
        ("c", None),
    ]


def test_more_dependencies_than_the_limit_are_told(tmp_path: Path) -> None:
    text = "\n".join(f"p{n}==1" for n in range(limits.DEPENDENCIES + 1))

    told = found(tmp_path, "requirements.txt", text)

    assert told is not None
    assert len(told.dependencies) == limits.DEPENDENCIES
    assert "are listed" in told.warnings[0]

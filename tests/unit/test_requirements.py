"""The locks hold what pyproject.toml declares, and nothing that must stay out."""

import re
import runpy
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
# Declared by a package of ours, and left out: 5 GB for a model that runs without it.
LEFT_OUT: Final = {"torch"}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_COPYLEFT: Final = re.compile(r"(?<!L)(?<!Lesser )\b(AGPL|GPL|GNU (Affero )?General)")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    found = (_NAME.match(requirement) for requirement in requirements)
    return {canonical(name.group()) for name in found if name}


def locked(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {
        canonical(line.partition("==")[0])
        for line in lines
        if "==" in line and not line.startswith((" ", "#"))
    }


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def licence_of(name: str) -> str:
    """What an installed package says of its licence, short texts alone."""
    metadata = distribution(name).metadata
    said = metadata.get_all("License-Expression", [])
    said += metadata.get_all("License", [])
    said += [c for c in metadata.get_all("Classifier", []) if c.startswith("License")]
    return " | ".join(text for text in said if text and len(text) < 200)


def is_copyleft(licence: str) -> bool:
    """Whether a licence is GPL or AGPL and offers no other; the LGPL is neither."""
    lesser = re.sub(r"LGPL\S*|GNU Lesser General[^|]*", "", licence)
    return bool(_COPYLEFT.search(lesser)) and " OR " not in licence


def test_every_declared_requirement_is_locked() -> None:
    assert declared(project()["project"]["dependencies"]) <= (
        locked("requirements.lock") | LEFT_OUT
    )
    assert declared(project()["dependency-groups"]["test"]) <= (
        locked("requirements-test.lock")
    )


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_no_lock_brings_a_gpu_stack_or_an_address(name: str) -> None:
    assert not {
        package
        for package in locked(name)
        if package in LEFT_OUT or package.startswith(("nvidia-", "cuda-", "triton"))
    }
    assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_every_locked_package_has_a_hash(name: str) -> None:
    """`--require-hashes` stops at the first that has none."""
    text = (ROOT / name).read_text()

    entries = re.split(r"\n(?=\S)", text.strip())

    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_two_locks_agree_on_versions() -> None:
    versions: dict[str, str] = {}
    for lock in ("requirements.lock", "requirements-test.lock"):
        for line in (ROOT / lock).read_text().splitlines():
            name, is_pinned, rest = line.partition("==")
            if is_pinned and ";" not in line:
                version = rest.split()[0]
                assert versions.setdefault(canonical(name), version) == version


def test_no_locked_package_is_under_a_strong_copyleft() -> None:
    found = {}
    for name in locked("requirements.lock"):
        try:
            licence = licence_of(name)
        except PackageNotFoundError:
            continue  # for another platform
        if is_copyleft(licence):
            found[name] = licence

    assert found == {}


@pytest.mark.parametrize(
    ("licence", "is_strong"),
    [
        ("GPL-3.0-only", True),
        ("AGPL-3.0", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("License :: OSI Approved :: GNU Affero General Public License v3", True),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("GPL-2.0-or-later OR MIT", False),
        ("MIT", False),
    ],
)
def test_the_licence_check_knows_strong_from_weak(
    licence: str,
    is_strong: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_copyleft(licence) is is_strong


def test_the_set_up_knows_the_size_of_every_lock() -> None:
    set_up = runpy.run_path(str(ROOT / "scripts" / "set_up.py"))

    sizes_mb = set_up["SIZES_MB"]

    assert set(sizes_mb) == {"requirements.lock", "requirements-test.lock"}
    assert all(0 < download < disk for download, disk in sizes_mb.values())


def test_the_size_on_disk_is_what_the_packages_say() -> None:
    """A lock that grows or shrinks by a quarter asks for a new measurement."""
    set_up = runpy.run_path(str(ROOT / "scripts" / "set_up.py"))
    size_bytes = 0
    for name in locked("requirements.lock"):
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue  # for another platform
        size_bytes += sum(file.size or 0 for file in files)

    told_mb = set_up["SIZES_MB"]["requirements.lock"][1]

    assert 0.75 * told_mb < size_bytes / 10**6 < 1.25 * told_mb

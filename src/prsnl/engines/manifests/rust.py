"""Rust: Cargo.toml and Cargo.lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from prsnl.engines.contracts import Dependency
from prsnl.engines.manifests.values import (
    Table,
    table,
    tables,
    text_or_none,
    toml_table,
)

_ECOSYSTEM: Final = "cargo"
_SECTIONS: Final = (
    ("dependencies", None),
    ("dev-dependencies", "dev"),
    ("build-dependencies", "build"),
)


def cargo(text: str) -> Sequence[Dependency] | None:
    """What a crate asks for, on any platform."""
    told = toml_table(text)
    if not {"package", "workspace", "dependencies"} & told.keys():
        return None
    found = list(_sections(told))
    for platform in table(told, "target").values():
        found += _sections(table(platform))
    found += _crates(table(told, "workspace", "dependencies"), "workspace")
    return found


def _sections(told: Table) -> Iterator[Dependency]:
    for section, group in _SECTIONS:
        yield from _crates(table(told, section), group)


def _crates(crates: Table, group: str | None) -> Iterator[Dependency]:
    for name, told in crates.items():
        yield Dependency(
            name=text_or_none(table(told).get("package")) or name,
            version=_version(told),
            ecosystem=_ECOSYSTEM,
            group=group,
            is_optional=table(told).get("optional") is True,
        )


def _version(told: Any) -> str | None:
    if isinstance(told, dict):
        told = told.get("version") or told.get("git") or told.get("path")
    return text_or_none(told)


def lock(text: str) -> Sequence[Dependency] | None:
    """What Cargo has chosen; what lies in the workspace itself has no source."""
    told = toml_table(text)
    if "package" not in told and "version" not in told:
        return None
    return [
        Dependency(
            name=one["name"],
            version=text_or_none(one.get("version")),
            ecosystem=_ECOSYSTEM,
        )
        for one in tables(told.get("package"))
        if text_or_none(one.get("name")) and one.get("source")
    ]

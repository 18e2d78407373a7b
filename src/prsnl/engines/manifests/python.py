"""Python: requirements, pyproject, Pipfile, setup.cfg and the locks of three tools."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from prsnl.engines.contracts import Dependency
from prsnl.engines.manifests.values import (
    Table,
    json_table,
    table,
    tables,
    text_or_none,
    texts,
    toml_table,
)

_ECOSYSTEM: Final = "pypi"
#: A requirement as PEP 508 writes it: name, extras, and an address or versions.
_REQUIREMENT: Final = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?)\s{0,9}"
    r"(?:\[[^\]]{0,500}\])?\s{0,9}"
    r"(?:@\s{0,9}(?P<address>\S{1,2000})"
    r"|\(?(?P<version>(?:[=<>!~]=?=?[^;()]{1,200})?)\)?)\s{0,9}(?:;.{0,1000})?"
)
_EGG: Final = re.compile(r"[#&]egg=([A-Za-z0-9._-]{1,200})")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_FIRST_OPTION: Final = re.compile(r"\s--?[a-z-]{1,40}[ =].*")
#: Other lines than requirements that a good file may have.
_OPTION: Final = re.compile(r"-")
_WRONG_SHARE_MAX: Final = 0.2


def requirements(text: str) -> Sequence[Dependency] | None:
    """What `pip install -r` would install."""
    found: list[Dependency] = []
    wrong = 0
    for line in text.replace("\\\n", " ").splitlines():
        bare = _COMMENT.sub("", line).strip()
        if not bare:
            continue
        if egg := _EGG.search(bare):
            found.append(Dependency(name=egg.group(1), ecosystem=_ECOSYSTEM))
        elif not _OPTION.match(bare):
            one = _requirement(_FIRST_OPTION.sub("", bare))
            found += [one] if one else []
            wrong += one is None
    return found if wrong <= _WRONG_SHARE_MAX * (len(found) + wrong) else None


def _requirement(
    told: str, group: str | None = None, *, is_optional: bool = False
) -> Dependency | None:
    match = _REQUIREMENT.fullmatch(told.strip())
    if not match:
        return None
    version = (match["version"] or "").strip() or match["address"]
    return Dependency(
        name=match["name"],
        version=version or None,
        ecosystem=_ECOSYSTEM,
        group=group,
        is_optional=is_optional,
    )


def _requirements(
    values: object, group: str | None = None, *, is_optional: bool = False
) -> Iterator[Dependency]:
    for told in texts(values):
        if one := _requirement(told, group, is_optional=is_optional):
            yield one


def pyproject(text: str) -> Sequence[Dependency] | None:
    """Of the standard, and of Poetry; what only builds it is left out."""
    told = toml_table(text)
    if not {"project", "tool", "build-system", "dependency-groups"} & told.keys():
        return None
    project = table(told, "project")
    found = list(_requirements(project.get("dependencies")))
    for name, values in table(project, "optional-dependencies").items():
        found += _requirements(values, name, is_optional=True)
    for name, values in table(told, "dependency-groups").items():
        found += _requirements(values, name)
    poetry = table(told, "tool", "poetry")
    found += _poetry(table(poetry, "dependencies"), None)
    found += _poetry(table(poetry, "dev-dependencies"), "dev")
    for name in table(poetry, "group"):
        found += _poetry(table(poetry, "group", name, "dependencies"), name)
    return found


def _poetry(values: Table, group: str | None) -> Iterator[Dependency]:
    for name, told in values.items():
        if name.lower() != "python":
            yield Dependency(
                name=name,
                version=_version(told),
                ecosystem=_ECOSYSTEM,
                group=group,
                is_optional=bool(isinstance(told, dict) and told.get("optional")),
            )


def _version(told: Any) -> str | None:
    """A version as Poetry and Pipfile write it: a text, or a table with one."""
    if isinstance(told, list):  # one for each platform
        told = told[0] if told else None
    if isinstance(told, dict):
        told = told.get("version") or told.get("git") or told.get("path")
    return None if told == "*" else text_or_none(told)


def lock(text: str) -> Sequence[Dependency] | None:
    """What Poetry, uv or PDM has chosen."""
    told = toml_table(text)
    if not isinstance(told.get("package"), list):
        return None
    return [
        Dependency(
            name=one["name"],
            version=text_or_none(one.get("version")),
            ecosystem=_ECOSYSTEM,
            group=_group(one),
            is_optional=one.get("optional") is True,
        )
        for one in tables(told["package"])
        if text_or_none(one.get("name")) and not _is_itself(one)
    ]


def _group(package: Table) -> str | None:
    groups = list(texts(package.get("groups"))) or [str(package.get("category", ""))]
    return None if {"main", "default", ""} & set(groups) else groups[0]


def _is_itself(package: Table) -> bool:
    """The project that the lock is for is in uv's list, too."""
    source = table(package, "source")
    return source.get("virtual") == "." or source.get("editable") == "."


def pipfile(text: str) -> Sequence[Dependency] | None:
    """What Pipenv is asked for."""
    told = toml_table(text)
    if not {"packages", "dev-packages"} & told.keys():
        return None
    return [
        *_poetry(table(told, "packages"), None),
        *_poetry(table(told, "dev-packages"), "dev"),
    ]


def pipfile_lock(text: str) -> Sequence[Dependency] | None:
    """What Pipenv has chosen."""
    told = json_table(text)
    if "_meta" not in told:
        return None
    return [
        *_poetry(table(told, "default"), None),
        *_poetry(table(told, "develop"), "dev"),
    ]


def setup_cfg(text: str) -> Sequence[Dependency] | None:
    """The declared ones of an older project."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    if not parser.has_section("metadata") and not parser.has_section("options"):
        return None
    lines = parser.get("options", "install_requires", fallback="").splitlines()
    found = list(_requirements(lines))
    extras = "options.extras_require"
    for name in parser.options(extras) if parser.has_section(extras) else ():
        lines = parser.get(extras, name).splitlines()
        found += _requirements(lines, name, is_optional=True)
    return found

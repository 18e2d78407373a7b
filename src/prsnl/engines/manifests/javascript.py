"""JavaScript: package.json, and the locks of npm, Yarn and pnpm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from prsnl.engines.contracts import Dependency
from prsnl.engines.manifests.values import Table, json_table, table, text_or_none

_ECOSYSTEM: Final = "npm"
#: Section -> group, and whether one can do without.
_SECTIONS: Final = (
    ("dependencies", None, False),
    ("devDependencies", "dev", False),
    ("peerDependencies", "peer", False),
    ("optionalDependencies", None, True),
)
_SIGNS: Final = ("name", "version", "private", "scripts", "workspaces", "type", "main")
_MODULES: Final = "node_modules/"
_YARN_VERSION: Final = re.compile(r'\s{1,4}"?version"?:?\s{1,4}"?([^"\s]{1,100})"?\s*')
#: A package and its version as pnpm calls them, in all versions of its lock.
_PNPM_KEY: Final = re.compile(
    r"  ['\"]?/?(?P<name>(?:@[\w.~-]{1,100}/)?[\w.~-]{1,100})[@/]"
    r"(?P<version>\d[^('\"_:]{0,100})[^:]{0,2000}:.{0,100}"
)


def package(text: str) -> Sequence[Dependency] | None:
    """What a package asks for."""
    told = json_table(text)
    sections = [name for name, _, _ in _SECTIONS]
    if not any(name in told for name in (*sections, *_SIGNS)):
        return None
    return [
        Dependency(
            name=name,
            version=text_or_none(version),
            ecosystem=_ECOSYSTEM,
            group=group,
            is_optional=is_optional,
        )
        for section, group, is_optional in _SECTIONS
        for name, version in table(told, section).items()
    ]


def package_lock(text: str) -> Sequence[Dependency] | None:
    """What npm has chosen."""
    told = json_table(text)
    if "lockfileVersion" not in told:
        return None
    packages = table(told, "packages")
    if packages:
        return list(_packages(packages))
    return list(_nested(table(told, "dependencies")))


def _packages(packages: Table) -> Iterator[Dependency]:
    for path, one in packages.items():
        if _MODULES in path and isinstance(one, dict) and not one.get("link"):
            yield _locked(path.rpartition(_MODULES)[2], one)


def _nested(dependencies: Table) -> Iterator[Dependency]:
    for name, one in dependencies.items():
        if isinstance(one, dict):
            yield _locked(name, one)
            yield from _nested(table(one, "dependencies"))


def _locked(name: str, one: Table) -> Dependency:
    return Dependency(
        name=text_or_none(one.get("name")) or name,
        version=text_or_none(one.get("version")),
        ecosystem=_ECOSYSTEM,
        group="dev" if one.get("dev") is True else None,
        is_optional=one.get("optional") is True,
    )


def yarn_lock(text: str) -> Sequence[Dependency] | None:
    """What Yarn has chosen, in its first format and in the later one."""
    if "yarn lockfile" not in text[:1000] and "__metadata:" not in text[:2000]:
        return None
    found = []
    name = None
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            name = _yarn_name(line)
        elif name and (match := _YARN_VERSION.fullmatch(line)):
            found.append(
                Dependency(name=name, version=match.group(1), ecosystem=_ECOSYSTEM)
            )
            name = None
    return found


def _yarn_name(line: str) -> str | None:
    """The name in `"@a/b@^1, @a/b@~2":`; the workspace itself is none."""
    first = line.strip().rstrip(":").split(",")[0].strip().strip('"')
    name, _, wanted = first[1:].partition("@")
    is_own = wanted.startswith(("workspace:", "link:"))
    return None if not wanted or is_own else first[0] + name


def pnpm_lock(text: str) -> Sequence[Dependency] | None:
    """What pnpm has chosen; its YAML is read line by line, for it is that regular."""
    if not re.match(r"lockfileVersion:", text):
        return None
    found = []
    is_inside = False
    for line in text.splitlines():
        if line and not line[0].isspace():
            is_inside = line.startswith("packages:")
        elif is_inside and (match := _PNPM_KEY.fullmatch(line)):
            found.append(
                Dependency(
                    name=match["name"],
                    version=match["version"].strip(),
                    ecosystem=_ECOSYSTEM,
                )
            )
    return found

"""Java: Maven's pom.xml and Gradle's build files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from prsnl.engines.contracts import Dependency
from prsnl.engines.documents.package import child, name_of, parsed_xml

_ECOSYSTEM: Final = "maven"
_PROPERTY: Final = re.compile(r"\$\{([\w.-]{1,100})\}")
_ALWAYS: Final = frozenset({"compile", "runtime", ""})
_GRADLE: Final = re.compile(
    r"^\s*(?P<use>\w*(?:[iI]mplementation|[aA]pi|[cC]ompile|[cC]ompileOnly|"
    r"[rR]untimeOnly|[rR]untime|kapt|ksp|annotationProcessor))[ \t(]{1,4}"
    r"(?:platform\(|enforcedPlatform\()?[\"']"
    r"(?P<name>[\w.-]{1,200}:[\w.-]{1,200})(?::(?P<version>[^:\"'@]{1,100}))?"
    r"[^\"']{0,100}[\"']",
    re.MULTILINE,
)
_RESOLVED: Final = 5


def pom(text: str) -> Sequence[Dependency] | None:
    """What a project depends on; its own properties and managed versions are used."""
    try:
        root = parsed_xml([text.encode()], "Maven project")
    except ET.ParseError:
        return None
    if name_of(root) != "project":
        return None
    properties = {
        name_of(one): (one.text or "").strip()
        for one in child(root, "properties") or ()
    }
    properties["project.version"] = _said(root, "version")
    managed = {
        _name(one, properties): _said(one, "version")
        for one in child(root, "dependencyManagement", "dependencies") or ()
    }
    return list(_dependencies(root, properties, managed))


def _dependencies(
    root: ET.Element, properties: dict[str, str], managed: dict[str, str]
) -> Iterator[Dependency]:
    for one in child(root, "dependencies") or ():
        name = _name(one, properties)
        scope = _said(one, "scope")
        version = _said(one, "version") or managed.get(name, "")
        if name != ":":
            yield Dependency(
                name=name,
                version=_resolved(version, properties) or None,
                ecosystem=_ECOSYSTEM,
                group=None if scope in _ALWAYS else scope,
                is_optional=_said(one, "optional") == "true",
            )


def _name(element: ET.Element, properties: dict[str, str]) -> str:
    group, artifact = _said(element, "groupId"), _said(element, "artifactId")
    return _resolved(f"{group}:{artifact}", properties)


def _said(element: ET.Element, name: str) -> str:
    found = child(element, name)
    return "" if found is None else (found.text or "").strip()


def _resolved(text: str, properties: dict[str, str]) -> str:
    """With properties put in; one that refers to itself ends."""
    for _ in range(_RESOLVED):
        new = _PROPERTY.sub(lambda m: properties.get(m[1], m[0])[:200], text)[:1000]
        if new == text:
            break
        text = new
    return text


def gradle(text: str) -> Sequence[Dependency] | None:
    """The ones that are written with their coordinates; nothing is executed."""
    found = [
        Dependency(
            name=match["name"],
            version=match["version"],
            ecosystem=_ECOSYSTEM,
            group="test"
            if match["use"].lower().startswith(("test", "android"))
            else None,
        )
        for match in _GRADLE.finditer(text)
    ]
    return found or None

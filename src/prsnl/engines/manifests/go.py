"""Go: go.mod and go.sum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from prsnl.engines.contracts import Dependency

_ECOSYSTEM: Final = "go"
_MODULE: Final = re.compile(r"module\s+\S", re.MULTILINE)
_WANTED: Final = re.compile(
    r"(?P<name>[\w.~-]{1,100}(?:/[\w.~-]{1,100}){0,20})\s+(?P<version>v\d\S{0,100})"
)
_SUM: Final = re.compile(
    r"(?P<name>\S{1,500})\s(?P<version>v\d[^\s/]{0,100})(?P<module>/go\.mod)?\sh1:\S+"
)


def module(text: str) -> Sequence[Dependency] | None:
    """What a module requires."""
    if not _MODULE.search(text):
        return None
    found = []
    is_inside = False
    for line in text.splitlines():
        words, _, comment = line.strip().partition("//")
        words = words.strip()
        if is_inside and words.startswith(")"):
            is_inside = False
        elif re.fullmatch(r"require\s*\(", words):
            is_inside = True
        elif is_inside or words.startswith("require "):
            match = _WANTED.fullmatch(words.removeprefix("require ").strip().strip('"'))
            if match:
                found.append(
                    Dependency(
                        name=match["name"],
                        version=match["version"],
                        ecosystem=_ECOSYSTEM,
                        group="indirect" if "indirect" in comment else None,
                    )
                )
    return found


def sums(text: str) -> Sequence[Dependency] | None:
    """What Go has checked; a module of which it has only read go.mod is left out."""
    lines = [line for line in text.splitlines() if line.strip()]
    matches = [_SUM.fullmatch(line.strip()) for line in lines]
    if not lines or not all(matches):
        return None
    return [
        Dependency(name=one["name"], version=one["version"], ecosystem=_ECOSYSTEM)
        for one in matches
        if one and not one["module"]
    ]

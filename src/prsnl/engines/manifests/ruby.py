"""Ruby: Gemfile and Gemfile.lock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from prsnl.engines.contracts import Dependency

_ECOSYSTEM: Final = "rubygems"
_GEM: Final = re.compile(
    r"""gem[ \t(]{1,4}["'](?P<name>[\w.-]{1,200})["'](?P<rest>[^#\n]{0,1000})"""
)
_VERSION: Final = re.compile(r"""^\s*,\s*["']([^"']{1,100})["']""")
_GROUP: Final = re.compile(r"""groups?:?\s*(?:=>)?\s*\[?\s*:(\w{1,50})""")
_BLOCK: Final = re.compile(r"group\s+\(?:(\w{1,50})[^\n]{0,200}\bdo\b")
_OPENS: Final = re.compile(
    r"\bdo\s*(?:\|[^|\n]{0,100}\|)?\s*$|^\s*(?:if|unless|case)\b"
)
_LOCKED: Final = re.compile(r" {4}(?P<name>[\w.-]{1,200}) \((?P<version>[^)]{1,100})\)")


def gemfile(text: str) -> Sequence[Dependency] | None:
    """The gems of a Gemfile; it is Ruby, but read as lines and never run."""
    found = []
    blocks: list[str | None] = []
    for line in text.splitlines():
        bare = line.strip()
        if block := _BLOCK.match(bare):
            blocks.append(block.group(1))
        elif _OPENS.search(line.partition("#")[0]):
            blocks.append(None)
        elif bare == "end" and blocks:
            blocks.pop()
        elif match := _GEM.match(bare):
            found.append(_gem(match, blocks))
    has_source = re.search(r"^\s*source\b", text, re.MULTILINE) is not None
    return found if found or has_source else None


def _gem(match: re.Match[str], blocks: list[str | None]) -> Dependency:
    versions = []
    rest = match["rest"]
    while version := _VERSION.match(rest):
        versions.append(version.group(1))
        rest = rest[version.end() :]
    own = _GROUP.search(rest)
    group = own.group(1) if own else next((one for one in blocks if one), None)
    return Dependency(
        name=match["name"],
        version=", ".join(versions) or None,
        ecosystem=_ECOSYSTEM,
        group={"development": "dev", "default": None}.get(group or "", group),
    )


def lock(text: str) -> Sequence[Dependency] | None:
    """What Bundler has chosen."""
    if not re.search(r"^(?:GEM|GIT|PATH)$", text, re.MULTILINE):
        return None
    return [
        Dependency(name=match["name"], version=match["version"], ecosystem=_ECOSYSTEM)
        for line in text.splitlines()
        if (match := _LOCKED.fullmatch(line))
    ]

"""PHP: composer.json and composer.lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prsnl.engines.contracts import Dependency
from prsnl.engines.manifests.values import json_table, table, tables, text_or_none

_ECOSYSTEM: Final = "packagist"
_SECTIONS: Final = (("require", None), ("require-dev", "dev"))
_LOCKED: Final = (("packages", None), ("packages-dev", "dev"))


def composer(text: str) -> Sequence[Dependency] | None:
    """What a package asks for; what PHP itself must have is left out."""
    told = json_table(text)
    if not {"require", "require-dev", "autoload", "name"} & told.keys():
        return None
    return [
        Dependency(
            name=name, version=text_or_none(version), ecosystem=_ECOSYSTEM, group=group
        )
        for section, group in _SECTIONS
        for name, version in table(told, section).items()
        if "/" in name
    ]


def lock(text: str) -> Sequence[Dependency] | None:
    """What Composer has chosen."""
    told = json_table(text)
    if "packages" not in told:
        return None
    return [
        Dependency(
            name=one["name"],
            version=text_or_none(one.get("version")),
            ecosystem=_ECOSYSTEM,
            group=group,
        )
        for section, group in _LOCKED
        for one in tables(told.get(section))
        if text_or_none(one.get("name"))
    ]

"""The settings in force as they may be shown: a secret only as set or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from prsnl.core.settings import Settings
from prsnl.core.settings.sources import DEFAULT, ENVIRONMENT, Sources, variable_of

NOT_SET: Final = "(not set)"
SET: Final = "(set)"


@dataclass(frozen=True)
class Shown:
    """One setting."""

    #: What it belongs to: "Where things are kept."
    concern: str
    variable: str
    value: str
    #: Where it is set; None for a default.
    origin: str | None
    description: str


def shown(settings: Settings, *, has_paths: bool) -> Iterator[Shown]:
    """Every setting in its order.

    Args:
        settings: Those in force.
        has_paths: For who sits at the machine. Elsewhere a folder of the server is
            told as a secret is.
    """
    sources = Sources.read(settings.storage.folder)
    for concern in settings.concerns():
        fields = type(concern).model_fields
        for name, value in concern:
            variable = variable_of(name)
            origin = sources.origin(variable)
            yield Shown(
                (type(concern).__doc__ or "").partition("\n")[0],
                variable,
                _value(value, has_paths=has_paths),
                None if origin == DEFAULT else _origin(origin, has_paths=has_paths),
                fields[name].description or "",
            )


def _value(value: object, *, has_paths: bool) -> str:
    if value is None:
        return NOT_SET
    if isinstance(value, SecretStr):
        return SET
    if isinstance(value, bool):
        return str(value).lower()  # as it is written in a file
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(str(each) for each in value) or NOT_SET
    told = str(value)
    is_path = isinstance(value, Path) or told.startswith(("/", "file:"))
    return SET if is_path and not has_paths else told


def _origin(origin: str, *, has_paths: bool) -> str:
    return origin if has_paths or origin == ENVIRONMENT else "a file"

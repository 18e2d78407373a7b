"""The default taxonomy: the file in the data folder, else the one of the package."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from prsnl.core.errors import SettingsError
from prsnl.engines.taxonomy.contract import Taxonomy

FILE_NAME: Final = "taxonomy.toml"


def shipped() -> str:
    """The text of the taxonomy that comes with the package."""
    return files(__package__).joinpath("default.toml").read_text(encoding="utf-8")


def default_taxonomy(data_dir: Path) -> Taxonomy:
    """What holds for an owner who has set none.

    Raises:
        SettingsError: The file in the data folder is wrong; the message says where.
    """
    path = data_dir / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return parsed(shipped())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{FILE_NAME} in the data folder cannot be read: make it a readable file "
            "of UTF-8, or move it away."
        ) from error
    return parsed(text)


def parsed(text: str) -> Taxonomy:
    """A taxonomy from TOML.

    Raises:
        SettingsError: It is none; the message says where and why.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{FILE_NAME} in the data folder is no TOML: {error}. Correct it, or move "
            "it away."
        ) from error
    try:
        taxonomy = Taxonomy.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            f"{FILE_NAME} in the data folder is wrong{_place(told, first['loc'])}: "
            f"{first['msg'].removeprefix('Value error, ')}. Correct it, or move it "
            "away."
        ) from error
    if (why := taxonomy.contradiction()) is not None:
        raise SettingsError(
            f"{FILE_NAME} in the data folder is wrong: {why}. Correct it, or move it "
            "away."
        )
    return taxonomy


def _place(told: object, where: tuple[str | int, ...]) -> str:
    """Where an error is, with the name that stands there: no file has such numbers."""
    parts: list[str] = []
    for step in where:
        if isinstance(told, dict):
            told = told.get(step)
        elif isinstance(told, list) and isinstance(step, int) and step < len(told):
            told = told[step]
        else:
            told = None
        named = told.get("name") if isinstance(told, dict) else None
        parts.append(str(named) if named else _counted(step))
    return f" at {', '.join(parts)}" if parts else ""


def _counted(step: str | int) -> str:
    return f"number {step + 1}" if isinstance(step, int) else step

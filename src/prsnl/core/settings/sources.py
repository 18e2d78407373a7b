"""Where settings come from: the environment, then files, each before the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from dotenv import dotenv_values

from prsnl.core.errors import SettingsError

PREFIX: Final = "PRSNL_"
#: In the data folder: what `./prsnl engines use` and `models get` have set.
KEPT_NAME: Final = "settings.env"
ENVIRONMENT: Final = "the environment"
DEFAULT: Final = "default"


def variable_of(field: str) -> str:
    """The variable that sets a field: "llm_model" is set by `PRSNL_LLM_MODEL`."""
    return PREFIX + field.upper()


@dataclass(frozen=True)
class Sources:
    """What was given: variable -> value, by where it stands, the first wins."""

    by_origin: dict[str, dict[str, str]]

    @classmethod
    def read(cls, data_dir: Path) -> Self:
        """Read the environment and every file.

        Args:
            data_dir: The data folder, whose file comes last.

        Raises:
            SettingsError: A file cannot be read.
        """
        found = {ENVIRONMENT: _named(os.environ)}
        for origin, path in _origins(data_dir):
            found[origin] = _named(_read(path))
        return cls(found)

    def origin(self, variable: str) -> str:
        """Where a variable's value in force comes from; "default" if from nowhere."""
        return next(
            (origin for origin, told in self.by_origin.items() if variable in told),
            DEFAULT,
        )

    def value(self, variable: str) -> str | None:
        """The value in force, as it was written; None if nothing sets it."""
        told = self.by_origin.get(self.origin(variable), {})
        return told.get(variable)


def given_files() -> list[Path]:
    """The user's own files: the later one wins.

    Raises:
        SettingsError: PRSNL_CONFIG names a file that is not there.
    """
    files = [Path(".env")]
    if named := os.environ.get("PRSNL_CONFIG"):
        if not Path(named).is_file():
            raise SettingsError(
                f"PRSNL_CONFIG names {named}, and there is no such file."
            )
        files.append(Path(named))
    return files


def _origins(data_dir: Path) -> Iterator[tuple[str, Path]]:
    own = given_files()
    for path in reversed(own[1:]):
        yield f"PRSNL_CONFIG ({path})", path
    yield ".env", own[0]
    yield str(data_dir / KEPT_NAME), data_dir / KEPT_NAME


def _read(path: Path) -> dict[str, str]:
    try:
        told = dotenv_values(path, encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(
            f"The settings in {path} cannot be read ({why}): make the file yours, or "
            "remove it."
        ) from error
    return {name: value for name, value in told.items() if value}


def _named(given: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """Those that are ours; letters count in either case, and empty is not set."""
    return {
        name.upper(): value
        for name, value in given.items()
        if value and name.upper().startswith(PREFIX)
    }

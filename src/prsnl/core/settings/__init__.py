"""Every setting: one frozen model a concern, read once.

Values come from environment variables, then from the file that `PRSNL_CONFIG` names,
then from `.env` in the working folder, then from `settings.env` in the data folder.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self, TypeVar, get_type_hints

from pydantic import SecretStr, ValidationError

from prsnl.core.errors import SettingsError
from prsnl.core.settings.concern import Concern
from prsnl.core.settings.engines import (
    Children,
    Embedding,
    Llm,
    Models,
    Ocr,
    Privacy,
    Speech,
)
from prsnl.core.settings.service import (
    Access,
    Broker,
    Database,
    Flower,
    Logs,
    Server,
    Storage,
    Watch,
    Webhooks,
    Work,
)
from prsnl.core.settings.sources import KEPT_NAME, given_files, variable_of

C = TypeVar("C", bound=Concern)

#: The concerns that say what the engines do; they may change while the service runs.
OF_ENGINES: Final = ("ocr", "embedding", "llm", "speech", "models", "privacy")
#: Too few to try keys against.
_MARK_CHARACTERS: Final = 8


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All concerns together; only `wiring.py` holds this."""

    storage: Storage
    database: Database
    broker: Broker
    server: Server
    access: Access = field(default_factory=Access)
    work: Work
    children: Children
    logs: Logs
    watch: Watch = field(default_factory=Watch)
    flower: Flower = field(default_factory=Flower)
    webhooks: Webhooks = field(default_factory=Webhooks)
    ocr: Ocr = field(default_factory=Ocr)
    embedding: Embedding = field(default_factory=Embedding)
    llm: Llm = field(default_factory=Llm)
    speech: Speech = field(default_factory=Speech)
    models: Models = field(default_factory=Models)
    privacy: Privacy = field(default_factory=Privacy)

    @classmethod
    def read(cls, data_dir: Path | None = None) -> Self:
        """Read the environment and the files.

        Args:
            data_dir: Whose `settings.env` is read; by default the one that is set.

        Raises:
            SettingsError: A value is wrong; the message names its variable.
        """
        given = given_files()
        folder = data_dir or _read(Storage, given).folder
        files = [folder / KEPT_NAME, *given]
        kinds = cls.concern_types()
        told = {name: _read(kind, files) for name, kind in kinds.items()}
        # The file in the folder does not move it.
        told["storage"] = _read(Storage, files, data_dir=folder)
        return cls(**told)

    @classmethod
    def concern_types(cls) -> dict[str, type[Any]]:
        """The model of every concern, by its name here."""
        return get_type_hints(cls)

    def mark_of_engines(self) -> str:
        """The same for the same engines' settings; nothing can be told from it."""
        told = {
            name: str(_plain(value))
            for concern in OF_ENGINES
            for name, value in getattr(self, concern)
        }
        canonical = json.dumps(told, sort_keys=True).encode()
        return hashlib.sha256(canonical).hexdigest()[:_MARK_CHARACTERS]

    def concerns(self) -> list[Concern]:
        """Every concern, in the order of their declaration."""
        return [getattr(self, each.name) for each in fields(self)]


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _read(concern: type[C], files: list[Path], **given: Any) -> C:
    try:
        return concern(_env_file=files, **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = variable_of("_".join(str(part) for part in first["loc"]))
        raise SettingsError(
            f"{name} is wrong: {first['msg']}. Correct it, or unset it."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        where = " or ".join(str(path) for path in files)
        raise SettingsError(
            f"The settings in {where} cannot be read ({why}): make the file yours, or "
            "remove it."
        ) from error

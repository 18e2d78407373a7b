"""Every setting: one frozen model a concern, read once.

Values come from environment variables, then from the file that `PRSNL_CONFIG` names,
then from `.env` in the working folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeVar, get_type_hints

from pydantic import ValidationError

from prsnl.core.errors import SettingsError
from prsnl.core.settings.concern import Concern
from prsnl.core.settings.engines import (
    Children,
    Embedding,
    Llm,
    Ocr,
    Privacy,
    Speech,
)
from prsnl.core.settings.service import (
    Access,
    Broker,
    Database,
    Logs,
    Server,
    Storage,
    Watch,
    Work,
)

C = TypeVar("C", bound=Concern)


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
    ocr: Ocr = field(default_factory=Ocr)
    embedding: Embedding = field(default_factory=Embedding)
    llm: Llm = field(default_factory=Llm)
    speech: Speech = field(default_factory=Speech)
    privacy: Privacy = field(default_factory=Privacy)

    @classmethod
    def read(cls) -> Self:
        """Read the environment and the files.

        Raises:
            SettingsError: A value is wrong; the message names its variable.
        """
        files = [Path(".env")]
        if named := os.environ.get("PRSNL_CONFIG"):
            if not Path(named).is_file():
                raise SettingsError(
                    f"PRSNL_CONFIG names {named}, and there is no such file."
                )
            files.append(Path(named))
        kinds = cls.concern_types()
        return cls(**{name: _read(kind, files) for name, kind in kinds.items()})

    @classmethod
    def concern_types(cls) -> dict[str, type[Any]]:
        """The model of every concern, by its name here."""
        return get_type_hints(cls)

    def concerns(self) -> list[Concern]:
        """Every concern, in the order of their declaration."""
        return [getattr(self, each.name) for each in fields(self)]


def _read(concern: type[C], files: list[Path]) -> C:
    try:
        return concern(_env_file=files)
    except ValidationError as error:
        first = error.errors()[0]
        name = "PRSNL_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(
            f"{name} is wrong: {first['msg']}. Correct it, or unset it."
        ) from error

"""The models that are known: their files, sizes, checksums and licences.

All of it stands in `catalogue.json`, with the one host that they are fetched from. The
checksums are those that the host shows for the pinned revision. The word error rates
are the makers' own, for LibriSpeech's clean test set: A. Radford et al., "Robust Speech
Recognition via Large-Scale Weak Supervision", 2022.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from pydantic import Field

from prsnl.core.errors import BadRequestError
from prsnl.engines.contracts import Value

_FILE: Final = Path(__file__).with_name("catalogue.json")


class ModelFile(Value):
    """One file of a model."""

    #: Also its name below the model's folder; no path.
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    size_bytes: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Model(Value):
    """One model that can be fetched."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    #: What it is for: "speech".
    job: str
    title: str
    licence: str
    #: For whom it is, after a comma.
    about: str
    #: Per cent of words, on clean English speech; None where its makers tell another.
    word_error_rate: float | None
    #: Without so much in the machine it is not the one to recommend.
    memory_bytes: int
    #: Below the host's address, without the file's name.
    path: str
    files: tuple[ModelFile, ...]

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)


class Catalogue(Value):
    """The host, and what it has."""

    host: str
    models: tuple[Model, ...]

    def named(self, name: str) -> Model:
        """One model.

        Raises:
            BadRequestError: None is called so.
        """
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join([*self.jobs(), *(model.name for model in self.models)])
        raise BadRequestError(
            f"No model is called {name}: there are {known}. ./prsnl models list tells "
            "more."
        )

    def jobs(self) -> list[str]:
        """What there are models for; a job's name stands for the fitting model."""
        return list(dict.fromkeys(model.job for model in self.models))

    def fitting(self, job: str, *, memory_bytes: int) -> Model | None:
        """The usual model of a job for a machine with so much memory.

        The best of those without a graphics card, up to `small`: what is larger is
        slower than the speech itself on a few cores.
        """
        usual = [model for model in self.models if model.job == job][:_USUAL]
        fitting = [model for model in usual if model.memory_bytes <= memory_bytes]
        return fitting[-1] if fitting else next(iter(usual), None)


#: Of a job the first three are for any machine; the catalogue is in order of size.
_USUAL: Final = 3


@cache
def catalogue() -> Catalogue:
    """What comes with the program."""
    return Catalogue.model_validate_json(_FILE.read_bytes())

"""Files of a model that the user has already: found in a folder, and copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prsnl.core.errors import BadRequestError
from prsnl.engines.models.catalogue import Model, ModelFile
from prsnl.engines.models.checking import is_whole
from prsnl.engines.models.remote import OnBytes

_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Local:
    """A folder of the user's that has a model's files."""

    folder: Path

    @classmethod
    def of(cls, given: Path, model: Model) -> Local:
        """The folder with the files: *given* itself, or the fitting one below it.

        Raises:
            BadRequestError: A file is missing, or has another size.
        """
        given = given.expanduser().absolute()
        if not given.is_dir():
            raise BadRequestError(f"{given} is no folder.")
        with _reading_is_told(given):
            for folder in _candidates(given, model):
                if all((folder / file.name).is_file() for file in model.files):
                    found = cls(folder)
                    found.check_sizes(model)
                    return found
        wanted = ", ".join(file.name for file in model.files)
        raise BadRequestError(
            f"{given} does not hold {model.name}: its files are {wanted}."
        )

    def check_sizes(self, model: Model) -> None:
        """Tell a wrong file before anything is copied."""
        for file in model.files:
            size = (self.folder / file.name).stat().st_size
            if size != file.size_bytes:
                raise self._other(model, file, f"{size} bytes, not {file.size_bytes}")

    def copy(self, model: Model, file: ModelFile, target: Path, told: OnBytes) -> None:
        """Copy one file, and look at its checksum.

        Raises:
            BadRequestError: It is another file.
            OSError: It cannot be written.
        """
        path = self.folder / file.name
        with _reading_is_told(path):
            source = path.open("rb")
        with source, target.open("wb") as copied:
            shutil.copyfileobj(source, copied, _PIECE_BYTES)
            copied.flush()
            os.fsync(copied.fileno())
        told(file.size_bytes)
        if not is_whole(target, file):
            target.unlink()
            raise self._other(model, file, "its checksum is another")

    def _other(self, model: Model, file: ModelFile, why: str) -> BadRequestError:
        return BadRequestError(
            f"{self.folder / file.name} is not the file that is known as "
            f"{model.name}'s ({why}): nothing was installed. A model of your own is "
            "used from where it is: set PRSNL_SPEECH_MODEL to its folder."
        )


@contextmanager
def _reading_is_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadRequestError(
            f"{path} cannot be read ({error.strerror}): mend its mode or its owner."
        ) from error


def _candidates(given: Path, model: Model) -> Iterator[Path]:
    """Where the files may be: as they are copied, or as the usual tools keep them."""
    owner, _, repository = model.path.partition("/resolve/")[0].rpartition("/")
    yield from (given, given / model.name, given / repository)
    for above in (given, given / "hub"):
        snapshots = above / f"models--{owner}--{repository}" / "snapshots"
        yield from sorted(snapshots.glob("*"))

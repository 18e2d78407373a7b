"""What an export's folder says of itself: which files are whose, and what they were."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from prsnl.client import Client
from prsnl.core.errors import BadRequestError, PrsnlError
from prsnl.items import naming
from prsnl.items.models import AttachmentView, ItemView
from prsnl.items.restoring import RestoredItem
from prsnl.terminal.inputs import InputFile, Inputs
from prsnl.terminal.outcome import Outcome

#: Hidden, so that a walk over the folder leaves it out.
MANIFEST: Final = ".prsnl-export.json"
FORMAT: Final = 1
_SIDECARS: Final = (".md", ".json")
#: What an item gets back.
_OF_ITEM: Final = set(RestoredItem.model_fields) - {"document_type", "names"}


@dataclass
class Manifest:
    """The files that an export has written, by the attachment they are of."""

    folder: Path
    #: Attachment -> the name of its original here.
    names: dict[str, str] = field(default_factory=dict)
    #: Name -> sha256 of what was written.
    written: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """The manifest of a folder; None if it is no export's.

        Raises:
            BadRequestError: It is damaged, or of a newer version.
        """
        try:
            told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise BadRequestError(
                f"{folder / MANIFEST} cannot be read: it is what makes the folder an "
                "export. Mend it, or remove it to use the folder as any other."
            ) from error
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise BadRequestError(
                f"{folder} is an export of another version of PRSNL: update, or export "
                "to another folder."
            )
        return cls(folder, dict(told["names"]), dict(told["written"]))

    def write(self) -> None:
        """Keep it, whole or not at all."""
        told = {"format": FORMAT, "names": self.names, "written": self.written}
        put(self.folder / MANIFEST, (json.dumps(told, indent=1) + "\n").encode())

    def originals(self) -> set[str]:
        """The names of the files themselves, without what stands beside them."""
        return set(self.names.values())


def sidecar(item: ItemView, attachment: AttachmentView) -> dict[str, Any]:
    """What `NAME.json` of an export holds."""
    return {
        "format": FORMAT,
        "file_name": attachment.file_name,
        "sha256": attachment.sha256,
        # As it is, and checked when it comes back: an export leaves nothing out.
        "item": {
            **item.model_dump(mode="json", include=_OF_ITEM),
            "document_type": attachment.document_type,
            "names": naming.said(item.metadata),
        },
        "attachment": attachment.model_dump(mode="json"),
        "keywords": item.keywords,
        "entities": item.entities,
        "key_sentences": item.key_sentences,
        "summary": item.summary,
        "summary_engine": item.summary_engine,
        "key_points": item.key_points,
    }


def put(target: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    new = target.with_name(f".{secrets.token_hex(8)}.new")
    new.write_bytes(content)
    new.replace(target)


def sha256_of(path: Path) -> str | None:
    """The hash of a file's content; None if there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError):
        return None


@dataclass
class Exports:
    """The exports among the folders of a command, and what their files were."""

    #: The path of an original -> the path of what is told of it.
    told: dict[Path, Path] = field(default_factory=dict)
    restored: int = 0

    @classmethod
    def among(cls, paths: Iterable[Path], inputs: Inputs) -> Exports:
        """Find them, and leave out of the inputs what stands beside the originals.

        Raises:
            BadRequestError: A manifest is damaged.
        """
        found, beside = cls(), set[Path]()
        for path in paths:
            manifest = Manifest.read(path) if path.is_dir() else None
            if manifest is None:
                continue
            originals = manifest.originals()
            beside |= {path / name for name in manifest.written.keys() - originals}
            found.told |= {path / name: path / f"{name}.json" for name in originals}
        inputs.files = [
            found.named(file) for file in inputs.files if file.path not in beside
        ]
        return found

    def named(self, file: InputFile) -> InputFile:
        """An original under the name that it had, and as private as it was."""
        told = self._of(file)
        if told is None:
            return file
        item = told["item"]
        is_private = isinstance(item, dict) and item.get("local_only") is True
        return replace(file, upload_as=told["file_name"], local_only=is_private)

    def restore(self, client: Client, outcome: Outcome) -> None:
        """Give an item back what its export says.

        Raises:
            PrsnlError: It cannot be.
        """
        told = self._of(outcome.file)
        if told is None or outcome.item is None:
            return
        attachment = outcome.attachment
        if attachment is not None and attachment.sha256 != told["sha256"]:
            return  # the file was changed since: what was told is of another one
        try:
            was = RestoredItem.model_validate(told["item"])
        except ValidationError as error:
            raise PrsnlError(
                f"{outcome.file.shown}.json is no longer what the export wrote: its "
                "title, tags and dates are not restored."
            ) from error
        client.bring_back(outcome.item.id, was)
        self.restored += 1

    def _of(self, file: InputFile) -> dict[str, Any] | None:
        path = self.told.get(file.path)
        if path is None:
            return None
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        is_ours = isinstance(told, dict) and told.get("format") == FORMAT
        return (
            told if is_ours and {"item", "sha256", "file_name"} <= told.keys() else None
        )


def names_of(original: str) -> list[str]:
    """What an export writes for one file."""
    return [original, *(f"{original}{ending}" for ending in _SIDECARS)]


def is_there(folder: Path, name: str) -> bool:
    """Whether something has a name, be it a link to nowhere."""
    return os.path.lexists(folder / name)

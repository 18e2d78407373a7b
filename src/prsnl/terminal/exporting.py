"""`./prsnl export DIR`: every file as it came, with its text and what was learned."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

from prsnl.client import Client
from prsnl.core.errors import BadRequestError, NotFoundError
from prsnl.core.settings import Settings
from prsnl.items.models import AttachmentView, ItemView
from prsnl.terminal.exported import (
    Manifest,
    is_there,
    names_of,
    put,
    sha256_of,
    sidecar,
)
from prsnl.terminal.live import print_lines
from prsnl.terminal.reaching import reached
from prsnl.terminal.summary import count

#: Most bytes of a name, less those of the longest ending and of a number.
_NAME_BYTES: Final = 255 - len(".json") - len(" (99999)")
_KEPT_EVERY: Final = 100
_SHOWN: Final = 20


def main(folder: Path, *, server: str | None) -> int:
    """Export everything; 1 if something was left as it is."""
    settings = Settings.read()
    if settings.storage.folder.is_relative_to(folder.absolute()):
        raise BadRequestError(f"{folder} holds the data folder: name another folder.")
    manifest = _prepared(folder)
    with reached(settings, server, what="prsnl export", is_quiet=False) as client:
        export = Export(client, manifest)
        try:
            export.run()
        finally:
            manifest.write()
    print_lines(*export.told())
    return 1 if export.left else 0


def _prepared(folder: Path) -> Manifest:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise BadRequestError(
            f"The folder {folder} cannot be made or written ({error.strerror}): name "
            "another one."
        ) from error
    return Manifest.read(folder) or Manifest(folder)


@dataclass
class Export:
    """One run: what is new or has changed is written, all else is left."""

    client: Client
    manifest: Manifest
    files: int = 0
    written: int = 0
    #: What was not written, and why: one sentence each.
    left: list[str] = field(default_factory=list)
    #: What got another name, and why.
    notes: list[str] = field(default_factory=list)
    _met: set[str] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Write every file of every item."""
        self._taken = {name.casefold() for name in self.manifest.written}
        for item in self.client.items():
            for attachment in item.attachments:
                self._one(item, attachment)
                self.files += 1
                if self.files % _KEPT_EVERY == 0:
                    self.manifest.write()
                    sys.stderr.write(f"{count(self.files, 'file')} ...\n")

    def told(self) -> list[str]:
        """What was done, for a person."""
        gone = self.manifest.names.keys() - self._met
        lines = [*self.notes[:_SHOWN], *self.left[:_SHOWN]]
        more = len(self.notes) + len(self.left) - len(lines)
        if more > 0:
            lines.append(f"... and {more} more of these.")
        if gone:
            lines.append(
                f"{count(len(gone), 'file')} of an earlier export went from the "
                "library since: left in the folder."
            )
        folder = self.manifest.folder
        lines.append(
            f"{count(self.files, 'file')} exported to {folder}, {self.written} written "
            f"anew.   Back again: ./prsnl process {folder}"
        )
        return lines

    def _one(self, item: ItemView, attachment: AttachmentView) -> None:
        key = str(attachment.id)
        self._met.add(key)
        name = self.manifest.names.get(key) or self._named(attachment)
        self.manifest.names[key] = name
        told = json.dumps(sidecar(item, attachment), ensure_ascii=False, indent=1)
        try:
            self._original(name, attachment)
            self._text(f"{name}.json", told + "\n")
            self._text(f"{name}.md", self.client.markdown(attachment.id))
        except NotFoundError as error:
            self.left.append(f"{name}: it went meanwhile ({error.message})")
        except OSError as error:
            raise BadRequestError(
                f"{name} cannot be written to {self.manifest.folder} "
                f"({error.strerror}): what was exported before stays."
            ) from error

    def _original(self, name: str, attachment: AttachmentView) -> None:
        target = self.manifest.folder / name
        if not self._may_write(name, sha256_of(target), attachment.sha256):
            return
        new = target.with_name(f".{attachment.sha256[:16]}.new")
        try:
            self.client.download(attachment.id, new)
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
        self._wrote(name, attachment.sha256)

    def _text(self, name: str, content: str) -> None:
        target = self.manifest.folder / name
        encoded = content.encode()
        wanted = _sha256(encoded)
        if self._may_write(name, sha256_of(target), wanted):
            put(target, encoded)
            self._wrote(name, wanted)

    def _may_write(self, name: str, found: str | None, wanted: str) -> bool:
        """Whether a file is to be written: it is not there, or an older one of ours."""
        ours = self.manifest.written.get(name)
        if found == wanted:
            self.manifest.written[name] = wanted
            return False
        if found is None or found == ours:
            return True
        self.left.append(
            f"{name} was changed since it was exported: left as it is. Move it away to "
            "have it exported again."
        )
        return False

    def _wrote(self, name: str, sha256: str) -> None:
        self.manifest.written[name] = sha256
        self.written += 1

    def _named(self, attachment: AttachmentView) -> str:
        """A name that is free here, with all that goes beside it."""
        given = _plain(attachment.file_name)
        for name in _candidates(given):
            beside = names_of(name)
            if self._taken & {one.casefold() for one in beside}:
                continue
            there = [one for one in beside if is_there(self.manifest.folder, one)]
            if not there:
                self._taken |= {one.casefold() for one in beside}
                return name
            self.notes.append(
                f"{there[0]} is there and of no export: left as it is, and "
                f"{given} gets another name."
            )
        raise AssertionError("numbers do not end")


def _candidates(name: str) -> Iterator[str]:
    yield name
    path = PurePath(name)
    number = 2
    while True:
        yield f"{path.stem} ({number}){path.suffix}"
        number += 1


def _plain(name: str) -> str:
    """A file's name as a folder can hold it, never hidden and never too long."""
    kept = name.replace("/", "-").replace("\0", "-").lstrip(".") or "unnamed"
    suffix = PurePath(kept).suffix[:16]
    while len(kept.encode()) > _NAME_BYTES:
        stem = kept.removesuffix(suffix)
        kept = stem[:-1] + suffix
    return kept


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

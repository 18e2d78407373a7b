"""What `--output` writes: text, Markdown and everything as JSON, beside one another."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import UUID

from prsnl.client import Client
from prsnl.core.errors import BadRequestError
from prsnl.terminal import media, speech
from prsnl.terminal.outcome import Outcome
from prsnl.work.specs import Status

#: Most bytes of a file's name, less those of the longest ending.
_NAME_BYTES: Final = 255 - len(".frames")
#: What would lead out of a folder.
_UP: Final = frozenset({"/", "..", ""})
#: So many folders of an archive are made, one in another.
_LEVELS: Final = 8


@dataclass(frozen=True)
class Output:
    """A folder that gets NAME.txt, NAME.md and NAME.json for each file.

    NAME keeps its extension, and lies below the same sub-folders as in the input.
    """

    folder: Path

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            BadRequestError: It cannot be made, or nothing can be written to it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()
        except OSError as error:
            raise BadRequestError(
                f"The output folder {self.folder} cannot be made or written "
                f"({error.strerror}): name another one."
            ) from error

    def write(self, client: Client, outcome: Outcome) -> None:
        """Write what there is of one file; also of one that failed.

        Raises:
            BadRequestError: The folder cannot be written.
        """
        frames = f"{_short(outcome.file.name.name)}.{media.FRAMES_ENDING}"
        folder = frames if outcome.frames else None
        parts = {"json": _json(outcome.as_json(frames_folder=folder))}
        attachment = outcome.attachment
        if attachment is not None and any(page.text for page in outcome.pages):
            parts["txt"] = client.text(attachment.id)
            parts["md"] = client.markdown(attachment.id)
        if attachment is not None and outcome.transcript is not None:
            parts |= speech.texts(client, attachment)
        try:
            for ending, content in parts.items():
                self._write(outcome.file.name, ending, content)
            if attachment is not None and outcome.frames:
                place = self.folder / outcome.file.name.with_name(frames)
                media.write_frames(client, attachment, outcome.frames, place)
            for member, name in _named(outcome):
                self._write_member(client, member, name)
        except OSError as error:
            raise BadRequestError(
                f"The results cannot be written to {self.folder} ({error.strerror}): "
                "name another folder."
            ) from error

    def _write_member(
        self, client: Client, member: dict[str, Any], name: PurePath
    ) -> None:
        """Text and Markdown of a file in a mail or an archive."""
        attachment_id = UUID(member["attachment_id"])
        self._write(name, "txt", client.text(attachment_id))
        self._write(name, "md", client.markdown(attachment_id))

    def _write(self, name: PurePath, ending: str, content: str) -> None:
        target = self.folder / name.with_name(f"{_short(name.name)}.{ending}")
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f".{secrets.token_hex(8)}.new")
        new.write_text(content, encoding="utf-8")
        new.replace(target)


def _named(outcome: Outcome) -> Iterator[tuple[dict[str, Any], PurePath]]:
    """The files in a mail or an archive that were read, each with a name of its own.

    A name from in there is a label: it leads nowhere else, and takes no other's place,
    also where one file is called as the folder of another.
    """
    files: set[PurePath] = set()
    folders: set[PurePath] = set()
    for member in outcome.members:
        if member["status"] != Status.SUCCESS:
            continue
        words = [one for one in PurePath(member["name"]).parts if one not in _UP]
        name = outcome.file.name.joinpath(*map(_short, words[-_LEVELS:]))
        made = {name.with_name(f"{name.name}.{ending}") for ending in ("txt", "md")}
        if made & (files | folders) or files.intersection(name.parents):
            number = str(member["attachment_id"])[-8:]
            name = outcome.file.name / _short(f"{number} {name.name}")
            made = {name}
        files |= made
        folders.update(name.parents)
        yield member, name


def _short(name: str) -> str:
    """A name with room for an ending; of a long one a hash stands for the rest."""
    told = os.fsencode(name)
    if len(told) <= _NAME_BYTES:
        return name
    rest = f"~{hashlib.sha256(told).hexdigest()[:8]}{PurePath(name).suffix[:16]}"
    kept = told[: _NAME_BYTES - len(os.fsencode(rest))]
    return kept.decode(errors="ignore") + rest


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"

"""What `--output` writes: text, Markdown and everything as JSON, beside one another."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from prsnl.client import Client
from prsnl.core.errors import BadRequestError
from prsnl.terminal.outcome import Outcome


@dataclass(frozen=True)
class Output:
    """A folder that gets NAME.txt, NAME.md and NAME.json for each file.

    NAME keeps its extension, and lies below the same sub-folders as in the input.
    """

    folder: Path

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            BadRequestError: It cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadRequestError(
                f"The output folder {self.folder} cannot be made ({error.strerror}): "
                "name another one."
            ) from error

    def write(self, client: Client, outcome: Outcome) -> None:
        """Write what there is of one file; also of one that failed.

        Raises:
            BadRequestError: The folder cannot be written.
        """
        parts = {"json": _json(outcome)}
        attachment = outcome.attachment
        if attachment is not None and any(page.text for page in outcome.pages):
            parts["txt"] = client.text(attachment.id)
            parts["md"] = client.markdown(attachment.id)
        try:
            for ending, content in parts.items():
                self._write(outcome, ending, content)
        except OSError as error:
            raise BadRequestError(
                f"The results cannot be written to {self.folder} ({error.strerror}): "
                "name another folder."
            ) from error

    def _write(self, outcome: Outcome, ending: str, content: str) -> None:
        name = outcome.file.name
        target = self.folder / name.with_name(f"{name.name}.{ending}")
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f".{secrets.token_hex(8)}.new")
        new.write_text(content, encoding="utf-8")
        new.replace(target)


def _json(outcome: Outcome) -> str:
    return json.dumps(outcome.as_json(), ensure_ascii=False, indent=1) + "\n"

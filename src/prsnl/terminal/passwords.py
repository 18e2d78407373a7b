"""The password of protected documents: from a file, a terminal or the environment."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Final

from prsnl.core.errors import BadRequestError
from prsnl.core.settings.service import Server

_ASK: Final = Path("-")
_BYTES_MAX: Final = 4_096


def given_password(settings: Server, file: Path | None) -> str | None:
    """What the user gave; never as an argument, which every process can read.

    Raises:
        BadRequestError: The file cannot be read, or holds none.
    """
    if file is None:
        kept = settings.document_password
        return None if kept is None else kept.get_secret_value()
    if file == _ASK:
        told = _asked()
    else:
        try:
            with file.open("rb") as opened:
                told = opened.read(_BYTES_MAX).decode()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise BadRequestError(
                f"The password file {file} cannot be read ({why}): correct it, or "
                "use --password-file - to be asked."
            ) from error
    password = told.splitlines()[0] if told else ""
    if not password:
        raise BadRequestError(
            f"There is no password in {'what was given' if file == _ASK else file}: "
            "its first line must hold it."
        )
    return password


def _asked() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the documents: ")
    return sys.stdin.readline(_BYTES_MAX)

"""The password of protected documents: from a file, a terminal or the environment."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from prsnl.core.errors import BadRequestError
from prsnl.core.settings.service import Server
from prsnl.terminal.secrets import BYTES_MAX, STANDARD_INPUT, read


def given_password(settings: Server, file: Path | None) -> str | None:
    """What the user gave; never as an argument, which every process can read.

    Raises:
        BadRequestError: The file cannot be read, or holds none.
    """
    if file is None:
        kept = settings.document_password
        return None if kept is None else kept.get_secret_value()
    is_asked = file == STANDARD_INPUT
    if is_asked:
        told = _asked()
    else:
        told = read(file, "password", "use --password-file - to be asked")
    password = told.splitlines()[0] if told else ""
    if not password:
        raise BadRequestError(
            f"There is no password in {'what was given' if is_asked else file}: "
            "its first line must hold it."
        )
    return password


def _asked() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the documents: ")
    return sys.stdin.readline(BYTES_MAX)

"""A provider's key: from a file, a terminal or the environment, never an argument."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Final

from prsnl.core.errors import BadRequestError

STANDARD_INPUT: Final = Path("-")
BYTES_MAX: Final = 8_192


def from_file(file: Path) -> str:
    """The first line of a file, or of standard input.

    Raises:
        BadRequestError: It cannot be read, or holds no key.
    """
    if file == STANDARD_INPUT:
        return _checked(sys.stdin.readline(BYTES_MAX), "what was given")
    told = read(file, "key", "use --key-file - to give the key on standard input")
    return _checked(told, str(file))


def read(file: Path, what: str, otherwise: str) -> str:
    """The text of a small file that holds a secret.

    Args:
        file: Which.
        what: What it holds: "key".
        otherwise: What else a person may do.

    Raises:
        BadRequestError: It cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return opened.read(BYTES_MAX).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadRequestError(
            f"The {what} file {file} cannot be read ({why}): correct it, or "
            f"{otherwise}."
        ) from error


def asked(host: str) -> str:
    """What the user types, unseen.

    Raises:
        BadRequestError: Nobody is there to ask, or he gives none.
    """
    if not sys.stdin.isatty():
        raise BadRequestError(
            f"{host} wants a key: give its file with --key-file FILE, or set "
            "PRSNL_LLM_API_KEY for this command. It is never an argument, which every "
            "program here could read."
        )
    return _checked(getpass.getpass(f"Key of {host} (it is not shown): "), "the answer")


def _checked(told: str, where: str) -> str:
    lines = told.splitlines()
    key = lines[0].strip() if lines else ""
    if not key or not key.isascii() or not key.isprintable():
        raise BadRequestError(
            f"There is no key in {where}: one line of plain letters must hold it."
        )
    return key

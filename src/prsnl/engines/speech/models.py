"""Where speech models lie. A name is a folder of ours, and never an address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from prsnl.core.errors import SettingsError

#: What a model's folder must hold; without its tokenizer faster-whisper asks a hub.
FILES: Final = ("model.bin", "config.json", "tokenizer.json")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_GET: Final = "./prsnl models get speech"


def folder_of(named: str, models: Path) -> Path:
    """The folder of a model.

    Args:
        named: What `PRSNL_SPEECH_MODEL` says: a name, or an absolute folder.
        models: The folder of the models of this installation.

    Raises:
        SettingsError: It is neither.
    """
    if Path(named).is_absolute():
        return Path(named)
    if _NAME.fullmatch(named) is None or named.strip(".") == "":
        raise SettingsError(
            "PRSNL_SPEECH_MODEL is neither the name of a model in the data folder's "
            "models/ nor an absolute folder: correct it, or unset it."
        )
    return models / named


def lacking(folder: Path) -> str | None:
    """What is missing for a model to be there; None if nothing is."""
    if not folder.is_dir():
        return "there is no such folder"
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        return f"{' and '.join(missing)} is missing in it"
    if not any((folder / f"vocabulary.{end}").is_file() for end in ("json", "txt")):
        return "vocabulary.json is missing in it"
    return None


def require_model(folder: Path) -> None:
    """Make sure that a folder holds a model.

    Raises:
        SettingsError: It holds none; the message names the setting.
    """
    if (problem := lacking(folder)) is not None:
        raise SettingsError(
            f"The speech model {folder.name} that PRSNL_SPEECH_MODEL names is not here "
            f"({problem}). Get it: {_GET}, or unset PRSNL_SPEECH_MODEL."
        )


def found(models: Path) -> list[Path]:
    """The models of this installation, the largest first: it hears best."""
    if not models.is_dir():
        return []
    whole = [each for each in models.iterdir() if lacking(each) is None]
    return sorted(whole, key=lambda each: (-size_bytes(each), each.name))


def size_bytes(folder: Path) -> int:
    """How large a model's numbers are; 0 where there are none."""
    try:
        return (folder / "model.bin").stat().st_size
    except OSError:
        return 0

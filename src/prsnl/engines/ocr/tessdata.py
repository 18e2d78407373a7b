"""The language data of the system's tesseract: where they are, and how to get more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_PLACES: Final = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tesseract-ocr/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
    "/opt/local/share/tessdata",
    "/home/linuxbrew/.linuxbrew/share/tessdata",
)
_SUFFIX: Final = ".traineddata"
#: Data for other things than a language.
_NO_LANGUAGES: Final = frozenset({"osd", "equ", "snum"})
#: A package manager, and how it gets tesseract or, for `{}`, a language of it.
_MANAGERS: Final = (
    ("apt-get", "sudo apt-get install tesseract-ocr", "tesseract-ocr-{}"),
    ("dnf", "sudo dnf install tesseract", "tesseract-langpack-{}"),
    ("zypper", "sudo zypper install tesseract-ocr", "tesseract-ocr-traineddata-{}"),
    ("pacman", "sudo pacman -S tesseract tesseract-data-eng", "tesseract-data-{}"),
    ("apk", "sudo apk add tesseract-ocr", "tesseract-ocr-data-{}"),
    ("brew", "brew install tesseract", "tesseract-lang"),
)


def folder() -> Path | None:
    """The folder of an installed tesseract's language data; None without any."""
    if find_spec("tesserocr") is None:
        return None
    return next((place for place in _candidates() if languages(place)), None)


def languages(place: Path) -> frozenset[str]:
    """The languages that a folder has data for."""
    try:
        names = {path.name for path in place.glob(f"*{_SUFFIX}")}
    except OSError:
        return frozenset()
    return frozenset(name.removesuffix(_SUFFIX) for name in names) - _NO_LANGUAGES


def command_for(language: str | None = None) -> str:
    """What gets tesseract, or one more language of it, on this machine."""
    for program, whole, one in _MANAGERS:
        if shutil.which(program):
            if language is None:
                return whole
            name = one.format(language.replace("_", "-"))
            verb = whole[: whole.index("tesseract")]
            return verb + name
    return "install tesseract with this system's package manager"


def _candidates() -> Iterator[Path]:
    named = os.environ.get("TESSDATA_PREFIX")
    if named:
        yield from (Path(named).absolute(), Path(named, "tessdata").absolute())
    for place in _PLACES:
        path = Path(place)
        # The newest major version first: "5" before "4.00".
        yield from sorted(
            Path(path.anchor).glob(str(path.relative_to(path.anchor))), reverse=True
        )

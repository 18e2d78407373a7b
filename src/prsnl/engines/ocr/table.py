"""Which OCR engines there are, what each can read, and how the best one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from prsnl.engines.ocr import tessdata
from prsnl.engines.ocr.languages import with_scripts
from prsnl.engines.versions import version_of

NONE: Final = "none"


@dataclass(frozen=True, kw_only=True)
class Installed:
    """An engine that can be used on this machine."""

    name: str
    #: What brings it, and which version of that is here.
    package: str
    version: str
    module: str
    #: Between 0 and 1: how well it reads, and how quickly, what it has the data for.
    score: float
    languages: frozenset[str]
    #: What it must be given to start, as strings.
    setup: dict[str, str] = field(default_factory=dict)
    #: What it reads besides its code.
    folders: tuple[Path, ...] = ()

    def suits(self, wanted: Sequence[str]) -> float:
        """How well it reads these languages; without any, how well it reads."""
        if not wanted:
            return self.score
        return self.score * len(self.languages.intersection(wanted)) / len(wanted)

    def lacks(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """The languages that it has no data for."""
        return tuple(code for code in wanted if code not in self.languages)

    def has(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Those of the languages that it has data for, else some that it has."""
        known = tuple(code for code in wanted if code in self.languages)
        return known or usual(self.languages)


def usual(languages: frozenset[str]) -> tuple[str, ...]:
    """What is tried first where nothing is known."""
    return ("eng",) if "eng" in languages else tuple(sorted(languages)[:1])


def _tesseract() -> Installed | None:
    place = tessdata.folder()
    if place is None:
        return None
    return Installed(
        name="tesseract",
        package="tesserocr",
        version=version_of("tesserocr"),
        module="prsnl.engines.ocr.tesseract",
        score=1.0,
        languages=tessdata.languages(place),
        setup={"tessdata": str(place)},
        folders=(place,),
    )


def _rapidocr() -> Installed | None:
    if find_spec("rapidocr") is None:
        return None
    return Installed(
        name="rapidocr",
        package="rapidocr",
        version=version_of("rapidocr"),
        module="prsnl.engines.ocr.rapid",
        # As good on clean scans, better on photographs, and three times slower.
        score=0.9,
        languages=with_scripts("Latin", "Greek", "Han", "Japanese"),
    )


#: Name -> what finds the engine on this machine. A new engine is one row.
ENGINES: Final[dict[str, Callable[[], Installed | None]]] = {
    "tesseract": _tesseract,
    "rapidocr": _rapidocr,
}


def installed(wanted: str = "auto") -> tuple[Installed, ...]:
    """The engines that may be used, the best first.

    Args:
        wanted: "auto", "none", or the name of one.
    """
    found = [
        engine
        for name, find in ENGINES.items()
        if wanted in {"auto", name} and (engine := find()) is not None
    ]
    return tuple(sorted(found, key=lambda engine: -engine.score))


def ranked(
    engines: Sequence[Installed], languages: Sequence[str]
) -> tuple[Installed, ...]:
    """The engines by how well they read some languages, the best first."""
    return tuple(sorted(engines, key=lambda engine: -engine.suits(languages)))

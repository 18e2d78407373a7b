"""Which speech engines this machine has, and which one hears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from prsnl.engines.speech import models
from prsnl.engines.speech.contract import Quality
from prsnl.engines.versions import version_of


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A speech engine of this machine.

    Attributes:
        name: What brings it.
        version: With the model, as results depend on it.
        module: What a child imports.
        quality: How far its words can be trusted.
        setup: What it must be given to start, as strings.
        folders: What it reads besides its code.
        model_bytes: How large its model is.
        languages: What it knows, as ISO 639-1; empty: it tells itself.
        problem: Why it cannot hear, though it is asked for; None if it can.
    """

    name: str
    version: str
    module: str
    quality: Quality
    setup: dict[str, str] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    model_bytes: int = 0
    languages: frozenset[str] = frozenset()
    problem: str | None = None


def _whisper(named: str | None, folder: Path) -> Installed | None:
    if find_spec("faster_whisper") is None:
        return None
    if named is not None:
        model = models.folder_of(named, folder)
    else:
        there = models.found(folder)
        if not there:
            return None
        model = there[0]
    size = models.size_bytes(model)
    return Installed(
        name="faster-whisper",
        version=f"{version_of('faster-whisper')} {model.name} {size}",
        module="prsnl.engines.speech.whisper",
        quality=Quality.FULL,
        setup={"folder": str(model)},
        folders=(model,),
        model_bytes=size,
        problem=models.lacking(model),
    )


def _sphinx(named: str | None, folder: Path) -> Installed | None:
    del folder
    # Who names a model wants that, not a draft in its place.
    if named is not None or find_spec("pocketsphinx") is None:
        return None
    return Installed(
        name="pocketsphinx",
        version=version_of("pocketsphinx"),
        module="prsnl.engines.speech.sphinx",
        quality=Quality.DRAFT,
        languages=frozenset({"en"}),
    )


#: Name -> what finds the engine on this machine, the best first. A new one is one row.
ENGINES: Final[dict[str, Callable[[str | None, Path], Installed | None]]] = {
    "faster-whisper": _whisper,
    "pocketsphinx": _sphinx,
}


def local(named: str | None, folder: Path) -> Installed | None:
    """The engine that hears here, by what is set and what is installed.

    Args:
        named: What `PRSNL_SPEECH_MODEL` says.
        folder: The folder of the models of this installation.

    Raises:
        SettingsError: The setting names no model that there could be.
    """
    found = (find(named, folder) for find in ENGINES.values())
    return next((engine for engine in found if engine is not None), None)

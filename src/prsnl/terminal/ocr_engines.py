"""What `./prsnl doctor` tells of OCR: the engines, and the one command for more."""

from __future__ import annotations

from typing import Final

from prsnl.core.errors import StartError
from prsnl.core.settings.engines import Ocr
from prsnl.engines.ocr import table, tessdata

_SHOWN: Final = 8


def found(own: Ocr) -> str:
    """The engines in use, the best first.

    Raises:
        StartError: The one that is set is not here.
    """
    if own.ocr_engine == table.NONE:
        return "switched off (PRSNL_OCR_ENGINE=none): scans stay without text"
    engines = table.installed(own.ocr_engine)
    if not engines:
        raise StartError(
            f"PRSNL_OCR_ENGINE is {own.ocr_engine}, and that is not here: "
            f"{tessdata.command_for()}, or set it to auto."
        )
    told = "; ".join(_one(engine) for engine in engines)
    if tessdata.folder() is not None:
        return told
    return f"{told}. Three times as quick: {tessdata.command_for()}"


def _one(engine: table.Installed) -> str:
    languages = sorted(engine.languages)
    shown = ", ".join(languages[:_SHOWN])
    more = f" and {len(languages) - _SHOWN} more" if len(languages) > _SHOWN else ""
    return f"{engine.name} ({engine.package} {engine.version}: {shown}{more})"

"""An address as a code that a phone's camera reads, drawn as one path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Modules of light around a code: without them no camera finds it.
_QUIET: Final = 4


@dataclass(frozen=True)
class Code:
    """A square of modules."""

    size: int
    #: The dark ones, as the path of an SVG.
    path: str


def drawn(address: str) -> Code:
    """The code of an address."""
    # Few pages draw one.
    import segno  # noqa: PLC0415

    rows = [list(row) for row in segno.make(address, error="l").matrix]
    path = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return Code(len(rows) + 2 * _QUIET, path)

"""No OCR: what `PRSNL_OCR_ENGINE=none` means, and a machine without any engine."""

from __future__ import annotations

from PIL.Image import Image

from prsnl.engines.ocr.contract import Paragraph


class NullOcr:
    """Sees no text in any picture."""

    name = "none"
    doubt_below = 0.0

    def turn(self, picture: Image) -> int | None:
        """Nothing to tell."""
        del picture
        return None

    def script(self, picture: Image) -> tuple[str, float] | None:
        """It cannot tell."""
        del picture
        return None

    def read(self, picture: Image) -> list[Paragraph]:
        """Nothing to read."""
        del picture
        return []


def load(setup: dict[str, str], languages: tuple[str, ...]) -> NullOcr:
    """The engine; it needs nothing."""
    del setup, languages
    return NullOcr()

"""What an OCR engine takes and gives: a grey picture in, words with places out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from PIL.Image import Image

#: Left, top, right, bottom, in pixels of the picture.
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class Word:
    """One word, as it stands in the picture."""

    text: str
    box: Box
    #: Between 0 and 1.
    confidence: float


Line: TypeAlias = Sequence[Word]
Paragraph: TypeAlias = Sequence[Line]


class OcrEngine(Protocol):
    """Recognises text; it keeps its models, and nothing of a picture."""

    @property
    def name(self) -> str:
        """With its version: "tesseract 5.5.4"."""

    @property
    def doubt_below(self) -> float:
        """A word of less confidence is doubtful: engines count differently."""

    def turn(self, picture: Image) -> int | None:
        """How far clockwise a picture must be turned to be upright.

        Returns:
            0, 90, 180 or 270 degrees; None if it cannot tell.
        """

    def script(self, picture: Image) -> tuple[str, float] | None:
        """The script of an upright picture as tesseract names it, and how sure.

        Returns:
            The name and a confidence from 0 on (2 is fairly sure); None if it cannot
            tell.
        """

    def read(self, picture: Image) -> list[Paragraph]:
        """The paragraphs of an upright picture (mode "L"), in reading order."""


def words(paragraphs: Sequence[Paragraph]) -> Iterator[Word]:
    """Every word, in reading order."""
    return (word for lines in paragraphs for line in lines for word in line)


def confidence(paragraphs: Sequence[Paragraph]) -> float | None:
    """How sure the engine is of all letters together; None without any word."""
    found = list(words(paragraphs))
    letters = sum(len(word.text) for word in found)
    if not letters:
        return None
    return sum(len(word.text) * word.confidence for word in found) / letters

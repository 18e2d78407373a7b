"""Real files of the harness's own making, whose words are known."""

from __future__ import annotations

import io
import math
import struct
import wave
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

_WHO: Final = ("Ada Brook", "Ben Cole", "Cy Dorn", "Eve Field", "Ida Grant")
_DID: Final = ("paid", "received", "lent", "promised", "counted")
_WHAT: Final = ("for the mill", "for the boat", "for the roof", "to the harbour")
_WHEN: Final = ("4 May 2024", "12 June 2024", "30 August 2024", "1 March 2025")
_LINES_A_PAGE: Final = 12
_W: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_A4: Final = "[0 0 595 842]"
_RATE_HZ: Final = 8000
_TONE_HZ: Final = 440
_LOUDNESS: Final = 8000


@dataclass(frozen=True)
class Paper:
    """A file, or a note: what was put in, to be compared with what comes out."""

    name: str
    content: bytes
    #: Of each page; a recording of tones has none.
    pages: tuple[str, ...]

    @property
    def is_note(self) -> bool:
        """Whether it is written down as a note, and not uploaded."""
        return self.name.endswith(".md")

    @property
    def text(self) -> str:
        """All its words."""
        return "\n".join(self.pages)


def paper(random: Random, mark: str) -> Paper:
    """A small PDF, a DOCX or a note; *mark* is in every sentence, and in no other."""
    kind = random.choice(["pdf", "pdf", "docx", "note"])
    if kind == "pdf":
        pages = [_lines(random, mark, page) for page in range(random.randint(1, 3))]
        return _paper(f"{mark}.pdf", _pdf(pages), pages)
    lines = _lines(random, mark, 0)
    if kind == "docx":
        return _paper(f"{mark}.docx", _docx(lines), [lines])
    return _paper(f"{mark}.md", "\n\n".join(lines).encode(), [lines])


def recording(random: Random, mark: str) -> Paper:
    """A second of a tone in which nobody speaks; no two are the same."""
    frames = bytearray()
    pitch_hz = _TONE_HZ + random.random()
    for number in range(_RATE_HZ):
        loud = _LOUDNESS * math.sin(2 * math.pi * pitch_hz * number / _RATE_HZ)
        frames += struct.pack("<h", round(loud))
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE_HZ)
        file.writeframes(bytes(frames))
    return Paper(f"{mark}.wav", made.getvalue(), ())


def sentences(random: Random, mark: str, count: int) -> list[str]:
    """Sentences that say different things."""
    return [
        f"Entry {mark}-{number} says that {random.choice(_WHO)} "
        f"{random.choice(_DID)} {random.randint(10, 9999)} EUR {random.choice(_WHAT)} "
        f"on {random.choice(_WHEN)}."
        for number in range(1, count + 1)
    ]


def _lines(random: Random, mark: str, page: int) -> list[str]:
    return sentences(random, f"{mark}-{page}", _LINES_A_PAGE)


def _paper(name: str, content: bytes, pages: Sequence[Sequence[str]]) -> Paper:
    return Paper(name, content, tuple("\n".join(lines) for lines in pages))


def _pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """Text in Helvetica, a sentence a line."""
    kids = [4 + 2 * number for number in range(len(pages))]
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{_references(kids)}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for kid, lines in zip(kids, pages, strict=True):
        shown = "".join(f"({line}) Tj 0 -40 Td\n" for line in lines)
        stream = f"BT /F1 10 Tf 40 780 Td\n{shown}ET"
        shows = f"/Contents {kid + 1} 0 R"
        font = "/Resources << /Font << /F1 3 0 R >> >>"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox {_A4} {font} {shows} >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    made = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return (
        made
        + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n"
        f"startxref\n{len(made)}\n%%EOF\n".encode()
    )


def _references(numbers: Sequence[int]) -> str:
    return " ".join(f"{number} 0 R" for number in numbers)


def _docx(lines: Sequence[str]) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in lines)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>',
        )
    return made.getvalue()

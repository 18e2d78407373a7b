"""Pages a second of a large PDF: pypdfium2 alone, in our child, and as a whole task.

Run by `./prsnl bench documents [PDF]`; the sides take turns, so that a busy machine
slows all of them. Without a PDF one of 1,000 typeset pages is made here.

- `bare`: open, for each page `get_textpage` and `get_text_range`, close; one process.
- `child`: the operation `document.read` in a warm sandbox child, each page with its
  lines placed, paragraphs found, hyphens joined, links, labels and edges told, checked
  in this process.
- `document`: the same as a task reads a long PDF: two children share it where the
  machine has a place for the second.
- `task`: `extract_text_from_pdf_task` from claim to end, on a real database: each page
  a row and a checkpoint, the thumbnail, the running lines, the whole text.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import pypdfium2

sys.path.insert(0, str(Path(__file__).parent))

import machine
from desk import OWNER, desk
from prsnl.core.logging import configure_logging
from prsnl.core.settings import Settings
from prsnl.core.storage import FolderStorage
from prsnl.engines.contracts import DocumentInfo, FileType, PageText
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.file_processing.halves import HalvesReader
from prsnl.file_processing.reading import Reading
from prsnl.file_processing.slots import Slots, usual_count
from prsnl.file_processing.specs import EXTRACT_PDF_TEXT, ExtractPdfText
from prsnl.items import store
from prsnl.items.models import AttachmentView
from prsnl.wiring.children import sandbox
from prsnl.work.run import TaskRun
from prsnl.work.submit import submission

PAGES: Final = 1_000
TURNS: Final = 5
#: Of the bare rate.
BAR: Final = 0.8
_LINES: Final = 46
_LIMIT_S: Final = 60.0
_PDF: Final = FileType(
    mime_type="application/pdf", kind="pdf", description="PDF document", confidence=1
)
_WORDS: Final = [
    "the",
    "page",
    "of",
    "a",
    "long",
    "report",
    "tells",
    "how",
    "each",
    "engine",
    "was",
    "measured",
    "and",
    "what",
    "it",
    "found",
    "while",
    "several",
    "others",
    "were",
    "running",
    "on",
    "one",
    "machine",
    "with",
    "two",
    "cores",
    "as",
    "people",
    "have",
    "them",
    "at",
    "home",
    "where",
    "letters",
    "invoices",
    "contracts",
    "and",
    "manuals",
    "wait",
    "to",
    "be",
    "read",
    "once",
    "and",
    "found",
    "again",
    "by",
    "their",
    "words",
    "dates",
    "amounts",
    "and",
    "names",
    "without",
    "being",
    "opened",
]


def typeset(path: Path, pages: int) -> None:
    """Write a PDF as typesetters do: kerned, justified, with running lines."""
    chance = random.Random(7)  # noqa: S311 - the same words in each run
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects += [
        b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
        % name
        for name in (b"Times-Roman", b"Times-Bold")
    ]
    kids = []
    for number in range(1, pages + 1):
        content = _content(chance, number).encode("ascii")
        kids.append(b"%d 0 R" % (len(objects) + 1))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % (len(objects) + 2)
        )
        objects.append(
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
        )
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), pages)
    _write(path, objects)


def _content(chance: random.Random, number: int) -> str:
    parts = [
        "BT /F2 9 Tf 72 805 Td (A report of many pages) Tj ET",
        f"BT /F1 9 Tf 290 30 Td ({number}) Tj ET",
        "BT /F1 11 Tf 72 760 Td",
    ]
    for line in range(_LINES):
        words = [chance.choice(_WORDS) for _ in range(13)]
        words[0] = words[0].capitalize() if line % 6 == 0 else words[0]
        words[-1] += "." if line % 6 == 5 else ""
        shown = " ".join(f"({_kerned(chance, word)}) -290" for word in words)
        gap = -22 if line % 6 == 5 else -14.5
        parts.append(f"[{shown}] TJ 0 {gap} Td")
    return "\n".join([*parts, "ET"])


def _kerned(chance: random.Random, word: str) -> str:
    """A word in two pieces, as most words of a typeset page are."""
    if len(word) < 4 or chance.random() < 0.4:
        return word
    cut = chance.randrange(1, len(word) - 1)
    return f"{word[:cut]}) {chance.randrange(5, 30)} ({word[cut:]}"


def _write(path: Path, objects: list[bytes]) -> None:
    data = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(places) + 1,
        table,
    )
    path.write_bytes(bytes(data))


def bare(path: Path) -> int:
    """What pypdfium2 needs for nothing but the text."""
    document = pypdfium2.PdfDocument(path)
    characters = 0
    for page in document:
        text = page.get_textpage()
        characters += len(text.get_text_range())
        text.close()
        page.close()
    document.close()
    return characters


def in_child(pool: SandboxPool, path: Path) -> int:
    """The product's own operation, with every answer checked as the product does."""
    with pool.child("document") as child:
        os.link(path, child.put("input"))
        frames = child.stream(
            "document.read", {"path": "input", "kind": "pdf"}, unit_timeout_s=_LIMIT_S
        )
        DocumentInfo.model_validate(next(frames))
        return sum(len(PageText.model_validate(frame).text) for frame in frames)


@dataclass
class _Run:
    """As much of a run as children ask for."""

    room: int = 1
    peak_memory_bytes: int = 0

    @contextmanager
    def killing(self, _kill: Callable[[], None]) -> Iterator[None]:
        """Nobody cancels it."""
        yield


@dataclass(frozen=True)
class _File:
    """As much of a file as a reading asks for."""

    sha256: str
    file_name: str = "a.pdf"


def as_document(
    pool: SandboxPool, storage: FolderStorage, slots: Slots, sha: str
) -> int:
    """The product's own reading of a long document, from its first child on."""
    reading = Reading(
        cast("TaskRun", _Run()),
        cast("AttachmentView", _File(sha)),
        pool,
        storage,
        unit_timeout_s=_LIMIT_S,
    )
    with reading:
        info = reading.info(_PDF)
        reader = HalvesReader(reading, _PDF, info, slots)
        pages = reader.read(range(1, info.page_count + 1))
        return sum(len(page.text) for _, page in pages)


@contextmanager
def tasks(path: Path) -> Iterator[Callable[[], None]]:
    """A worker on servers of its own; each call is a task of an owner of its own."""
    with desk() as at:
        sha256 = at.wiring.storage.put_bytes(path.read_bytes())
        turns = iter(range(1000))

        def one() -> None:
            owner = f"{OWNER} {next(turns)}"
            new = store.NewFile(owner, "a.pdf", path.stat().st_size, sha256)
            with at.database.connection() as connection:
                file, _ = store.add_file(connection, new)
            wanted = submission(
                EXTRACT_PDF_TEXT,
                ExtractPdfText(file_id=file.id),
                owner=owner,
                attachment_id=file.id,
            )
            done = at.run(wanted)
            assert done.status == "success", done.error

        yield one


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> int:
    """Measure, print, and tell by the exit status whether the bar is met."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("pdf", nargs="?", type=Path, help="Instead of the made one.")
    asked.add_argument("--quick", action="store_true", help="A first look.")
    asked.add_argument("--no-task", action="store_true", help="Without a database.")
    wanted = asked.parse_args()
    configure_logging(Settings.read().logs)
    print(machine.described())
    print(machine.versions("pypdfium2"))
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        folder.chmod(0o711)
        path = folder / "typeset.pdf"
        if wanted.pdf is None:
            typeset(path, PAGES // 5 if wanted.quick else PAGES)
        else:
            path.write_bytes(wanted.pdf.read_bytes())
        settings = Settings.read()
        storage = settings.storage.model_copy(update={"data_dir": folder / "children"})
        pool = opened.enter_context(sandbox(replace(settings, storage=storage)))
        kept = FolderStorage(folder / "kept")
        kept.prepare()
        sha256 = kept.put_bytes(path.read_bytes())
        slots = Slots(folder / "slots", usual_count())
        sides: dict[str, Callable[[], object]] = {
            "bare": lambda: bare(path),
            "child": lambda: in_child(pool, path),
            "document": lambda: as_document(pool, kept, slots, sha256),
        }
        if not wanted.no_task:
            sides["task"] = opened.enter_context(tasks(path))
        return _measure(sides, path, turns=3 if wanted.quick else TURNS)


def _measure(sides: dict[str, Callable[[], object]], path: Path, *, turns: int) -> int:
    document = pypdfium2.PdfDocument(path)
    pages = len(document)
    document.close()
    for work in sides.values():
        work()
    took: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, work in sides.items():
            took[name].append(seconds(work))
    rows = []
    ratios = {}
    for name, spent in took.items():
        # Side by side: each turn against the bare one of the same turn.
        ratios[name] = statistics.median(
            plain / own for plain, own in zip(took["bare"], spent, strict=True)
        )
        rates = sorted(pages / one for one in spent)
        rows.append(
            (
                name,
                f"{statistics.median(rates):.0f}",
                f"{rates[0]:.0f}-{rates[-1]:.0f}",
                f"{ratios[name]:.2f}",
            )
        )
    print(f"{pages} pages, {turns} turns")
    print(machine.table(("", "pages/s", "least-most", "of bare"), rows))
    is_met = ratios["document"] >= BAR
    print(f"bar: document at least {BAR:g} of bare: {'met' if is_met else 'MISSED'}")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""OCR of a scan on one core and on all of them: pages a second, side by side.

Run by `./prsnl bench ocr`. The pages are drawn here; both sides read them with the
product's own crew of sandbox children, in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from PIL import Image, ImageDraw, ImageFont

import machine
from prsnl.core.settings import Settings
from prsnl.core.settings import engines as engine_settings
from prsnl.core.settings import service as settings_of
from prsnl.core.storage import FolderStorage
from prsnl.engines.contracts import FileType, OcrNeed, PageStatus, PageText
from prsnl.engines.ocr import table
from prsnl.file_processing.crew import Crew, Job
from prsnl.file_processing.reading import Reading
from prsnl.file_processing.slots import Slots
from prsnl.items.models import AttachmentView
from prsnl.wiring.children import sandbox
from prsnl.work.run import TaskRun

#: What two cores are to be worth, of one.
BAR = 1.7
_PAGE_PIXELS = (2480, 3508)
_PROSE = (
    "kettle harbour letter garden winter window story bridge market summer paper "
    "candle river orchard station evening question answer morning"
)


def page(number: int) -> Image.Image:
    """A page of A4 at 300 dots an inch, full of prose, each another one."""
    drawn = Image.new("L", _PAGE_PIXELS, 255)
    draw = ImageDraw.Draw(drawn)
    font = ImageFont.load_default(44)
    known = _PROSE.split()
    for row in range(44):
        words = [
            known[(number * 7 + row * 5 + place * 3) % len(known)]
            for place in range(10)
        ]
        draw.text((200, 220 + row * 70), " ".join(words), fill=0, font=font)
    return drawn


def scan(count: int) -> bytes:
    """A TIFF of so many pages."""
    buffer = io.BytesIO()
    first, *others = [page(number) for number in range(count)]
    first.save(
        buffer,
        "TIFF",
        save_all=True,
        append_images=others,
        compression="tiff_deflate",
    )
    return buffer.getvalue()


def main() -> int:
    """Measure, print, and tell by the exit status whether the bar holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="six pages, once")
    wanted = parser.parse_args()
    count, rounds = (6, 1) if wanted.quick else (wanted.pages, wanted.rounds)
    engines = table.installed(wanted.engine)
    if not engines:
        print(f"There is no OCR engine {wanted.engine} here.")
        return 2
    print(machine.described())
    print(f"{engines[0].name} {engines[0].version}, {count} pages, {rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        return _measure(Path(folder), engines, count, rounds)


def _measure(
    folder: Path, engines: tuple[table.Installed, ...], count: int, rounds: int
) -> int:
    settings = Settings(
        storage=settings_of.Storage(data_dir=folder / "data"),
        database=settings_of.Database(),
        broker=settings_of.Broker(),
        server=settings_of.Server(),
        work=settings_of.Work(),
        children=engine_settings.Children(),
        logs=settings_of.Logs(),
        ocr=engine_settings.Ocr(ocr_engine=engines[0].name),
    )
    storage = FolderStorage(folder / "storage")
    storage.prepare()
    name = storage.put_bytes(scan(count))
    hands = machine.cores()
    seconds: dict[int, list[float]] = {1: [], hands: []}
    loads: list[float] = []
    with sandbox(settings) as pool:
        for number in (1, hands):  # warm
            _read(pool, storage, name, engines, hands=number, count=number)
        for _ in range(rounds):
            for number, taken in seconds.items():
                taken.append(
                    _read(pool, storage, name, engines, hands=number, count=count)
                )
                loads.append(os.getloadavg()[0])
    rows = [
        [
            f"{number} at once",
            f"{count / statistics.median(took):.2f}",
            f"{count / max(took):.2f}-{count / min(took):.2f}",
        ]
        for number, took in seconds.items()
    ]
    print(machine.table(["pages", "a second", "least-most"], rows))
    ratios = [one / all_ for one, all_ in zip(seconds[1], seconds[hands], strict=True)]
    ratio = statistics.median(ratios)
    print(f"{ratio:.2f} times one core (at least {BAR:g} on two); loads {loads}")
    return 0 if ratio >= BAR or hands == 1 else 1


def _read(
    pool: Any,
    storage: FolderStorage,
    name: str,
    engines: tuple[table.Installed, ...],
    *,
    hands: int,
    count: int,
) -> float:
    """Seconds for the first pages of the scan."""
    job = Job(
        run=cast("TaskRun", _Run()),
        reading=cast("Reading", _File(name)),
        kind=FileType(
            mime_type="image/tiff", kind="tiff", description="TIFF", confidence=1
        ),
        sandbox=pool,
        storage=storage,
        slots=Slots(storage.root / f"slots-{uuid4().hex}", hands),
        page_timeout_s=600,
        pixels_max=20_000_000,
    )
    pages = [
        PageText(
            number=number,
            status=PageStatus.EMPTY,
            text="",
            engine="none",
            reason="a picture",
            milliseconds=0,
            need=OcrNeed(mode="page", reason="a picture"),
        )
        for number in range(1, count + 1)
    ]
    began = time.perf_counter()
    read = dict(Crew(job, engines[:1], ("eng",), pages).results())
    took = time.perf_counter() - began
    assert all(page.status is PageStatus.OK for page in read.values()), read
    return took


class _File:
    """As much of a reading as the crew asks for."""

    def __init__(self, name: str) -> None:
        self.file = cast("AttachmentView", self)
        self.sha256 = name

    def password_of(self, _kind: FileType) -> None:
        """It has none."""


class _Run:
    """As much of a task's run as the crew asks for: nothing stops it."""

    room = 1
    stop_reason = None
    peak_memory_bytes = 0

    def check(self) -> None:
        """Go on."""

    def killing(self, _kill: object) -> contextlib.AbstractContextManager[None]:
        """Nobody kills it."""
        return contextlib.nullcontext()


if __name__ == "__main__":
    raise SystemExit(main())

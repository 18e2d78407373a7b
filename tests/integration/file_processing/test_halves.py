"""A long PDF read by two children at once, some of whose pages break their reader."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from prsnl.core.errors import ChildKilledError
from prsnl.core.storage import FolderStorage
from prsnl.engines import documents
from prsnl.engines.contracts import OPERATIONS, FileType, PageStatus
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.file_processing.halves import HalvesReader
from prsnl.file_processing.reading import Reading
from prsnl.file_processing.slots import Slots
from prsnl.items.models import AttachmentView
from prsnl.work.run import TaskRun
from prsnl.work.stages import Cancelled
from tests.fakes.pdf_files import pdf_file, text_lines
from tests.fakes.task_run import LooseRun
from tests.saboteurs import page_saboteur

PDF = FileType(
    mime_type="application/pdf", kind="pdf", description="PDF document", confidence=1
)
PAGES = 220


@dataclass(frozen=True)
class File:
    """As much of a file as a reading asks for."""

    sha256: str
    file_name: str = "long.pdf"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxPool]:
    profile = Profile(preload=documents.PRELOAD, memory_bytes=3 * 2**29)
    with SandboxPool(
        scratch_root=tmp_path_factory.mktemp("scratch"),
        limits=ChildLimits(disk_bytes=2**26),
        profiles={"document": profile, "document with more room": profile},
        operations={**OPERATIONS, "document.read": "page_saboteur:read"},
        source_folders=(Path(page_saboteur.__file__).parent,),
    ) as pool:
        yield pool


@dataclass(frozen=True)
class Desk:
    """Reads one document of many pages."""

    run: LooseRun
    reading: Reading
    slots: Slots

    def reader(self) -> HalvesReader:
        info = self.reading.info(PDF)
        return HalvesReader(self.reading, PDF, info, self.slots)


@pytest.fixture
def desk(
    sandbox: SandboxPool, storage: FolderStorage, tmp_path: Path
) -> Iterator[Desk]:
    texts = [f"This is page {number}." for number in range(1, PAGES + 1)]
    texts[19] = texts[149] = "crash always"
    run = LooseRun()
    reading = Reading(
        cast("TaskRun", run),
        cast(
            "AttachmentView",
            File(storage.put_bytes(pdf_file(*[text_lines(text) for text in texts]))),
        ),
        sandbox,
        storage,
        unit_timeout_s=60,
    )
    with reading:
        yield Desk(run, reading, Slots(tmp_path / "slots", 2))


def failed(told: dict[int, PageStatus]) -> list[int]:
    return [number for number, status in told.items() if status is PageStatus.FAILED]


def test_both_halves_come_and_a_broken_page_costs_itself_alone(desk: Desk) -> None:
    told: dict[int, PageStatus] = {}
    children = 0
    for number, page in desk.reader().read(range(1, PAGES + 1)):
        told[number] = page.status
        children = max(children, len(desk.run.kills))

    assert sorted(told) == list(range(1, PAGES + 1))
    assert sorted(failed(told)) == [20, 150]
    assert children == 2


def test_where_others_have_the_places_one_child_reads_all(desk: Desk) -> None:
    alone = replace(desk, slots=replace(desk.slots, count=1))
    order = [number for number, _ in alone.reader().read(range(1, PAGES + 1))]

    assert order == list(range(1, PAGES + 1))


def test_a_task_that_stops_ends_both_children(desk: Desk) -> None:
    pages = desk.reader().read(range(1, PAGES + 1))
    next(pages)
    desk.run.stop(Cancelled())

    with pytest.raises(ChildKilledError):
        list(pages)
    assert len(desk.run.kills) <= 1  # the reading's own, which it ends itself


def test_one_who_looks_away_leaves_no_child_behind(desk: Desk) -> None:
    pages = desk.reader().read(range(1, PAGES + 1))
    next(pages)
    cast("Generator[object]", pages).close()

    assert len(desk.run.kills) == 1
    with desk.slots.taken() as first, desk.slots.taken() as second:
        assert first
        assert second

"""Pages recognised by several children at once, some of which misbehave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from prsnl.core.storage import FolderStorage
from prsnl.engines.contracts import FileType, OcrNeed, PageStatus, PageText
from prsnl.engines.ocr.table import Installed
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.file_processing.crew import Crew, Job
from prsnl.file_processing.reading import Reading
from prsnl.file_processing.slots import Slots
from prsnl.work.run import TaskRun
from prsnl.work.stages import Cancelled
from tests.fakes.task_run import LooseRun
from tests.saboteurs import ocr_operations

MIB = 2**20
QUICK = Installed(
    name="quick",
    package="quick",
    version="1",
    module="quick",
    score=1,
    languages=frozenset({"eng"}),
)
OTHER = Installed(
    name="other",
    package="other",
    version="1",
    module="other",
    score=0.9,
    languages=frozenset({"eng"}),
)


@dataclass
class File:
    """As much of a reading as the crew asks for."""

    sha256: str

    @property
    def file(self) -> File:
        return self

    def password_of(self, _kind: FileType) -> None:
        """It has none."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxPool]:
    folder = tmp_path_factory.mktemp("scratch")
    with SandboxPool(
        scratch_root=folder,
        limits=ChildLimits(disk_bytes=8 * MIB),
        profiles={
            "ocr": Profile(
                preload=("prsnl.engines.contracts",), memory_bytes=1024 * MIB, spare=2
            )
        },
        operations={"ocr.recognize": "ocr_operations:recognize"},
        source_folders=(Path(ocr_operations.__file__).parent,),
    ) as pool:
        yield pool


@pytest.fixture
def run() -> LooseRun:
    return LooseRun()


@dataclass(frozen=True)
class Office:
    """Makes crews."""

    run: LooseRun
    sandbox: SandboxPool
    storage: FolderStorage
    slots: Slots
    name: str

    def crew(
        self,
        *texts: str,
        engines: Sequence[Installed] = (QUICK, OTHER),
        page_timeout_s: float = 60,
    ) -> Crew:
        job = Job(
            run=cast("TaskRun", self.run),
            reading=cast("Reading", File(self.name)),
            kind=FileType(
                mime_type="image/tiff", kind="tiff", description="TIFF", confidence=1
            ),
            sandbox=self.sandbox,
            storage=self.storage,
            slots=self.slots,
            page_timeout_s=page_timeout_s,
            pixels_max=1_000_000,
        )
        pages = [page(number, text) for number, text in enumerate(texts, start=1)]
        return Crew(job, engines, ("eng",), pages)


def page(number: int, text: str) -> PageText:
    return PageText(
        number=number,
        status=PageStatus.EMPTY,
        text=text,
        engine="none",
        reason="a picture",
        milliseconds=0,
        need=OcrNeed(mode="page", reason="a picture"),
    )


@pytest.fixture
def office(
    run: LooseRun, sandbox: SandboxPool, storage: FolderStorage, tmp_path: Path
) -> Office:
    name = storage.put_bytes(b"pages")
    return Office(run, sandbox, storage, Slots(tmp_path / "slots", 2), name)


def test_pages_are_shared_by_as_many_children_as_there_are_places(
    office: Office,
) -> None:
    read = dict(office.crew(*["slow"] * 6).results())

    assert sorted(read) == [1, 2, 3, 4, 5, 6]
    assert len({page.text for page in read.values()}) == 2


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("crash", "SIGSEGV"),
        ("memory", "1024 MiB of memory"),
        ("bug", "ZeroDivisionError"),
        ("corrupt", "damaged"),
    ],
)
def test_a_page_that_breaks_ocr_costs_that_page_alone(
    office: Office, what: str, told: str
) -> None:
    read = dict(office.crew("fine", what, "fine").results())

    assert read[1].text.startswith("read by quick")
    assert read[3].text.startswith("read by quick")
    assert read[2].reason.endswith("OCR failed")
    assert told in (read[2].error or "")
    assert read[2].need is None


def test_a_page_that_hangs_costs_its_time_and_no_more(office: Office) -> None:
    read = dict(office.crew("hang", "fine", page_timeout_s=2).results())

    assert "longer than 2 s" in (read[1].error or "")
    assert read[2].text.startswith("read by")


def test_an_engine_that_breaks_is_followed_by_the_next_one(office: Office) -> None:
    read = dict(office.crew("crash once").results())

    assert read[1].text.startswith("read by other")


def test_an_answer_that_is_no_page_is_an_error_of_that_page(office: Office) -> None:
    read = dict(office.crew("garbage", "fine").results())

    assert read[1].error
    assert read[2].text.startswith("read by")


def test_a_page_keeps_the_text_it_had(office: Office) -> None:
    """A text layer of doubtful worth is more than nothing."""
    (found,) = dict(office.crew("crash").results()).values()

    assert (found.status, found.text) == (PageStatus.OK, "crash")


def test_a_cancelled_task_kills_its_children_at_once(
    office: Office, run: LooseRun
) -> None:
    began = time.monotonic()
    threading.Timer(0.5, run.stop, [Cancelled()]).start()

    with pytest.raises(Cancelled):
        dict(office.crew("hang", "hang").results())

    assert time.monotonic() - began < 20
    assert run.kills == []


def test_a_crew_that_is_left_early_leaves_no_child(
    office: Office, run: LooseRun
) -> None:
    """A commit may fail while other pages are in work."""
    results = office.crew("fine", "hang", "hang").results()
    next(results)

    results.close()

    assert run.kills == []


def test_without_a_free_place_one_page_is_in_work_all_the_same(
    office: Office,
) -> None:
    with office.slots.taken() as one, office.slots.taken() as other:
        assert (one, other) == (True, True)

        read = dict(office.crew(*["slow"] * 3).results())

    assert len({page.text for page in read.values()}) == 1


def test_places_are_counted_over_processes_and_come_back(tmp_path: Path) -> None:
    slots = Slots(tmp_path / "slots", 1)

    with slots.taken() as mine, Slots(tmp_path / "slots", 1).taken() as theirs:
        assert (mine, theirs) == (True, False)
    with slots.taken() as again:
        assert again

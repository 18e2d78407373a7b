"""A document of 500 pages, whose worker is killed in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from prsnl.core.db import Database
from prsnl.core.storage import FolderStorage
from prsnl.file_processing.specs import EXTRACT_PDF_TEXT, ExtractPdfText
from prsnl.items import store
from prsnl.work.ring import Channel
from prsnl.work.submit import submission, submit
from tests.acceptance.staff import OWNER, Staff
from tests.fakes.pdf_files import pdf_file, text_lines

PAGES = 500
#: Enough for a page to take some milliseconds, so that there is a middle to hit.
LINES = 130


class Crew(Staff):
    """Processes of the product itself, and not of the proving ground."""

    def hire(self, kind: str, *arguments: str) -> psutil.Process:
        """Start `./prsnl worker` or `./prsnl scheduler`."""
        log = self.folder / f"{kind}-{len(self.hired)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "prsnl", kind, *arguments],
                stdout=output,
                stderr=output,
                env=dict(self.environment),
            )
        self.hired.append(process)
        return psutil.Process(process.pid)

    def asked_for(self) -> list[int]:
        """How many pages each reading of a part of the document has asked for."""
        lines = [
            json.loads(line)
            for path in sorted(self.folder.glob("worker-*.log"))
            for line in path.read_text().splitlines()
            if line.startswith("{")
        ]
        told = [line for line in lines if line["event"] == "pages.asked_for"]
        return [line["count"] for line in sorted(told, key=lambda x: x["timestamp"])]

    def done_pages(self, task_id: UUID) -> dict[int, int]:
        """The pages that are committed, and the claim that did it."""
        rows = self.all(
            "select unit, claim_no from task_stages where task_id = %s "
            "and stage = 'pages'",
            task_id,
        )
        return {row["unit"]: row["claim_no"] for row in rows}


@pytest.fixture
def crew(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> Iterator[Crew]:
    told = {**environment, "PRSNL_LOG_LEVEL": "debug", "PRSNL_LOG_FORMAT": "json"}
    (tmp_path / "logs").mkdir()
    made = Crew(database, told, tmp_path / "logs")
    try:
        made.hire("scheduler")
        yield made
    finally:
        for process in made.hired:
            process.terminate()
        for process in made.hired:
            process.wait(timeout=60)


def long_document() -> bytes:
    """A PDF of 500 crowded pages."""
    lines = [f"Line {n} of a page that takes a while to read." for n in range(LINES)]
    return pdf_file(
        *[
            text_lines(f"This is page {number}.", *lines, size=4)
            for number in range(1, PAGES + 1)
        ]
    )


def submitted(crew: Crew, content: bytes, folder: Path) -> UUID:
    """A task that reads the document."""
    storage = FolderStorage(folder / "data" / "storage")
    storage.prepare()
    sha256 = storage.put_bytes(content)
    new = store.NewFile(OWNER, "long.pdf", len(content), sha256)
    with crew.database.connection() as connection:
        file, _ = store.add_file(connection, new)
        wanted = submission(
            EXTRACT_PDF_TEXT,
            ExtractPdfText(file_id=file.id),
            owner=OWNER,
            attachment_id=file.id,
        )
        submit(connection, [wanted])
        connection.execute(f"notify {Channel.DUE}")
    return wanted.id


@pytest.mark.timeout(240)
def test_five_hundred_pages_go_on_from_the_page_they_had_reached(
    crew: Crew, tmp_path: Path
) -> None:
    task_id = submitted(crew, long_document(), tmp_path)
    first = crew.worker()
    crew.until(lambda: len(crew.done_pages(task_id)) >= 40)
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    before = crew.done_pages(task_id)
    print(f"killed after {len(before)} pages")
    assert 40 <= len(before) < PAGES, "it was killed in the middle"
    assert crew.row(task_id)["current"] >= len(before), "progress is told by the page"

    crew.worker()
    crew.until(lambda: crew.row(task_id)["status"] == "success", timeout_s=120)

    after = crew.done_pages(task_id)
    assert sorted(after) == list(range(1, PAGES + 1))
    assert {page: after[page] for page in before} == before
    assert {after[page] for page in after if page not in before} == {2}
    assert sum(crew.asked_for()) == 2 * PAGES - len(before), "none is read twice"
    rows = crew.all("select number, text from attachment_pages order by number")
    assert [row["text"].split("\n")[0] for row in rows] == [
        f"This is page {number}." for number in range(1, PAGES + 1)
    ]

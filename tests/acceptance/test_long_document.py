"""A document of 500 pages, whose worker is killed in the middle."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from prsnl.core.db import Database
from prsnl.file_processing.specs import EXTRACT_PDF_TEXT, ExtractPdfText
from tests.acceptance.staff import Crew
from tests.fakes.pdf_files import pdf_file, text_lines

PAGES = 500
#: Enough for a page to take some milliseconds, so that there is a middle to hit.
LINES = 130


class Readers(Crew):
    """A crew that tells what it asks of documents."""

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


@pytest.fixture
def crew(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> Iterator[Readers]:
    told = {**environment, "PRSNL_LOG_LEVEL": "debug", "PRSNL_LOG_FORMAT": "json"}
    with Readers(database, told, tmp_path / "logs") as made:
        made.hire("scheduler")
        yield made


def long_document() -> bytes:
    """A PDF of 500 crowded pages."""
    lines = [f"Line {n} of a page that takes a while to read." for n in range(LINES)]
    return pdf_file(
        *[
            text_lines(f"This is page {number}.", *lines, size=4)
            for number in range(1, PAGES + 1)
        ]
    )


@pytest.mark.timeout(240)
def test_five_hundred_pages_go_on_from_the_page_they_had_reached(
    crew: Readers,
) -> None:
    task_id = crew.give(
        "long.pdf",
        long_document(),
        EXTRACT_PDF_TEXT,
        lambda file_id: ExtractPdfText(file_id=file_id),
    )
    first = crew.worker()
    crew.until(lambda: len(crew.done(task_id, "pages")) >= 40)
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    before = crew.done(task_id, "pages")
    print(f"killed after {len(before)} pages")
    assert 40 <= len(before) < PAGES, "it was killed in the middle"
    assert crew.row(task_id)["current"] >= len(before), "progress is told by the page"

    crew.worker()
    crew.until(lambda: crew.row(task_id)["status"] == "success", timeout_s=120)

    after = crew.done(task_id, "pages")
    assert sorted(after) == list(range(1, PAGES + 1))
    assert {page: after[page] for page in before} == before
    assert {after[page] for page in after if page not in before} == {2}
    assert sum(crew.asked_for()) == 2 * PAGES - len(before), "none is read twice"
    rows = crew.all("select number, text from attachment_pages order by number")
    assert [row["text"].split("\n")[0] for row in rows] == [
        f"This is page {number}." for number in range(1, PAGES + 1)
    ]

"""Scans and pictures, from a stored file to recognised pages: real children."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from prsnl.embedded.stack import StackUrls
from prsnl.engines.ocr import table
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    DocumentOptions,
    ProcessDocument,
)
from prsnl.items import store
from prsnl.items.models import AttachmentView, PageView
from prsnl.work.ledger import TaskView
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.pictures import OTHER_PROSE, PROSE, encoded, pages, picture, scan
from tests.integration.file_processing.test_documents import Desk, working

pytestmark = pytest.mark.skipif(not table.installed(), reason="no OCR engine here")


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker in the test's own process."""
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("d"))
        yield from working(wiring)


def process(
    desk: Desk, file: AttachmentView, **options: object
) -> tuple[TaskView, list[PageView]]:
    """Process a document without its analysis, and look at its pages."""
    command = ProcessDocument(
        file_id=file.id,
        options=DocumentOptions.model_validate({"analyze_content": False, **options}),
    )
    task = desk.run(
        submission(PROCESS_DOCUMENT, command, owner="ada", attachment_id=file.id)
    )
    with desk.database.connection() as connection:
        return task, store.pages(connection, file.id, owner="ada")


def test_every_page_of_a_scan_is_read(desk: Desk) -> None:
    file = desk.put("scan.pdf", scan(picture(PROSE), picture(OTHER_PROSE)))

    task, read = process(desk, file)

    assert task.status == "success", task.error
    assert task.result is not None
    assert task.result["scanned_pages"] == [1, 2]
    assert (task.current, task.total) == (6, 6)
    assert "waited for the whistle" in read[0].text
    assert "under the old piano" in read[1].text
    assert read[0].reason == "no text layer: a scan"
    assert read[0].recognition
    assert (read[0].confidence or 0) > 0.8


def test_a_tiff_has_as_many_pages_as_frames(desk: Desk) -> None:
    file = desk.put("fax.tif", pages(picture(PROSE), picture([]), picture(OTHER_PROSE)))

    task, read = process(desk, file)

    assert task.status == "success", task.error
    assert [page.status for page in read] == ["ok", "empty", "ok"]
    assert task.result is not None
    assert task.result["empty_pages"] == [2]


def test_a_picture_without_text_is_kept_all_the_same(desk: Desk) -> None:
    file = desk.put("blank.png", encoded(picture([])))

    task = desk.process(file)

    assert task.status == "success", task.error
    assert any("No text was found" in warning for warning in task.warnings)

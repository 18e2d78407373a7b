"""Pages that break their reader, pages that are done again, and running lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from prsnl.embedded.stack import StackUrls
from prsnl.engines import documents
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    DocumentOptions,
    ProcessDocument,
    Rerun,
    RerunStage,
)
from prsnl.items import store
from prsnl.items.models import AttachmentView, PageView
from prsnl.wiring import Wiring
from prsnl.work import ledger
from prsnl.work.ledger import TaskView
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.pdf_files import pdf_file, text_lines
from tests.integration.file_processing.test_documents import Desk, working
from tests.saboteurs import page_saboteur

ONLY_TEXT = DocumentOptions(analyze_content=False)
#: Long enough for a loaded machine to read a page of one line.
PAGE_LIMIT = timedelta(seconds=6)


class Sabotaged(Wiring):
    """The product's wiring, with a reader that obeys its pages."""

    def sandbox(self) -> SandboxPool:
        """Children of the two profiles that read documents."""
        profile = Profile(preload=documents.PRELOAD, memory_bytes=3 * 2**29)
        return SandboxPool(
            scratch_root=self.settings.storage.folder / "scratch",
            limits=ChildLimits(disk_bytes=2**26),
            profiles={"document": profile, "document with more room": profile},
            operations={**OPERATIONS, "document.read": "page_saboteur:read"},
            source_folders=(Path(page_saboteur.__file__).parent,),
        )


@pytest.fixture(scope="module")
def sabotaged(
    stack: StackUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("s"))
        children = wiring.settings.children.model_copy(
            update={"child_unit_timeout_s": PAGE_LIMIT}
        )
        settings = replace(wiring.settings, children=children)
        yield from working(Sabotaged(**{**vars(wiring), "settings": settings}))


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("p"))
        yield from working(wiring)


def saying(*pages: str) -> bytes:
    """A PDF of pages that say this."""
    return pdf_file(*[text_lines(page) for page in pages])


def with_running_lines(count: int, *, of: str = "the report") -> bytes:
    """A PDF whose pages have a header and a number beside their own line."""
    return pdf_file(
        *[
            text_lines(f"Annual {of}", y=815)
            + text_lines(f"What stands on page {number} alone.", y=600)
            + text_lines(f"- {number} -", y=30)
            for number in range(1, count + 1)
        ]
    )


def process(
    desk: Desk,
    file: AttachmentView,
    *,
    options: DocumentOptions = ONLY_TEXT,
    rerun: Rerun | None = None,
) -> TaskView:
    command = ProcessDocument(file_id=file.id, options=options, rerun=rerun)
    return desk.run(
        submission(PROCESS_DOCUMENT, command, owner="ada", attachment_id=file.id)
    )


def pages_of(desk: Desk, file: AttachmentView) -> list[PageView]:
    with desk.database.connection() as connection:
        return store.pages(connection, file.id, owner="ada")


def read_again(desk: Desk, task: TaskView) -> Sequence[int]:
    """The pages whose reading a task has committed and not merely found."""
    with desk.database.connection() as connection:
        rows = connection.execute(
            "select unit from task_stages where task_id = %s and stage = 'pages' "
            "and not from_checkpoint order by unit",
            [task.task_id],
        ).fetchall()
    return [row["unit"] for row in rows]


def test_a_page_that_breaks_its_reader_costs_itself_alone(sabotaged: Desk) -> None:
    bad = ["crash always", "hang", "devour", "stumble"]
    file = sabotaged.put("bad.pdf", saying("One.", *bad, "Six.", "Seven."))

    task = process(sabotaged, file)

    assert task.status == "success", task.error
    assert task.result is not None
    assert task.result["failed_pages"] == [2, 3, 4, 5]
    pages = pages_of(sabotaged, file)
    assert [page.text for page in pages if page.status == "ok"] == [
        "One.",
        "Six.",
        "Seven.",
    ]
    told = [page.error or "" for page in pages if page.status == "failed"]
    assert "crashed" in told[0]
    assert "more time" in told[1]
    assert "more memory" in told[2]
    assert "not foreseen" in told[3]
    assert task.warnings == ("Pages that could not be read: 2, 3, 4, 5.",)
    assert task.attempt == 1, "the task itself did not crash"


def test_a_page_gets_one_more_try_alone(sabotaged: Desk) -> None:
    """The one before it may have left the child sick."""
    file = sabotaged.put("shy.pdf", saying("One.", "crash in company", "Three."))

    task = process(sabotaged, file)

    assert task.status == "success", task.error
    assert [page.status for page in pages_of(sabotaged, file)] == ["ok"] * 3


def test_a_document_of_broken_pages_alone_fails_and_says_why(sabotaged: Desk) -> None:
    file = sabotaged.put("worst.pdf", saying("crash always", "crash always."))

    task = process(sabotaged, file)

    assert task.status == "failure"
    assert task.error is not None
    assert "The reader crashed" in task.error["message"]
    assert [page.status for page in pages_of(sabotaged, file)] == ["failed"] * 2


def test_pages_are_run_again_alone(desk: Desk) -> None:
    file = desk.put("report.pdf", saying("One.", "Two.", "Three.", "Four."))
    first = process(desk, file)

    again = process(
        desk, file, rerun=Rerun(stage=RerunStage.PAGES, pages=(2, 4), run=1)
    )

    assert again.status == "success", again.error
    assert read_again(desk, first) == [1, 2, 3, 4]
    assert read_again(desk, again) == [2, 4]
    assert [page.run for page in pages_of(desk, file)] == [0, 1, 0, 1]
    with desk.database.connection() as connection:
        text = store.text(connection, file.id, owner="ada")
    assert text == "One.\n\nTwo.\n\nThree.\n\nFour."


def test_what_depends_on_a_page_is_made_anew(desk: Desk) -> None:
    """The whole text is put together from what is kept and what is new."""
    file = desk.put("sum.pdf", saying("Alpha.", "Beta.", "Gamma."))
    process(desk, file)
    with desk.database.connection() as connection:
        connection.execute(
            "update attachment_pages set text = 'Spoilt.' "
            "where attachment_id = %s and number = 2",
            [file.id],
        )

    process(desk, file, rerun=Rerun(stage=RerunStage.PAGES, pages=(2,), run=1))

    with desk.database.connection() as connection:
        row = connection.execute(
            "select extracted_text from attachments where id = %s", [file.id]
        ).fetchone()
    assert row is not None
    assert row["extracted_text"] == "Alpha.\n\nBeta.\n\nGamma."


def test_running_lines_are_left_out_and_kept_beside(desk: Desk) -> None:
    file = desk.put("annual.pdf", with_running_lines(4))

    task = process(desk, file)

    assert task.status == "success", task.error
    assert [page.text for page in pages_of(desk, file)] == [
        f"What stands on page {number} alone." for number in range(1, 5)
    ]
    with desk.database.connection() as connection:
        row = connection.execute(
            "select read_text from attachment_pages "
            "where attachment_id = %s and number = 1",
            [file.id],
        ).fetchone()
    assert row is not None
    assert "Annual the report" in row["read_text"]
    assert "- 1 -" in row["read_text"]


def test_running_lines_stay_where_the_user_wants_them(desk: Desk) -> None:
    file = desk.put("kept.pdf", with_running_lines(3, of="accounts"))
    options = DocumentOptions(analyze_content=False, remove_headers_footers=False)

    process(desk, file, options=options)

    assert all("Annual accounts" in page.text for page in pages_of(desk, file))


def test_cleaning_can_be_done_again_without_the_pages(desk: Desk) -> None:
    file = desk.put("again.pdf", with_running_lines(3, of="review"))
    process(desk, file)
    options = DocumentOptions(analyze_content=False, remove_headers_footers=False)

    task = process(
        desk, file, options=options, rerun=Rerun(stage=RerunStage.CLEANING, run=1)
    )

    assert task.status == "success", task.error
    assert read_again(desk, task) == []
    assert all("Annual review" in page.text for page in pages_of(desk, file))
    with desk.database.connection() as connection:
        names = [one.stage for one in ledger.stages(connection, task.task_id)]
    assert "cleaning" in names


def test_a_page_has_its_label_and_its_links(desk: Desk) -> None:
    labels = "/PageLabels << /Nums [0 << /S /r >> 2 << /S /D >>] >>"
    content = pdf_file(*[text_lines(f"Text {n}.") for n in range(3)], catalog=labels)
    file = desk.put("labels.pdf", content)

    process(desk, file)

    assert [page.label for page in pages_of(desk, file)] == ["i", "ii", "1"]

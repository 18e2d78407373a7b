"""From a stored file to what was learned of it: real children, a real database."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from prsnl.core.db import Database
from prsnl.embedded.stack import StackUrls
from prsnl.file_processing.specs import (
    EXTRACT_PDF_TEXT,
    PROCESS_DOCUMENT,
    DocumentOptions,
    ExtractPdfText,
    ProcessDocument,
)
from prsnl.items import store
from prsnl.items.models import AttachmentView
from prsnl.wiring import Wiring
from prsnl.work import control, ledger
from prsnl.work.ledger import TaskView
from prsnl.work.runner import Runner
from prsnl.work.submit import Submission, submission, submit
from prsnl.work.workers import WorkerIdentity
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.docx_files import docx_file, paragraph
from tests.fakes.office_files import relations
from tests.fakes.pdf_files import PdfPage, pdf_file

SAMPLES = Path(__file__).parents[3] / "samples"


@dataclass(frozen=True)
class Desk:
    """Where files are put, and processed at once."""

    wiring: Wiring
    database: Database
    runner: Runner

    def put(self, name: str, content: bytes, owner: str = "ada") -> AttachmentView:
        """Store a file."""
        sha256 = self.wiring.storage.put_bytes(content)
        file = store.NewFile(owner, name, len(content), sha256)
        with self.database.connection() as connection:
            return store.add_file(connection, file)[0]

    def run(self, wanted: Submission) -> TaskView:
        """Submit a task and do it here."""
        with self.database.connection() as connection:
            task_id = submit(connection, [wanted])[0].task_id
        self.runner.execute(task_id)
        return self.task(task_id, wanted.owner)

    def process(
        self,
        file: AttachmentView,
        owner: str = "ada",
        *,
        options: DocumentOptions = DocumentOptions(),  # noqa: B008 - frozen
    ) -> TaskView:
        """Process a document."""
        command = ProcessDocument(file_id=file.id, options=options)
        return self.run(
            submission(PROCESS_DOCUMENT, command, owner=owner, attachment_id=file.id)
        )

    def task(self, task_id: UUID, owner: str = "ada") -> TaskView:
        """A task as its owner sees it."""
        with self.database.connection() as connection:
            return ledger.task(connection, task_id, owner=owner)

    def found_stages(self, task: TaskView) -> set[str]:
        """The stages whose result came from a checkpoint."""
        with self.database.connection() as connection:
            stages = ledger.stages(connection, task.task_id)
        return {stage.stage for stage in stages if stage.from_checkpoint}


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker in the test's own process; its warm children serve all tests here."""
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("d"))
        yield from working(wiring)


def working(wiring: Wiring) -> Iterator[Desk]:
    """A worker on some wiring."""
    with (
        wiring.database("test", size=4) as database,
        wiring.services(database) as services,
    ):
        worker = WorkerIdentity(kind="worker", slots=1)
        beat = wiring.beat(database, worker, services)
        runner = Runner(
            database=database,
            storage=wiring.storage,
            catalogue=wiring.catalogue,
            services=services,
            beat=beat,
            rang=lambda: None,
            told=lambda: None,
            waits_scale=0.01,
            provider_probe=timedelta(seconds=1),
        )
        with beat.beating():
            yield Desk(wiring, database, runner)


def pages_pdf(count: int, *, empty: tuple[int, ...] = ()) -> bytes:
    """A PDF whose page n says so, save those that say nothing."""
    return pdf_file(
        *[
            PdfPage(
                content=(
                    ""
                    if number in empty
                    else f"BT /F1 14 Tf 72 700 Td (This is page {number}.) Tj ET"
                )
            )
            for number in range(1, count + 1)
        ]
    )


def test_a_sample_becomes_an_item_with_all_that_was_learned(desk: Desk) -> None:
    file = desk.put(
        "lease-agreement.pdf", (SAMPLES / "lease-agreement.pdf").read_bytes()
    )

    task = desk.process(file)

    assert task.status == "success", task.error
    assert (task.current, task.percentage) == (task.total, 100.0)
    with desk.database.connection() as connection:
        item = store.item(connection, file.item_id, owner="ada")
        chunks = connection.execute(
            "select vector_dims(embedding) as dims "
            "from chunks left join embeddings using (owner, content) "
            "where item_id = %s",
            [file.item_id],
        ).fetchall()
    shown = item.attachments[0]
    assert shown.processing_status == "completed"
    assert shown.has_thumbnail
    assert shown.document_type == "contract"
    assert item.language == "en"
    assert item.key_sentences
    assert item.tags
    assert {row["dims"] for row in chunks} == {384}


def test_a_file_of_the_same_bytes_is_one_item(desk: Desk) -> None:
    first = desk.put("a.txt", b"The same text.")
    second = desk.put("b.txt", b"The same text.")

    assert first.id == second.id


def test_a_second_run_finds_every_stage_done(desk: Desk) -> None:
    file = desk.put("pages.pdf", pages_pdf(3))
    first = desk.process(file)

    second = desk.process(file)

    assert second.result == first.result
    assert desk.found_stages(second) >= {"identify", "pages", "analyze", "embed"}


def test_another_owner_finds_nothing_of_it(desk: Desk) -> None:
    """A checkpoint shared between owners would tell that somebody has the file."""
    content = pages_pdf(2)
    desk.process(desk.put("pages.pdf", content))

    theirs = desk.process(desk.put("pages.pdf", content, owner="ben"), "ben")

    assert theirs.status == "success"
    assert desk.found_stages(theirs) == set()


def test_a_page_without_text_costs_that_page_only(desk: Desk) -> None:
    file = desk.put("mixed.pdf", pages_pdf(3, empty=(2,)))

    task = desk.process(file)

    assert task.status == "success"
    assert task.result is not None
    assert task.result["empty_pages"] == [2]
    with desk.database.connection() as connection:
        text = store.text(connection, file.id, owner="ada")
    assert text == "This is page 1.\n\nThis is page 3."


def test_a_document_without_any_text_fails_and_says_why(desk: Desk) -> None:
    file = desk.put("scan.pdf", pages_pdf(2, empty=(1, 2)))

    task = desk.process(file)

    assert task.status == "failure"
    assert task.error is not None
    assert task.error["code"] == "empty"
    assert "None of its 2 pages has text: a blank page." in task.error["message"]
    with desk.database.connection() as connection:
        shown = store.attachment(connection, file.id, owner="ada")
        pages = store.pages(connection, file.id, owner="ada")
    assert shown.processing_status == "failed"
    assert shown.has_thumbnail
    assert [page.status for page in pages] == ["empty", "empty"]


def test_a_kind_that_nothing_reads_is_unsupported(desk: Desk) -> None:
    file = desk.put("data.gz", b"\x1f\x8b\x08" + bytes(200))

    task = desk.process(file)

    assert (task.status, task.error and task.error["code"]) == (
        "failure",
        "unsupported",
    )


def test_the_text_stays_when_the_analysis_is_not_wanted(desk: Desk) -> None:
    file = desk.put("note.txt", b"Only the text is wanted here.")

    task = desk.process(file, options=DocumentOptions(analyze_content=False))

    assert task.status == "success"
    with desk.database.connection() as connection:
        item = store.item(connection, file.item_id, owner="ada")
        assert store.text(connection, file.id, owner="ada").startswith("Only the text")
    assert item.ai_enhancement_status is None


def test_text_of_a_pdf_alone_refuses_what_is_none(desk: Desk) -> None:
    file = desk.put("note.txt", b"This is a note and not a PDF.")

    task = desk.run(
        submission(
            EXTRACT_PDF_TEXT,
            ExtractPdfText(file_id=file.id),
            owner="ada",
            attachment_id=file.id,
        )
    )

    assert task.error is not None
    assert task.error["code"] == "unsupported"
    assert "process-document" in task.error["message"]


def test_text_of_a_pdf_alone_is_read_page_by_page(desk: Desk) -> None:
    file = desk.put("pages.pdf", pages_pdf(5))

    task = desk.run(
        submission(
            EXTRACT_PDF_TEXT,
            ExtractPdfText(file_id=file.id),
            owner="ada",
            attachment_id=file.id,
        )
    )

    assert task.result is not None
    assert task.result["pages"] == 5
    assert (task.current, task.total) == (10, 10)


def test_a_cancelled_task_leaves_a_file_that_says_so(desk: Desk) -> None:
    file = desk.put("later.txt", b"This is cancelled before anybody reads it.")
    command = ProcessDocument(file_id=file.id)
    with desk.database.connection() as connection:
        wanted = submission(
            PROCESS_DOCUMENT, command, owner="ada", attachment_id=file.id
        )
        task_id = submit(connection, [wanted])[0].task_id
        control.cancel(connection, task_id, owner="ada")

        shown = store.attachment(connection, file.id, owner="ada")

    assert shown.processing_status == "cancelled"


def test_a_long_text_is_cut_into_passages_of_several_answers(desk: Desk) -> None:
    line = "Every line of this long text says that the kettle boils again. "
    file = desk.put("long.txt", (line * 20 + "\n\n").encode() * 400)

    task = desk.process(file)

    assert task.status == "success", task.error
    assert task.result is not None
    assert task.result["passages"] > 500


def test_only_the_first_passages_of_a_huge_text_are_embedded_and_it_says_so(
    stack: StackUrls, tmp_path: Path
) -> None:
    """Each takes a hundredth of a second: a table of many megabytes took minutes."""
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path)
        few = wiring.settings.embedding.model_copy(update={"embedding_passages": 40})
        settings = replace(wiring.settings, embedding=few)
        for desk in working(replace(wiring, settings=settings)):
            lines = [f"Line {n} says that the kettle boils. " * 15 for n in range(90)]
            file = desk.put("huge.txt", "\n\n".join(lines).encode())

            task = desk.process(file)

            assert task.status == "success", task.error
            assert task.result is not None
            assert task.result["passages"] == 40
            told = next(one for one in task.warnings if "by meaning" in one)
            assert told.startswith("The text is kept whole, but only the first 40 of ")
            with desk.database.connection() as connection:
                kept = store.text(connection, file.id, owner="ada")
                rows = connection.execute("select count(*) as n from chunks").fetchone()
            assert lines[-1].strip() in kept
            assert rows == {"n": 40}


class _EndsWhoLoadsIt:
    """As a pickle: whoever loads it is gone."""

    def __reduce__(self) -> tuple[Callable[[int], object], tuple[int]]:
        return os._exit, (7,)


def test_what_would_run_code_when_it_is_loaded_is_never_loaded(desk: Desk) -> None:
    """Else the child would be gone, and the file "crashed" in the place of a reason."""
    array = io.BytesIO()
    np.save(array, np.array([_EndsWhoLoadsIt()], dtype=object), allow_pickle=True)
    for name, content in {
        "model.pkl": pickle.dumps(_EndsWhoLoadsIt()),
        "model.pickle": pickle.dumps(_EndsWhoLoadsIt(), protocol=0),
        "array.npy": array.getvalue(),
    }.items():
        task = desk.process(desk.put(name, content))

        assert task.status in ("success", "failure"), task.error
        if task.error:
            assert task.error["code"] in ("unsupported", "corrupt"), name


def test_a_macro_is_left_where_it_is(desk: Desk) -> None:
    macro = {
        "word/vbaProject.bin": "Sub AutoOpen: Shell calc: Canarymacro",
        "word/_rels/document.xml.rels": relations(("vbaProject", "vbaProject.bin")),
    }
    said = paragraph("The rent is due on the first of March.")
    file = desk.put("letter.docm", docx_file(said, macro))

    task = desk.process(file)

    assert task.status == "success", task.error
    with desk.database.connection() as connection:
        text = store.text(connection, file.id, owner="ada")
    assert "The rent is due" in text
    assert "Canarymacro" not in f"{text} {task.result}"

"""A scan survives the death of its worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from prsnl.core.db import Database
from prsnl.engines.ocr import table
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    DocumentOptions,
    ProcessDocument,
)
from prsnl.items import store
from prsnl.wiring import Wiring
from prsnl.work.submit import submission, submit
from tests.acceptance.staff import wait_until
from tests.conftest import need
from tests.fakes.pictures import PROSE, pages, picture

PAGES = 8


@contextmanager
def program(
    environment: Mapping[str, str], *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the product, ended after the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "prsnl", *arguments],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.timeout(300)
def test_a_killed_scan_goes_on_where_it_was(
    database: Database, wiring: Wiring, environment: dict[str, str]
) -> None:
    need("ocr", is_there=bool(table.installed()), why="no OCR engine")
    content = pages(*[picture([f"Page {n}", *PROSE]) for n in range(1, PAGES + 1)])
    sha256 = wiring.storage.put_bytes(content)
    environment["PRSNL_OCR_LANGUAGES"] = "en"

    with database.connection() as connection:
        file = store.add_file(
            connection, store.NewFile("ada", "scan.tif", len(content), sha256)
        )[0]
        command = ProcessDocument(
            file_id=file.id, options=DocumentOptions(analyze_content=False)
        )
        wanted = submission(
            PROCESS_DOCUMENT, command, owner="ada", attachment_id=file.id
        )
        task_id = submit(connection, [wanted])[0].task_id

    def done() -> dict[int, int]:
        """Pages that are done, each with the number of the claim that did it."""
        with database.connection() as connection:
            rows = connection.execute(
                "select unit, claim_no from task_stages "
                "where task_id = %s and stage = 'pages'",
                [task_id],
            ).fetchall()
        return {row["unit"]: row["claim_no"] for row in rows}

    def status() -> str:
        with database.connection() as connection:
            row = connection.execute(
                "select status from tasks where id = %s", [task_id]
            ).fetchone()
        assert row is not None
        return str(row["status"])

    with program(environment, "scheduler"):
        with program(environment, "worker", "file_processing") as worker:
            wait_until(lambda: len(done()) >= 1, timeout_s=120)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        before = done()
        assert status() == "running"
        assert len(before) < PAGES
        with program(environment, "worker", "file_processing"):
            wait_until(lambda: status() == "success", timeout_s=120)

    after = done()
    assert len(after) == PAGES
    assert {unit: claim for unit, claim in after.items() if claim == 1} == before
    assert {claim for unit, claim in after.items() if unit not in before} == {2}
    with database.connection() as connection:
        read = store.pages(connection, file.id, owner="ada")
    assert all(f"Page {page.number}" in page.text for page in read)

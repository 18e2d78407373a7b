"""The stage after the pages: running headers, footers and page numbers are left out."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from prsnl.engines.contracts import DocumentInfo, EdgeLine, FileType, PageText, Value
from prsnl.engines.running_lines import PAGES_MIN, running_lines, without
from prsnl.items.cleaning import save_cleaned
from prsnl.work.run import TaskRun
from prsnl.work.stages import DoneUnits, Stage


class RunningLines(Value):
    """What is left out, by page."""

    by_page: dict[int, tuple[EdgeLine, ...]]


CLEANING: Final = Stage(
    name="cleaning", version=1, result=RunningLines, title="Cleaning the text"
)


def is_cleaned(kind: FileType, info: DocumentInfo) -> bool:
    """Whether a document has pages whose edges can repeat."""
    return kind.kind == "pdf" and info.page_count >= PAGES_MIN


def cleaned(
    run: TaskRun, attachment_id: UUID, pages: DoneUnits[PageText], *, removes: bool
) -> DoneUnits[PageText]:
    """The pages without their running lines; as they are, where that is not wanted."""

    def look() -> RunningLines:
        edges = {number: page.edges for number, page in pages.values.items()}
        return RunningLines(by_page=running_lines(edges) if removes else {})

    def apply(told: RunningLines) -> dict[int, PageText]:
        return {
            number: without(pages.values[number], lines)
            for number, lines in told.by_page.items()
        }

    done = run.stage(
        CLEANING,
        inputs=[pages.key],
        parameters={"removes": removes},
        work=look,
        store=lambda connection, told: save_cleaned(
            connection, attachment_id, apply(told)
        ),
    )
    return DoneUnits({**pages.values, **apply(done.value)}, done.key)

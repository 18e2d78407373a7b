"""OCR of the pages that need it: several at once, each finished one kept at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prsnl.core.storage import Storage
from prsnl.engines import images
from prsnl.engines.contracts import FileType, PageStatus, PageText
from prsnl.engines.ocr import tessdata
from prsnl.engines.ocr.languages import name_of
from prsnl.engines.ocr.table import Installed, ranked
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.file_processing.crew import Crew, Job
from prsnl.file_processing.reading import Reading
from prsnl.file_processing.slots import Slots
from prsnl.file_processing.specs import OcrWish
from prsnl.work.run import TaskRun

#: The kinds whose pages can be shown as pictures.
PICTURED: Final = frozenset({"pdf", *images.KINDS})
#: So much of a text layer tells its language.
_SAMPLE_CHARACTERS: Final = 4_000
_LISTED: Final = 10


@dataclass(frozen=True, kw_only=True)
class Recognizer:
    """Recognises pages in sandbox children.

    Attributes:
        engines: Those of this machine, the best first; none: OCR is off.
        languages: The set ones; empty: to be detected.
        page_timeout_s: Seconds allowed for one page.
        pixels_max: A page is drawn with at most so many.
        off_because: What a page says that would need OCR, where there is none.
    """

    sandbox: SandboxPool
    storage: Storage
    slots: Slots
    engines: tuple[Installed, ...]
    languages: tuple[str, ...]
    page_timeout_s: float
    pixels_max: int
    off_because: str = "OCR is switched off (PRSNL_OCR_ENGINE)"

    def parameters(self, kind: FileType, wish: OcrWish) -> dict[str, Any]:
        """What the pages of a file depend on; nothing, for a kind without pictures."""
        if kind.kind not in PICTURED:
            return {}
        if not wish.use_ocr:
            return {"ocr": False}
        return {
            "ocr": [f"{one.name} {one.version}" for one in self.engines],
            "ocr_data": sorted(
                set[str]().union(*(one.languages for one in self.engines))
            ),
            "ocr_languages": list(wish.languages or self.languages),
            "ocr_pixels": self.pixels_max,
        }

    def finished(
        self,
        run: TaskRun,
        reading: Reading,
        kind: FileType,
        pages: Iterable[tuple[int, PageText]],
        wish: OcrWish,
    ) -> Iterator[tuple[int, PageText]]:
        """The pages as they are read; those that need OCR once it is done.

        A page that cannot be recognised costs that page alone: its status is failed.
        """
        waiting: dict[int, PageText] = {}
        sample: list[str] = []
        for number, page in pages:
            if page.need is None or page.need.mode == "pictures":
                sample.append(page.text[:_SAMPLE_CHARACTERS])
            if page.need is None:
                yield number, page
            elif not wish.use_ocr:
                yield number, _left(page, "OCR was not wanted")
            elif not self.engines:
                yield number, _left(page, self.off_because)
            else:
                waiting[number] = page
        if not waiting:
            return
        job = Job(
            run=run,
            reading=reading,
            kind=kind,
            sandbox=self.sandbox,
            storage=self.storage,
            slots=self.slots,
            page_timeout_s=self.page_timeout_s * run.room,
            pixels_max=self.pixels_max,
        )
        sampled: PageText | None = None
        languages = wish.languages or self.languages
        if not languages:
            plan = job.plan(
                waiting.values(),
                "\n".join(sample)[:_SAMPLE_CHARACTERS],
                engine=self.engines[0],
                parameters=self.parameters(kind, wish),
            )
            languages = plan.languages
            sampled = plan.page
        engines = ranked(self.engines, languages)
        notes = tuple(_notes(engines, languages))
        if sampled is not None and sampled.number in waiting:
            del waiting[sampled.number]
            yield sampled.number, _noted(sampled, notes)
        crew = Crew(job, engines, languages, list(waiting.values()))
        for number, page in crew.results():
            yield number, _noted(page, notes)


def warnings(pages: Mapping[int, PageText]) -> Iterator[str]:
    """What a user should know of recognised pages, in whole sentences."""
    unsure = [
        number
        for number, page in pages.items()
        if page.recognition and page.recognition.warning
    ]
    if unsure:
        listed = ", ".join(map(str, unsure[:_LISTED]))
        left = len(unsure) - _LISTED
        more = f" and {left} more" if left > 0 else ""
        yield (
            f"OCR is not sure of what it read on page {listed}{more}: doubtful words "
            "are marked with [?]."
        )
    if found_nothing(pages):
        yield "No text was found: OCR looked at it, and saw none."
    yield from dict.fromkeys(
        note
        for page in pages.values()
        if page.recognition
        for note in page.recognition.notes
    )


def found_nothing(pages: Mapping[int, PageText]) -> bool:
    """Whether OCR looked at every page without finding text on any."""
    return bool(pages) and all(
        page.status is PageStatus.EMPTY and page.recognition is not None
        for page in pages.values()
    )


def _left(page: PageText, why: str) -> PageText:
    return page.model_copy(update={"need": None, "reason": f"{page.reason}; {why}"})


def _notes(engines: Sequence[Installed], wanted: Sequence[str]) -> Iterator[str]:
    """What languages no engine here has data for, and how to get them."""
    best = engines[0]
    for code in best.lacks(wanted):
        # English is asked for beside another, and missed by nobody.
        if code == "eng" and len(wanted) > 1:
            continue
        yield (
            f"Read without data for {name_of(code)}, with what {best.name} has: expect "
            f"errors. Better: {tessdata.command_for(code)}, then process it again."
        )


def _noted(page: PageText, notes: tuple[str, ...]) -> PageText:
    if not notes or page.recognition is None:
        return page
    recognition = page.recognition.model_copy(update={"notes": notes})
    return page.model_copy(update={"recognition": recognition})

"""Pages one after another, where a bad one costs itself alone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from prsnl.core.errors import (
    Category,
    ChildKilledError,
    DiskFullError,
    OutOfMemoryError,
    PrsnlError,
    TimeLimitError,
)
from prsnl.engines.contracts import DocumentInfo, FileType, PageStatus, PageText
from prsnl.file_processing.reading import Reading

#: After so many limits of one page spent on pages that broke their child, the others
#: are listed as not tried: a document built of such pages would hold a worker for days.
_LOST_LIMITS_MAX: Final = 10
_ENGINE: Final = "none"

log = structlog.get_logger()


@dataclass(frozen=True)
class PageReader:
    """Reads pages of one document."""

    reading: Reading
    kind: FileType
    info: DocumentInfo

    def read(self, wanted: Sequence[int]) -> Iterator[tuple[int, PageText]]:
        """Read the wanted pages in order; each is yielded, the failed ones too.

        A child that crashes, hangs or runs out of memory did so on the page after the
        last one it told. It is replaced, that page gets one more try alone, and the
        others go on.
        """
        left = deque(sorted(wanted))
        log.debug("pages.asked_for", count=len(left), of=self.info.page_count)
        lost_s = 0.0
        while left:
            began = time.monotonic()
            try:
                for number, page in self._pages(left):
                    left.remove(number)
                    yield number, page
                    began = time.monotonic()
            except PrsnlError as error:
                self._require_of_the_page(error)
                guilty = left.popleft()
                log.warning("page.child_lost", page=guilty, code=error.code)
                yield guilty, self._try_alone(guilty, error, began)
                lost_s += time.monotonic() - began
                if lost_s > _LOST_LIMITS_MAX * self.reading.unit_timeout_s:
                    yield from _given_up(left, lost_s)
                    return

    def _pages(self, wanted: Sequence[int]) -> Iterator[tuple[int, PageText]]:
        return self.reading.pages(self.kind, self.info, wanted)

    def _require_of_the_page(self, error: PrsnlError) -> None:
        """Go on only where other pages may be read; a stop, a full disk are of all."""
        is_of_all = isinstance(error, ChildKilledError | DiskFullError)
        is_permanent = error.category is Category.PERMANENT
        if is_of_all or (is_permanent and self.kind.kind != "pdf"):
            raise error
        self.reading.replace_child()

    def _try_alone(self, number: int, error: PrsnlError, began: float) -> PageText:
        """The page read by a fresh child, with more room if it wanted for some.

        One that took too long is not tried again: its time is the dearest.
        """
        if not isinstance(error, TimeLimitError):
            try:
                with self.reading.roomier(isinstance(error, OutOfMemoryError)):
                    ((_, page),) = self._pages([number])
            except PrsnlError as again:
                self._require_of_the_page(again)
                error = again
            else:
                return page
        return _failed(number, _told(error), 1000 * (time.monotonic() - began))


def _told(error: PrsnlError) -> str:
    match error.category:
        case Category.CRASH:
            return "The reader crashed on this page: it is damaged, or built to harm."
        case Category.RESOURCE:
            what = "time" if isinstance(error, TimeLimitError) else "memory"
            return (
                f"This page takes more {what} to read than a page may. {error.message}"
            )
        case Category.PERMANENT:
            return error.message
    return "The reader failed on this page: it is damaged in a way not foreseen."


def _given_up(left: Sequence[int], lost_s: float) -> Iterator[tuple[int, PageText]]:
    for number in left:
        told = (
            f"Not tried: {lost_s:.0f} s went to pages before it that broke the reader."
            " Run this page again."
        )
        yield number, _failed(number, told, 0.0)


def _failed(number: int, told: str, milliseconds: float) -> PageText:
    return PageText(
        number=number,
        status=PageStatus.FAILED,
        text="",
        engine=_ENGINE,
        reason="the page could not be read",
        milliseconds=round(milliseconds, 2),
        error=told,
    )

"""A long PDF read by two children at once, where the machine has cores to spare."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final, TypeAlias

from prsnl.engines.contracts import DocumentInfo, FileType, PageText
from prsnl.engines.sandbox.memory import NoMemoryYet
from prsnl.file_processing.pages import PageReader
from prsnl.file_processing.reading import Reading
from prsnl.file_processing.slots import Slots

#: To start a second child and to place it takes as long as 50 pages.
_LONG_PAGES: Final = 200
#: Pages that may wait to be kept, read by the second child.
_WAITING_MAX: Final = 64
_LOOK_S: Final = 0.5

#: A page; what ended the second child; or None at its end.
_Told: TypeAlias = tuple[int, PageText] | BaseException | None


@dataclass(frozen=True)
class HalvesReader:
    """Reads pages of one document, the later half of a long one beside the first.

    Both halves hold a place of this machine: where others have them all, one child
    reads the whole.
    """

    reading: Reading
    kind: FileType
    info: DocumentInfo
    slots: Slots

    def read(self, wanted: Sequence[int]) -> Iterator[tuple[int, PageText]]:
        """Read the wanted pages, each as soon as it is read; the failed ones too."""
        first = PageReader(self.reading, self.kind, self.info)
        is_long = self.kind.kind == "pdf" and len(wanted) >= _LONG_PAGES
        if not is_long:
            yield from first.read(wanted)
            return
        with self.slots.taken(), self.slots.taken() as has_place:
            if not has_place:
                yield from first.read(wanted)
                return
            half = (len(wanted) + 1) // 2
            left = dict.fromkeys(wanted)
            for page in self._both(first, wanted[:half], wanted[half:]):
                del left[page[0]]
                yield page
            if left:  # there was no memory for the second child
                yield from first.read(list(left))

    def _both(
        self, first: PageReader, sooner: Sequence[int], later: Sequence[int]
    ) -> Iterator[tuple[int, PageText]]:
        with self._beside(later) as told:
            for page in first.read(sooner):
                yield page
                yield from _ready(told)
            yield from _all(told)

    @contextmanager
    def _beside(self, wanted: Sequence[int]) -> Iterator[queue.Queue[_Told]]:
        """Have a child of its own read the wanted pages while the block runs."""
        told: queue.Queue[_Told] = queue.Queue(_WAITING_MAX)
        is_over = threading.Event()

        def tell(what: _Told) -> None:
            while not is_over.is_set():
                with suppress(queue.Full):
                    told.put(what, timeout=_LOOK_S)
                    return

        def work() -> None:
            try:
                for page in PageReader(other, self.kind, self.info).read(wanted):
                    tell(page)
                    if is_over.is_set():
                        return
                tell(None)
            except NoMemoryYet:
                tell(None)
            except BaseException as error:  # noqa: BLE001 (whoever waits is told)
                tell(error)

        with self.reading.another() as other:
            thread = threading.Thread(
                target=copy_context().run, args=(work,), name="pages"
            )
            thread.start()
            try:
                yield told
            finally:
                is_over.set()
                other.abandon()
                thread.join()


def _ready(told: queue.Queue[_Told]) -> Iterator[tuple[int, PageText]]:
    """What the second child has told and nobody has taken yet."""
    while True:
        try:
            one = told.get_nowait()
        except queue.Empty:
            return
        if one is None:
            told.put(None)  # for whoever waits for the end
            return
        yield _page(one)


def _all(told: queue.Queue[_Told]) -> Iterator[tuple[int, PageText]]:
    """What the second child tells, until its end.

    Whatever stops the task ends that child, and so this.
    """
    while (one := told.get()) is not None:
        yield _page(one)


def _page(one: tuple[int, PageText] | BaseException) -> tuple[int, PageText]:
    if isinstance(one, BaseException):
        raise one
    return one

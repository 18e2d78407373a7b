"""The children that recognise the pages of one file, as many as the machine allows."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from prsnl.core.errors import (
    Category,
    ChildCrashedError,
    PrsnlError,
    TimeLimitError,
)
from prsnl.core.storage import Storage
from prsnl.engines.contracts import FileType, JsonObject, OcrPlan, PageStatus, PageText
from prsnl.engines.ocr.table import Installed, usual
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.memory import NoMemoryYet
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.file_processing.reading import Reading
from prsnl.file_processing.slots import Slots
from prsnl.work.run import TaskRun
from prsnl.work.sandboxed import child_of
from prsnl.work.stages import Stage

OCR_PLAN: Final = Stage(
    name="ocr plan", version=1, result=OcrPlan, title="Telling the language of a scan"
)
#: A child is replaced after so many pages: libraries keep memory.
_PAGES_A_CHILD: Final = 100
#: A helper gives its place to others after so long, and asks for it again.
_SPELL_S: Final = 20.0
_ASK_AGAIN_S: Final = 0.2
_LOOK_S: Final = 0.5
_INPUT: Final = "input"
#: A page that broke an engine is tried once more, drawn with so much fewer pixels.
_FEWER: Final = 3


@dataclass(frozen=True, kw_only=True)
class Job:
    """One file whose pages are recognised."""

    run: TaskRun
    reading: Reading
    kind: FileType
    sandbox: SandboxPool
    storage: Storage
    slots: Slots
    page_timeout_s: float
    pixels_max: int

    def plan(
        self,
        waiting: Iterable[PageText],
        sample: str,
        *,
        engine: Installed,
        parameters: Mapping[str, Any],
    ) -> OcrPlan:
        """Which languages the document is in, as its text layer or a page shows.

        Args:
            waiting: The pages to be recognised.
            sample: What its text layer says, if it has one.
            engine: Reads the first page, where that is needed.
            parameters: What the plan depends on beside the file.
        """
        # It is no step of its own: a document without it has as many.
        self.run.progress.advance(-1, OCR_PLAN.title)
        pages = list(waiting)
        scans = (page for page in pages if page.need and page.need.mode == "page")
        first = next(scans, pages[0])
        done = self.run.stage(
            OCR_PLAN,
            inputs=self.reading.content,
            parameters=parameters,
            work=lambda: self._plan(first, sample, engine),
            store=lambda _connection, _plan: None,
        )
        return done.value

    def _plan(self, first: PageText, sample: str, engine: Installed) -> OcrPlan:
        languages = usual(engine.languages)
        params = {**self.params(first, engine, languages, fewer=1), "text": sample}
        with ExitStack() as stack:
            child = self.child(stack)
            try:
                timeout_s = 2 * self.page_timeout_s
                told = child.call("ocr.plan", params, timeout_s=timeout_s)
                return OcrPlan.model_validate(told)
            except (PrsnlError, ValidationError):
                self.run.check()
                # Whatever is wrong with that page, the crew finds it again and says so.
                return OcrPlan(languages=languages, source="the usual ones")

    def params(
        self,
        page: PageText,
        engine: Installed,
        languages: Sequence[str],
        *,
        fewer: int,
    ) -> JsonObject:
        """What a child is told of one page."""
        return {
            "path": _INPUT,
            "kind": self.kind.kind,
            "password": self.reading.password_of(self.kind),
            "page": page.model_dump(mode="json"),
            "engine": engine.module,
            "setup": engine.setup,
            "languages": list(engine.has(languages)),
            "pixels_max": self.pixels_max // fewer,
        }

    def child(self, stack: ExitStack, check: Callable[[], None] | None = None) -> Child:
        """A child that has the file, as long as the stack is open."""
        child = stack.enter_context(
            child_of(self.run, self.sandbox, "ocr", check=check)
        )
        self.storage.fetch(self.reading.file.sha256, child.put(_INPUT))
        return child


_Told: TypeAlias = PageText | BaseException


@dataclass
class Crew:
    """Threads, each with a child of its own, that share the pages of one file.

    One of them always works; the others while the machine has a place for them.
    """

    job: Job
    #: The best for these languages first; the next one is tried where it breaks.
    engines: Sequence[Installed]
    languages: Sequence[str]
    pages: Sequence[PageText]
    _left: deque[PageText] = field(init=False)
    _done: queue.SimpleQueue[_Told] = field(default_factory=queue.SimpleQueue)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _busy: set[Child] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def results(self) -> Iterator[tuple[int, PageText]]:
        """Every page, each as soon as it is done.

        Raises:
            PrsnlError: No child could be started.
        """
        self._left = deque(self.pages)
        hands = min(len(self.pages), self.job.slots.count)
        threads = [
            threading.Thread(
                target=copy_context().run, args=(self._work, number), name="ocr"
            )
            for number in range(hands)
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in self.pages:
                page = self._next()
                yield page.number, page
        finally:
            self._end()
            for thread in threads:
                thread.join()

    def _next(self) -> PageText:
        while True:
            self.job.run.check()
            try:
                told = self._done.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if isinstance(told, BaseException):
                raise told
            return told

    def _end(self) -> None:
        """Have every thread stop at once, be its page done or not."""
        with self._lock:
            self._is_over.set()
            busy = list(self._busy)
        for child in busy:
            child.kill()

    def _work(self, number: int) -> None:
        try:
            if number == 0:
                self._work_always()
            else:
                self._help()
        except BaseException as error:  # noqa: BLE001 (whoever waits is told)
            self._done.put(error)

    def _work_always(self) -> None:
        while self._goes_on:
            with self.job.slots.taken():
                self._work_a_spell()

    def _help(self) -> None:
        while self._goes_on:
            # Without memory for a second one, the first does it all.
            with self.job.slots.taken() as has_place, suppress(NoMemoryYet):
                if has_place:
                    self._work_a_spell()
            self._is_over.wait(_ASK_AGAIN_S)

    @property
    def _goes_on(self) -> bool:
        return (
            bool(self._left)
            and not self._is_over.is_set()
            and self.job.run.stop_reason is None
        )

    def _check(self) -> None:
        self.job.run.check()
        if self._is_over.is_set():
            raise NoMemoryYet("The pages are done.")

    def _work_a_spell(self) -> None:
        """Recognise pages with one child, as long as that serves."""
        until = time.monotonic() + _SPELL_S
        with ExitStack() as stack:
            child = self.job.child(stack, self._check)
            while self._goes_on and child.is_reusable:
                if child.calls >= _PAGES_A_CHILD or time.monotonic() >= until:
                    return
                try:
                    page = self._left.popleft()
                except IndexError:
                    return
                self._done.put(self._recognized(child, page))

    def _recognized(self, child: Child, page: PageText) -> PageText:
        began = time.perf_counter()
        error = self._try(child, page, self.engines[0], fewer=1)
        if isinstance(error, PageText):
            return error
        if error.category is not Category.PERMANENT and not isinstance(
            error, TimeLimitError
        ):
            with ExitStack() as stack:
                other = self.engines[min(1, len(self.engines) - 1)]
                again = self._try(self.job.child(stack), page, other, fewer=_FEWER)
            if isinstance(again, PageText):
                return again
        return _failed(page, error, (time.perf_counter() - began) * 1000)

    def _try(
        self, child: Child, page: PageText, engine: Installed, *, fewer: int
    ) -> PageText | PrsnlError:
        params = self.job.params(page, engine, self.languages, fewer=fewer)
        with self._lock:
            self._busy.add(child)
        try:
            told = child.call(
                "ocr.recognize", params, timeout_s=self.job.page_timeout_s
            )
            return _checked(told, page)
        except PrsnlError as error:
            if (reason := self.job.run.stop_reason) is not None:
                raise reason from error
            if self._is_over.is_set():
                raise
            return error
        finally:
            with self._lock:
                self._busy.discard(child)


def _checked(told: JsonObject, page: PageText) -> PageText:
    """The answer of a child, which may be anything."""
    try:
        made = PageText.model_validate(told)
    except ValidationError as error:
        raise ChildCrashedError("The answer of OCR makes no sense.") from error
    if made.number != page.number or made.need is not None:
        raise ChildCrashedError("OCR answered for another page.")
    return made


def _failed(page: PageText, error: PrsnlError, milliseconds: float) -> PageText:
    """A page that cannot be recognised keeps the text that it had."""
    assert page.need is not None
    return page.model_copy(
        update={
            "status": PageStatus.OK if page.text.strip() else PageStatus.FAILED,
            "need": None,
            "reason": f"{page.reason}; OCR failed",
            "error": f"OCR failed on page {page.number}: {error.message}",
            "milliseconds": round(page.milliseconds + milliseconds, 2),
        }
    )

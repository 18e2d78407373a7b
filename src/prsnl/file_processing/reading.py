"""One file in a sandbox child: started at the first question, gone at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final, Self

from prsnl.core.errors import ChildCrashedError
from prsnl.core.storage import Storage
from prsnl.engines.contracts import (
    DocumentInfo,
    FileType,
    JsonObject,
    PageText,
    Picture,
    Value,
)
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items.models import AttachmentView
from prsnl.work.run import TaskRun
from prsnl.work.sandboxed import child_of

THUMBNAIL_WIDTH: Final = 320
_INPUT: Final = "input"


class Thumbnail(Value):
    """The picture of a first page, by its storage name; None where there is none."""

    name: str | None


@dataclass
class Reading:
    """What a child tells of one file.

    A finished stage asks nothing, so a task that finds all of them done starts no
    child and copies no file.

    Attributes:
        unit_timeout_s: Seconds allowed for one answer.
        again: A new word here makes every stage a new one, though the file is not.
    """

    run: TaskRun
    file: AttachmentView
    sandbox: SandboxPool
    storage: Storage
    unit_timeout_s: float
    again: str | None = None
    #: Tells what opens the file, if it needs that; it goes to the child alone.
    password: Callable[[], str | None] = field(default=lambda: None, repr=False)
    _has_more_room: bool = False
    _stack: ExitStack = field(default_factory=ExitStack)
    _child: Child | None = None
    _pages: Iterator[JsonObject] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def another(self) -> Reading:
        """The same file, for a child beside this one's."""
        return Reading(
            self.run,
            self.file,
            self.sandbox,
            self.storage,
            self.unit_timeout_s,
            self.again,
            self.password,
        )

    def abandon(self) -> None:
        """End what the child is at, from another thread."""
        if (child := self._child) is not None:
            child.kill()

    @property
    def content(self) -> list[bytes]:
        """What the stages that read the file are made from."""
        bytes_of = bytes.fromhex(self.file.sha256)
        return [bytes_of] if self.again is None else [bytes_of, self.again.encode()]

    def identify(self) -> FileType:
        """What the file is."""
        return FileType.model_validate(
            self._open().call(
                "file.identify",
                {"path": _INPUT, "file_name": self.file.file_name},
                timeout_s=self.unit_timeout_s,
            )
        )

    def info(self, kind: FileType) -> DocumentInfo:
        """What the document says of itself; the pages can follow at once."""
        self._pages = self._read(kind, skip=())
        return DocumentInfo.model_validate(next(self._pages))

    def pages(
        self, kind: FileType, info: DocumentInfo, wanted: Sequence[int]
    ) -> Iterator[tuple[int, PageText]]:
        """The wanted pages, one after another."""
        frames = self._pages
        if frames is None or len(wanted) < info.page_count:
            skip = set(range(1, info.page_count + 1)) - set(wanted)
            frames = self._read(kind, skip=sorted(skip))
            next(frames)
        left = set(wanted)
        for frame in frames:
            page = PageText.model_validate(frame)
            if page.number in left:
                left.remove(page.number)
                yield page.number, page
        if left:
            raise ChildCrashedError(
                f"The reader ended without {len(left)} of {info.page_count} pages."
            )

    def password_of(self, kind: FileType) -> str | None:
        """What opens the file, for a kind that may need that."""
        return self.password() if kind.kind == "pdf" else None

    def replace_child(self) -> None:
        """End the child; the next question starts another."""
        self._pages = None
        self._stack.close()
        self._child = None

    @contextmanager
    def roomier(self, is_needed: bool) -> Iterator[None]:  # noqa: FBT001 - reads well
        """Have children that are started in the block hold twice as much."""
        self._has_more_room = is_needed
        try:
            yield
        finally:
            self._has_more_room = False
            if is_needed:
                self.replace_child()

    def thumbnail(self, kind: FileType) -> Thumbnail:
        """Draw the first page and keep the picture."""
        child = self._open()
        frames = child.stream(
            "document.thumbnail",
            {
                "path": _INPUT,
                "kind": kind.kind,
                "width": THUMBNAIL_WIDTH,
                "password": self.password_of(kind),
            },
            unit_timeout_s=self.unit_timeout_s,
        )
        pictures = [Picture.model_validate(frame) for frame in frames]
        if not pictures:
            return Thumbnail(name=None)
        content = child.output(pictures[0].file_name).read_bytes()
        return Thumbnail(name=self.storage.put_bytes(content))

    def _read(self, kind: FileType, *, skip: Sequence[int]) -> Iterator[JsonObject]:
        # A child answers one question at a time: one that was left half read is
        # replaced.
        if self._pages is not None:
            self.replace_child()
        return self._open().stream(
            "document.read",
            {
                "path": _INPUT,
                "kind": kind.kind,
                "mime_type": kind.mime_type,
                "description": kind.description,
                "file_name": self.file.file_name,
                "skip_pages": list(skip),
                "password": self.password_of(kind),
            },
            unit_timeout_s=self.unit_timeout_s,
        )

    def _open(self) -> Child:
        if self._child is None:
            child = self._stack.enter_context(
                child_of(
                    self.run,
                    self.sandbox,
                    "document",
                    needs_room=self._has_more_room,
                )
            )
            self.storage.fetch(self.file.sha256, child.put(_INPUT))
            self._child = child
        return self._child

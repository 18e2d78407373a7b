"""One recording in a sandbox child: started at the first question, gone at the end."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

from prsnl.core.storage import Storage
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items.models import AttachmentView
from prsnl.work.run import TaskRun
from prsnl.work.sandboxed import child_of

#: What the file is called in the child's inputs.
INPUT: Final = "input"


@dataclass
class Attending:
    """What a child tells of one recording; without a question there is no child."""

    #: Which kind of child; the same "with more room" has twice as much.
    profile: ClassVar[str]

    run: TaskRun
    file: AttachmentView
    sandbox: SandboxPool
    storage: Storage
    #: Seconds allowed for one answer.
    answer_timeout_s: float
    _has_more_room: bool = field(default=False, init=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False)
    _child: Child | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child; the next question starts another."""
        self._stack.close()
        self._child = None

    def give_more_room(self) -> None:
        """Have the next child hold twice as much."""
        self.close()
        self._has_more_room = True

    def _open(self) -> Child:
        if self._child is None or not self._child.is_reusable:
            self.close()
            child = self._stack.enter_context(
                child_of(
                    self.run,
                    self.sandbox,
                    self.profile,
                    needs_room=self._has_more_room,
                )
            )
            self.storage.fetch(self.file.sha256, child.put(INPUT))
            self._child = child
        return self._child

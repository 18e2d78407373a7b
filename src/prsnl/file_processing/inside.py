"""A look into a file beside its reading, in a sandbox child of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prsnl.core.storage import Storage
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items.models import AttachmentView
from prsnl.work.run import TaskRun
from prsnl.work.sandboxed import child_of

#: What the file is called in the child's inputs.
INPUT: Final = "input"


@contextmanager
def looking_into(
    run: TaskRun, file: AttachmentView, sandbox: SandboxPool, storage: Storage
) -> Iterator[Child]:
    """A child that holds the file as `INPUT`; it ends with the block or the run."""
    with child_of(run, sandbox, "document") as child:
        storage.fetch(file.sha256, child.put(INPUT))
        yield child

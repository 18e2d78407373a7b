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

#: What the file is called in the child's inputs.
INPUT: Final = "input"


@contextmanager
def looking_into(
    run: TaskRun, file: AttachmentView, sandbox: SandboxPool, storage: Storage
) -> Iterator[Child]:
    """A child that holds the file as `INPUT`; it ends with the block or the run."""
    profile = "document" if run.room == 1 else "document with more room"
    with (
        sandbox.child(profile, check=run.check) as child,
        run.killing(child.kill),
    ):
        storage.fetch(file.sha256, child.put(INPUT))
        try:
            yield child
        finally:
            run.peak_memory_bytes = max(run.peak_memory_bytes, child.peak_memory_bytes)

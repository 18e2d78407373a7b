"""A sandbox child that works for a task: it ends with the claim, if not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.work.run import TaskRun


@contextmanager
def child_of(
    run: TaskRun,
    sandbox: SandboxPool,
    kind: str,
    *,
    needs_room: bool = False,
    check: Callable[[], None] | None = None,
) -> Iterator[Child]:
    """A child for the block, killed where the run is stopped; its memory is noted.

    Args:
        run: The claim that it works for.
        sandbox: Where it comes from.
        kind: Its profile; one that needs room has the same "with more room".
        needs_room: It takes more than usual, though the task did not run out before.
        check: Ends the wait for it; by default what stops the run.
    """
    has_room = needs_room or run.room > 1
    profile = f"{kind} with more room" if has_room else kind
    with (
        sandbox.child(profile, check=check or run.check) as child,
        run.killing(child.kill),
    ):
        try:
            yield child
        finally:
            run.peak_memory_bytes = max(run.peak_memory_bytes, child.peak_memory_bytes)

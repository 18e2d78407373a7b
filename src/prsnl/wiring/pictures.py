"""What the API draws pages with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prsnl.core.settings import Settings
from prsnl.core.storage import Storage
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.library.page_pictures import AT_ONCE, PROFILE, PagePainter

#: Named, not imported: only a child has use for what it loads.
_PRELOAD: Final = ("prsnl.engines.documents", "prsnl.engines.pdf")


@contextmanager
def painter(
    settings: Settings, storage: Storage, operations: dict[str, str] = OPERATIONS
) -> Iterator[PagePainter]:
    """A painter, as long as the block runs; its children start at the first page."""
    own = settings.children
    with SandboxPool(
        scratch_root=settings.storage.folder / "scratch",
        limits=ChildLimits(disk_bytes=own.child_disk_bytes),
        profiles={
            PROFILE: Profile(
                preload=_PRELOAD,
                spare=AT_ONCE,
                idle=own.child_idle_s,
                memory_bytes=own.child_memory_bytes,
            )
        },
        operations=operations,
    ) as children:
        yield PagePainter(children, storage)

"""The kinds of sandbox children: what each loads, and what it may use."""

from __future__ import annotations

from typing import Final

from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Children, Ocr
from prsnl.engines import documents, ocr
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.ocr import table as ocr_table
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool

#: Named, not imported: only a child has use for what they load.
_TEXT_PRELOAD: Final = ("prsnl.engines.text", "prsnl.engines.embedding.minilm")


def sandbox(settings: Settings, operations: dict[str, str] = OPERATIONS) -> SandboxPool:
    """The children that read files and texts; a context manager."""
    own = settings.children
    return SandboxPool(
        scratch_root=settings.storage.data_dir.expanduser().absolute() / "scratch",
        limits=ChildLimits(disk_bytes=own.child_disk_bytes),
        profiles=_profiles(own) | _ocr_profiles(settings.ocr, own),
        operations=operations,
    )


def _profiles(own: Children) -> dict[str, Profile]:
    """Two kinds, and each once more with twice the room for a second try."""

    def document(factor: int) -> Profile:
        return Profile(
            preload=documents.PRELOAD,
            # A long document is read by two.
            spare=2 if factor == 1 else 0,
            reuse="task",
            idle=own.child_idle_s,
            memory_bytes=own.child_memory_bytes * factor,
        )

    def text(factor: int) -> Profile:
        return Profile(
            preload=_TEXT_PRELOAD,
            spare=2 - factor,
            reuse="shared" if factor == 1 else "task",
            idle=own.child_idle_s,
            memory_bytes=own.child_memory_bytes * factor,
        )

    return {
        "document": document(1),
        "document with more room": document(2),
        "text": text(1),
        "text with more room": text(2),
    }


def _ocr_profiles(own: Ocr, children: Children) -> dict[str, Profile]:
    """Pages are hostile bytes, too: a task has children of its own."""
    engines = ocr_table.installed(own.ocr_engine)
    loaded = ocr.PRELOAD_OF[engines[0].name] if engines else ()

    def profile(factor: int) -> Profile:
        return Profile(
            preload=(*ocr.PRELOAD, *loaded),
            spare=2 - factor,
            idle=children.child_idle_s,
            memory_bytes=own.ocr_memory_bytes * factor,
            model_folders=tuple(
                folder for engine in engines for folder in engine.folders
            ),
        )

    return {"ocr": profile(1), "ocr with more room": profile(2)}

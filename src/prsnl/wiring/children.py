"""The kinds of sandbox children: what each loads, and what it may use."""

from __future__ import annotations

from typing import Final

from prsnl.core.settings import Settings
from prsnl.core.settings.concern import GIB, MIB
from prsnl.core.settings.engines import Children, Ocr
from prsnl.engines import documents, media, ocr, speech
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.ocr import table as ocr_table
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.memory import MemoryGate
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.engines.speech import models as speech_models
from prsnl.wiring.media import local_engine, models_folder

#: Named, not imported: only a child has use for what they load.
_TEXT_PRELOAD: Final = ("prsnl.engines.text", "prsnl.engines.embedding.minilm")
#: What is resident of a child at an ordinary file. `PRSNL_CHILD_MEMORY_BYTES` and its
#: like bound the address space, of which libraries reserve far more than they use.
_DOCUMENT_BYTES: Final = 256 * MIB
_TEXT_BYTES: Final = 320 * MIB
_OCR_BYTES: Final = GIB
_MEDIA_BYTES: Final = 512 * MIB

#: What a child that hears may use beside its model, in address space: threads and
#: libraries take far more of that than of memory.
_SPEECH_BYTES: Final = 3 * GIB
#: A model is read, and then kept in another type.
_MODEL_COPIES: Final = 3


def memory_gate(settings: Settings) -> MemoryGate:
    """Lets children in as memory allows, over all workers of this machine."""
    return MemoryGate(
        folder=settings.storage.folder / "memory",
        most_bytes=settings.children.children_memory_bytes,
    )


def sandbox(
    settings: Settings,
    operations: dict[str, str] = OPERATIONS,
    *,
    memory: MemoryGate | None = None,
) -> SandboxPool:
    """The children that read files and texts; a context manager."""
    own = settings.children
    return SandboxPool(
        scratch_root=settings.storage.data_dir.expanduser().absolute() / "scratch",
        limits=limits_of(own),
        profiles=_profiles(own)
        | _ocr_profiles(settings.ocr, own)
        | _media_profiles(own)
        | _speech_profiles(settings),
        operations=operations,
        memory=memory,
    )


def limits_of(own: Children) -> ChildLimits:
    """What is the same for every child."""
    return ChildLimits(
        disk_bytes=own.child_disk_bytes,
        cpu_s=own.child_cpu_s,
        answer_bytes=own.child_answer_bytes,
        nice=own.child_nice,
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
            usual_bytes=_DOCUMENT_BYTES * factor,
        )

    def text(factor: int) -> Profile:
        return Profile(
            preload=_TEXT_PRELOAD,
            spare=2 - factor,
            reuse="shared" if factor == 1 else "task",
            idle=own.child_idle_s,
            memory_bytes=(own.text_memory_bytes or own.child_memory_bytes) * factor,
            usual_bytes=_TEXT_BYTES * factor,
            memory_setting=_setting("TEXT", own.text_memory_bytes),
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
            usual_bytes=min(_OCR_BYTES, own.ocr_memory_bytes) * factor,
            memory_setting="PRSNL_OCR_MEMORY_BYTES",
            time_setting="PRSNL_OCR_PAGE_TIMEOUT_S",
            model_folders=tuple(
                folder for engine in engines for folder in engine.folders
            ),
        )

    return {"ocr": profile(1), "ocr with more room": profile(2)}


def _media_profiles(own: Children) -> dict[str, Profile]:
    """A recording is hostile bytes, too, and hours of it take hours."""

    def profile(factor: int) -> Profile:
        return Profile(
            preload=media.PRELOAD,
            spare=2 - factor,
            idle=own.child_idle_s,
            memory_bytes=(own.media_memory_bytes or own.child_memory_bytes) * factor,
            usual_bytes=_MEDIA_BYTES * factor,
            cpu_s=own.media_cpu_s,
            memory_setting=_setting("MEDIA", own.media_memory_bytes),
            cpu_setting="PRSNL_MEDIA_CPU_S",
        )

    return {"media": profile(1), "media with more room": profile(2)}


def _speech_profiles(settings: Settings) -> dict[str, Profile]:
    """What hears; its address space grows with the model that it loads."""
    own, folder = settings.children, models_folder(settings)
    engine = local_engine(settings)
    folders = engine.folders if engine else ()
    sizes = [speech_models.size_bytes(each) for each in speech_models.found(folder)]
    sizes.append(engine.model_bytes if engine else 0)
    space = settings.speech.speech_memory_bytes
    space = space or _SPEECH_BYTES + _MODEL_COPIES * max(sizes)

    def profile(factor: int) -> Profile:
        return Profile(
            preload=speech.PRELOAD,
            spare=2 - factor,
            idle=own.child_idle_s,
            memory_bytes=space * factor,
            usual_bytes=(_MEDIA_BYTES + max(sizes)) * factor,
            model_folders=(*folders, *([folder] if folder.is_dir() else [])),
            cpu_s=own.media_cpu_s,
            memory_setting="PRSNL_SPEECH_MEMORY_BYTES",
            time_setting="PRSNL_SPEECH_SEGMENT_TIMEOUT_S",
            cpu_setting="PRSNL_MEDIA_CPU_S",
        )

    return {"speech": profile(1), "speech with more room": profile(2)}


def _setting(family: str, given: int | None) -> str:
    """The variable that bounds the memory of a family's children."""
    return f"PRSNL_{'CHILD' if given is None else family}_MEMORY_BYTES"

"""The kinds of sandbox children: what each loads, and what it may use."""

from __future__ import annotations

from typing import Final

from prsnl.core.settings import Settings
from prsnl.core.settings.concern import GIB
from prsnl.core.settings.engines import Children, Ocr
from prsnl.engines import documents, media, ocr, speech
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.ocr import table as ocr_table
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.engines.speech import models as speech_models
from prsnl.wiring.media import local_engine, models_folder

#: Named, not imported: only a child has use for what they load.
_TEXT_PRELOAD: Final = ("prsnl.engines.text", "prsnl.engines.embedding.minilm")
#: A day of sound or a film in 4K, with room to spare; each step has its own limit.
_MEDIA_CPU_S: Final = 12 * 3600

#: What a child that hears may use beside its model, in address space: threads and
#: libraries take far more of that than of memory.
_SPEECH_BYTES: Final = 3 * GIB
#: A model is read, and then kept in another type.
_MODEL_COPIES: Final = 3


def sandbox(settings: Settings, operations: dict[str, str] = OPERATIONS) -> SandboxPool:
    """The children that read files and texts; a context manager."""
    own = settings.children
    return SandboxPool(
        scratch_root=settings.storage.data_dir.expanduser().absolute() / "scratch",
        limits=ChildLimits(disk_bytes=own.child_disk_bytes),
        profiles=_profiles(own)
        | _ocr_profiles(settings.ocr, own)
        | _media_profiles(own)
        | _speech_profiles(settings),
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


def _media_profiles(own: Children) -> dict[str, Profile]:
    """A recording is hostile bytes, too, and hours of it take hours."""

    def profile(factor: int) -> Profile:
        return Profile(
            preload=media.PRELOAD,
            spare=2 - factor,
            idle=own.child_idle_s,
            memory_bytes=own.child_memory_bytes * factor,
            cpu_s=_MEDIA_CPU_S,
        )

    return {"media": profile(1), "media with more room": profile(2)}


def _speech_profiles(settings: Settings) -> dict[str, Profile]:
    """What hears; its address space grows with the model that it loads."""
    own, folder = settings.children, models_folder(settings)
    engine = local_engine(settings)
    folders = engine.folders if engine else ()
    sizes = [speech_models.size_bytes(each) for each in speech_models.found(folder)]
    sizes.append(engine.model_bytes if engine else 0)

    def profile(factor: int) -> Profile:
        return Profile(
            preload=speech.PRELOAD,
            spare=2 - factor,
            idle=own.child_idle_s,
            memory_bytes=(_SPEECH_BYTES + _MODEL_COPIES * max(sizes)) * factor,
            model_folders=(*folders, *([folder] if folder.is_dir() else [])),
            cpu_s=_MEDIA_CPU_S,
        )

    return {"speech": profile(1), "speech with more room": profile(2)}

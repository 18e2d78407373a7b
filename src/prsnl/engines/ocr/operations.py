"""OCR: which languages a document needs, and one page after another.

Two operations, each for one page, so that a page that breaks a child costs itself
alone. A child keeps the engines that it has loaded.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from prsnl.engines.contracts import ChildFiles, JsonObject, OcrPlan, PageText
from prsnl.engines.ocr import raster
from prsnl.engines.ocr.contract import OcrEngine
from prsnl.engines.ocr.detecting import guess, guess_of_script
from prsnl.engines.ocr.pages import recognized
from prsnl.engines.ocr.straighten import turned

#: A page that is read as well as this is in the script that was tried.
_SURE_CONFIDENCE: Final = 0.75


def plan(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the `OcrPlan` of a document.

    Args:
        files: The child's folders.
        params: `text`, what its text layer says, if it has one; else `path`, `kind`
            and `page`, as for `recognize`, with the languages to try first. `engine`
            and `setup` name the engine; `installed` are its languages.
    """
    found = guess(str(params.get("text") or ""))
    if found.is_sure:
        made = OcrPlan(languages=found.languages, source="the text layer")
    else:
        made = _from_page(files, params)
    yield made.model_dump(mode="json")


def _from_page(files: ChildFiles, params: JsonObject) -> OcrPlan:
    (told,) = recognize(files, params)
    page = PageText.model_validate(told)
    tried = tuple(params["languages"])
    found = guess(page.text)
    if (page.confidence or 0.0) < _SURE_CONFIDENCE:
        of_script = guess_of_script(_script(files, params, page))
        found = of_script if of_script.is_sure else found
    if not found.is_sure:
        return OcrPlan(languages=tried, source="the usual ones", page=page)
    fits = found.languages[0] in tried
    return OcrPlan(
        languages=tried if fits else found.languages,
        source="the first page",
        page=page if fits else None,
    )


def _script(
    files: ChildFiles, params: JsonObject, page: PageText
) -> tuple[str, float] | None:
    """The script of a page that was read badly, from its picture."""
    turn = page.recognition.turned_degrees if page.recognition else 0
    engine = _engine(
        params["engine"], _frozen(params["setup"]), tuple(params["languages"])
    )
    with raster.opened(files, params) as source:
        return engine.script(turned(source.page(page.number), turn))


def recognize(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield a page with what is recognised on it.

    Args:
        files: The child's folders.
        params: `path`, `kind` and perhaps `password` of the file; `page`, a `PageText`
            with its `need`; `engine`, `setup` and `languages`; `pixels_max`.

    Raises:
        CorruptError: The file is damaged.
        TooLargeError: The picture is larger than what is looked at.
    """
    began = time.perf_counter()
    page = PageText.model_validate(params["page"])
    languages = tuple(params["languages"])
    engine = _engine(params["engine"], _frozen(params["setup"]), languages)
    with raster.opened(files, params) as source:
        made = recognized(page, source, engine, languages)
    milliseconds = page.milliseconds + (time.perf_counter() - began) * 1000
    yield made.model_copy(update={"milliseconds": round(milliseconds, 2)}).model_dump(
        mode="json"
    )


def _frozen(setup: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(setup.items()))


@lru_cache(maxsize=3)
def _engine(
    module: str, setup: Sequence[tuple[str, str]], languages: tuple[str, ...]
) -> OcrEngine:
    engine: OcrEngine = importlib.import_module(module).load(dict(setup), languages)
    return engine

"""One small question to the language model that is set: of nobody's documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from prsnl.core.errors import BadRequestError, LocalOnlyError
from prsnl.core.settings import Settings
from prsnl.engines.contracts import JsonObject
from prsnl.engines.inventory import language_model
from prsnl.engines.llm.contract import ChatRequest, Form, Message, NotKnownError
from prsnl.engines.llm.table import LazyEngine
from prsnl.engines.permit import Permit, permitted
from prsnl.engines.reach import Reach
from prsnl.wiring.models import llm_access

_QUESTION: Final = "Which colour has the sky on a clear day?"
_INSTRUCTION: Final = (
    "Answer with a JSON object that has one field, `answer`: one short sentence."
)
_SCHEMA: Final[JsonObject] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
_ANSWER_TOKENS: Final = 1_000
_TRIES: Final = 4


def left_out(settings: Settings) -> str | None:
    """Why a model is not asked unless it is asked for by name; None if it is."""
    found = language_model.chosen(settings)
    if found is None:
        return "no language model is set"
    if found.reach is not Reach.LOCAL:
        return f"{found.host} is not asked unasked: ./prsnl engines test llm"
    return None


def asked(settings: Settings) -> str:
    """What the model answers, and how it was asked.

    Raises:
        PrsnlError: None is set, it may not be asked, or it does not answer.
    """
    found = language_model.chosen(settings)
    if found is None:
        raise BadRequestError(
            "No language model is set: ./prsnl engines use tells which there are."
        )
    if found.model is None:
        raise BadRequestError("No model is named: set PRSNL_LLM_MODEL.")
    if settings.privacy.local_only and found.reach is not Reach.LOCAL:
        raise LocalOnlyError(
            f"PRSNL_LOCAL_ONLY is true: {found.host} is not asked, not even this."
        )
    return f"{found.model} at {found.where}: {_answer(settings, found, found.model)}"


def _chosen(settings: Settings) -> language_model.Chosen | None:
    return language_model.chosen(settings)


def _answer(settings: Settings, found: language_model.Chosen, model: str) -> str:
    access = llm_access(settings)
    assert access is not None  # it is chosen
    engine = LazyEngine(access)
    request = ChatRequest(
        model=model,
        messages=(Message("system", _INSTRUCTION), Message("user", _QUESTION)),
        schema=_SCHEMA,
        schema_name="answer",
        answer_tokens=_ANSWER_TOKENS,
    )
    try:
        for number in range(_TRIES):
            asked = replace(request, form=engine.get().form(model))
            try:
                with permitted(Permit(found.reach, settings.privacy.hosts)):
                    answer = engine.get().chat(asked, key=f"test-{number}")
            except NotKnownError as error:
                if not engine.get().learn(model, error):
                    raise
                continue
            return _told(answer.text) + _note(engine.get().form(model))
    finally:
        engine.close()
    raise BadRequestError(f"{found.host} knows no form of answer that is asked for.")


def _told(text: str) -> str:
    """The answer itself, or what came in its place."""
    try:
        return str(json.loads(text)["answer"])
    except (ValueError, LookupError, TypeError):
        return f"{text.strip() or '(nothing)'} [not in the form that was asked for]"


def _note(form: Form) -> str:
    return "" if form is Form.SCHEMA else f" [asked for {form}: it knows no schema]"

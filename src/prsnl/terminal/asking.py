"""One small question to a model that is set: of nobody's documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from prsnl.core.errors import BadRequestError, LocalOnlyError
from prsnl.core.settings import Settings
from prsnl.engines.contracts import JsonObject
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.jobs import Job
from prsnl.engines.llm.contract import ChatRequest, Form, Message, NotKnownError
from prsnl.engines.llm.table import Access, LazyEngine
from prsnl.engines.permit import Permit, permitted
from prsnl.engines.reach import Reach
from prsnl.wiring.embedding import embedding_access, model_name
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


def left_out(settings: Settings, job: Job) -> str | None:
    """Why a model is not asked unless it is asked for by name; None if it is."""
    match job:
        case Job.LLM:
            found = language_model.chosen(settings)
            if found is None:
                return "no language model is set"
            reach, host = found.reach, found.host
        case Job.EMBEDDING if (access := remote_embedding(settings)) is not None:
            place = access.endpoint("")
            reach, host = place.reach, place.host
        case _:
            return None
    if reach is Reach.LOCAL:
        return None
    return f"{host} is not asked unasked: ./prsnl engines test {job}"


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


def remote_embedding(settings: Settings) -> Access | None:
    """How vectors are asked for; None where they are made here."""
    access = embedding_access(settings)
    if access is None:
        return None
    is_near = access.endpoint("").reach is Reach.LOCAL
    return access if is_near or not settings.privacy.local_only else None


def embedded(
    settings: Settings, access: Access, texts: Sequence[str]
) -> tuple[str, Sequence[Sequence[float]]]:
    """The model, and its vectors of some texts.

    Raises:
        PrsnlError: It does not answer.
    """
    model = model_name(settings)
    reach = access.endpoint(model.name).reach
    engine = LazyEngine(access)
    try:
        with permitted(Permit(reach, settings.privacy.hosts)):
            answer = engine.get().embed(
                texts, model=model.name, key="test", dimensions=model.dimensions
            )
    finally:
        engine.close()
    return model.name, answer.vectors


def _answer(settings: Settings, found: language_model.Chosen, model: str) -> str:
    access = llm_access(settings)
    assert access is not None  # it is chosen
    lazy = LazyEngine(access)
    try:
        engine = lazy.get()
        for number in range(_TRIES):
            form = engine.form(model)
            try:
                with permitted(Permit(found.reach, settings.privacy.hosts)):
                    answer = engine.chat(_question(model, form), key=f"test-{number}")
            except NotKnownError as error:
                if not engine.learn(model, error):
                    raise
                continue
            return _told(answer.text) + _note(form)
    finally:
        lazy.close()
    raise BadRequestError(f"{found.host} knows no form of answer that is asked for.")


def _question(model: str, form: Form) -> ChatRequest:
    return ChatRequest(
        model=model,
        messages=(Message("system", _INSTRUCTION), Message("user", _QUESTION)),
        schema=_SCHEMA,
        schema_name="answer",
        answer_tokens=_ANSWER_TOKENS,
        form=form,
    )


def _told(text: str) -> str:
    """The answer itself, or what came in its place."""
    try:
        return str(json.loads(text)["answer"])
    except (ValueError, LookupError, TypeError):
        return f"{text.strip() or '(nothing)'} [not in the form that was asked for]"


def _note(form: Form) -> str:
    return "" if form is Form.SCHEMA else f" [asked for {form}: it knows no schema]"

"""One small question to a model that is set: of nobody's documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from prsnl.ai_processing.asking import answered
from prsnl.core.errors import BadRequestError, LocalOnlyError
from prsnl.core.settings import Settings
from prsnl.engines.contracts import JsonObject
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.language_model import Chosen
from prsnl.engines.llm.contract import (
    ChatAnswer,
    ChatRequest,
    EmbeddingAnswer,
    Form,
    LlmEngine,
    Message,
    NotKnownError,
    estimated_tokens,
)
from prsnl.engines.llm.table import Access, LazyEngine
from prsnl.engines.reach import Reach
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items.vectors import ModelName
from prsnl.work.outgoing import Answered, Outgoing, Send

T = TypeVar("T")

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
#: What the books call it.
_STAGE: Final = "try engine"
_PURPOSE: Final = "test"


class Way(Protocol):
    """How a trial gets at an engine: alone at a terminal, or as a task."""

    def child(
        self, sandbox: SandboxPool, profile: str
    ) -> AbstractContextManager[Child]:
        """A child of the sandbox."""

    def call(self, going: Outgoing, send: Send[T]) -> T:
        """Make one request to a provider."""


@dataclass(frozen=True, kw_only=True)
class Providers:
    """How the models that are set are asked."""

    llm: Callable[[], Access | None]
    #: None where vectors are made here.
    embedding: Callable[[], Access | None]
    embedding_model: Callable[[], ModelName]


def asked(settings: Settings, providers: Providers, way: Way) -> str:
    """What the language model answers, and how it was asked.

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
    access = providers.llm()
    assert access is not None  # it is chosen
    lazy = LazyEngine(access)
    try:
        said = _answer(lazy.get(), access, found, found.model, way)
    finally:
        lazy.close()
    return f"{found.model} at {found.where}: {said}"


def remote_embedding(settings: Settings, providers: Providers) -> Access | None:
    """How vectors are asked for; None where they are made here."""
    access = providers.embedding()
    if access is None:
        return None
    is_near = access.endpoint("").reach is Reach.LOCAL
    return access if is_near or not settings.privacy.local_only else None


def embedded(
    providers: Providers, access: Access, texts: Sequence[str], way: Way
) -> tuple[str, Sequence[Sequence[float]]]:
    """The model, and its vectors of some texts.

    Raises:
        PrsnlError: It does not answer.
    """
    model = providers.embedding_model()
    engine = LazyEngine(access)
    going = Outgoing(
        endpoint=access.endpoint(model.name),
        stage=_STAGE,
        purpose=_PURPOSE,
        sent_bytes=sum(len(text.encode()) for text in texts),
        tokens_in=sum(map(estimated_tokens, texts)),
    )

    def send(key: str) -> Answered[EmbeddingAnswer]:
        answer = engine.get().embed(
            texts, model=model.name, key=key, dimensions=model.dimensions
        )
        return answered(answer, answer.counted)

    try:
        return model.name, way.call(going, send).vectors
    finally:
        engine.close()


def _answer(
    engine: LlmEngine, access: Access, found: Chosen, model: str, way: Way
) -> str:
    for number in range(_TRIES):
        form = engine.form(model)
        request = _question(model, form)
        going = Outgoing(
            endpoint=access.endpoint(model),
            stage=_STAGE,
            unit=number,
            purpose=_PURPOSE,
            sent_bytes=request.sent_bytes,
            tokens_in=request.tokens_in,
            tokens_out=request.answer_tokens,
        )

        def send(key: str, request: ChatRequest = request) -> Answered[ChatAnswer]:
            answer = engine.chat(request, key=key)
            return answered(answer, answer.counted)

        try:
            answer = way.call(going, send)
        except NotKnownError as error:
            if not engine.learn(model, error):
                raise
            continue
        return _told(answer.text) + _note(form)
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

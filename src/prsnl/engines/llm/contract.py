"""What a model that is asked over HTTP takes and gives.

An engine makes exactly one HTTP request for each call, and tries nothing twice: how
often a provider is asked, and when, is decided above it. Engines are safe to use from
several threads. Every error is one of `core.errors`; see `engines.llm.errors`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from prsnl.core.errors import ProviderRejectedError
from prsnl.engines.contracts import JsonObject
from prsnl.engines.llm.rates import NO_LIMITS, RateLimits

#: Bytes of UTF-8 that are one token: a little less than English has, so that an
#: estimate is rather too high. Chinese has three bytes a character, and about as
#: many tokens as characters.
_TOKEN_BYTES = 3.5


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, for any model; rather too many."""
    return math.ceil(len(text.encode(errors="replace")) / _TOKEN_BYTES)


class Form(StrEnum):
    """How an answer is brought into shape; the first that a server knows is used."""

    #: The server holds the model to the JSON schema.
    SCHEMA = "json_schema"
    #: The server holds it to JSON; the prompt tells the schema.
    JSON = "json_object"
    #: The prompt tells the schema, and that is all.
    PLAIN = "text"


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """One question to a model."""

    #: The model, or of Azure the deployment.
    model: str
    messages: Sequence[Message]
    #: What the answer has to fit, and a name for it.
    schema: JsonObject
    schema_name: str
    #: The answer may have so many tokens.
    answer_tokens: int
    #: How it is brought into shape: see `LlmEngine.form`.
    form: Form = Form.SCHEMA

    @property
    def sent_bytes(self) -> int:
        """What leaves: the size of the request's body, without its frame."""
        return sum(len(one.content.encode()) for one in self.messages) + len(
            json.dumps(self.schema)
        )

    @property
    def tokens_in(self) -> int:
        """About how many tokens the model reads."""
        told = "".join(one.content for one in self.messages)
        return estimated_tokens(told + json.dumps(self.schema))


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What a provider says that an answer took."""

    #: None where it does not say.
    tokens_in: int | None = None
    tokens_out: int | None = None
    #: The model as the provider names it.
    model: str | None = None
    limits: RateLimits = NO_LIMITS


@dataclass(frozen=True, kw_only=True)
class ChatAnswer:
    """What a model says."""

    text: str
    #: It stopped at the limit of its answer, in the middle.
    is_cut: bool
    #: It says that it will not, which costs as much as any other answer.
    is_refusal: bool
    counted: Counted


@dataclass(frozen=True, kw_only=True)
class EmbeddingAnswer:
    """Vectors of texts, in their order."""

    vectors: Sequence[Sequence[float]]
    counted: Counted


@dataclass(frozen=True, kw_only=True)
class TranscriptionAnswer:
    """A transcript as the protocol's `verbose_json` has it."""

    #: `text`, `language`, `duration`, and what was asked for of `segments` and `words`.
    told: JsonObject
    counted: Counted


class NotKnownError(ProviderRejectedError):
    """A server does not know a parameter of a request: ask again without it."""

    code = "parameter_not_known"

    def __init__(self, message: str, *, parameter: str = "") -> None:
        super().__init__(message)
        #: "response_format", "temperature", "max_tokens" ...
        self.parameter = parameter
        #: How the model was asked, for the engine to compare with what it has learned.
        self.tried: object = None


class LlmEngine(Protocol):
    """A provider. Every method makes one request, as far as the thread's permit goes.

    Raises:
        ModelRefusedError: A filter refuses the text before the model has it.
        NotKnownError: The server does not know a parameter.
        ProviderDownError: Nothing could be sent, or the quota is used up.
        LocalOnlyError: It would lead farther than the permit goes.
        ProviderFailedError: 5xx, or no answer of the protocol.
        ProviderSilentError: A timeout, or a cut connection.
        ProviderRejectedError: The provider will not: key, model, request.
        TooLongForModelError: The text is longer than the model reads.
        TooManyRequestsError: 429.
    """

    @property
    def provider(self) -> str:
        """`openai`, `azure` or `compatible`."""

    def chat(self, request: ChatRequest, *, key: str) -> ChatAnswer:
        """Ask a model.

        Args:
            request: What is asked.
            key: Makes a repetition known to the provider.
        """

    def embed(
        self,
        texts: Sequence[str],
        *,
        model: str,
        key: str,
        dimensions: int | None = None,
    ) -> EmbeddingAnswer:
        """Have texts embedded; none of them is empty."""

    def transcribe(
        self,
        audio: bytes,
        *,
        file_name: str,
        model: str,
        key: str,
        language: str | None = None,
        has_words: bool = True,
    ) -> TranscriptionAnswer:
        """Have a recording written down, with segments and where asked words.

        Args:
            audio: The bytes of the file.
            file_name: Tells the format by its ending; nothing of the user's.
            model: The model, or of Azure the deployment.
            key: Makes a repetition known to the provider.
            language: ISO 639-1, if known.
            has_words: Ask for the times of words, too.
        """

    def models(self) -> list[str]:
        """What the server says it has."""

    def form(self, model: str) -> Form:
        """How an answer of this model is brought into shape, as far as is known."""

    def learn(self, model: str, error: NotKnownError) -> bool:
        """Do without what a server does not know, from now on.

        Returns:
            Whether the next request differs, so that it is worth making.
        """

    def close(self) -> None:
        """Give its connections up."""

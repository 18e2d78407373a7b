"""OpenAI's protocol by its own SDK: OpenAI, Azure OpenAI, any compatible server.

The SDK takes a third of a second and 15 MB to import, so this module is loaded by name,
when the first question is asked: see `engines.llm.table`.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx2
import openai

from prsnl.engines import guarded
from prsnl.engines.contracts import JsonObject
from prsnl.engines.llm import errors
from prsnl.engines.llm.contract import (
    ChatAnswer,
    ChatRequest,
    Counted,
    EmbeddingAnswer,
    Form,
    NotKnownError,
    TranscriptionAnswer,
)
from prsnl.engines.llm.table import Access

#: What the SDK would tell of this machine with every request.
_TELLTALES: Final = (
    "X-Stainless-Arch",
    "X-Stainless-Async",
    "X-Stainless-Lang",
    "X-Stainless-OS",
    "X-Stainless-Package-Version",
    "X-Stainless-Runtime",
    "X-Stainless-Runtime-Version",
)
_NO_KEY: Final = "none"
_FLOAT_BYTES: Final = 4
_LIST_S: Final = 10.0
_LIMITS: Final = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
#: A model's name as an answer gives it. What is none is kept nowhere: it may be
#: anything that the server was sent.
_MODEL: Final = re.compile(r"[\w.:/@+-]{1,200}", re.ASCII)
#: What is tried next where a server does not know the one before.
_FORMS: Final = (Form.SCHEMA, Form.JSON, Form.PLAIN)


@dataclass(frozen=True)
class _Manner:
    """How one model wants to be asked, as far as it has said."""

    form: Form = Form.SCHEMA
    #: The parameter that limits an answer; newer models know one, older servers the
    #: other.
    limit: str | None = "max_tokens"
    has_other_limit: bool = True
    #: Models that think take no temperature.
    has_temperature: bool = True
    has_dimensions: bool = True

    def without(self, parameter: str) -> _Manner:
        """Another manner that does without a parameter; the same if there is none."""
        match parameter:
            case "response_format" if self.form is not Form.PLAIN:
                return replace(self, form=_FORMS[_FORMS.index(self.form) + 1])
            case "max_tokens" | "max_completion_tokens" if self.limit is not None:
                other = _LIMITS[self.limit] if self.has_other_limit else None
                return replace(self, limit=other, has_other_limit=False)
            case "temperature":
                return replace(self, has_temperature=False)
            case "dimensions":
                return replace(self, has_dimensions=False)
        return self


@dataclass
class OpenAi:
    """One provider, by one client of the SDK for all threads."""

    access: Access
    _manners: dict[str, _Manner] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._client = _client(self.access)

    @property
    def provider(self) -> str:
        """`openai`, `azure` or `compatible`."""
        return self.access.provider

    def chat(self, request: ChatRequest, *, key: str) -> ChatAnswer:
        """Ask a model; see the contract."""
        manner = replace(self._manner(request.model), form=request.form)
        with self._translated(request.model, manner) as asked:
            answer = self._client.chat.completions.with_raw_response.create(
                **_chat_body(request, manner), extra_headers=_named(key)
            )
            told = _json(answer.content, asked)
            return _chat_answer(told, _counted(told, answer.headers), asked)

    def embed(
        self,
        texts: Sequence[str],
        *,
        model: str,
        key: str,
        dimensions: int | None = None,
    ) -> EmbeddingAnswer:
        """Have texts embedded; see the contract."""
        wanted: dict[str, Any] = {}
        manner = self._manner(model)
        if dimensions is not None and manner.has_dimensions:
            wanted["dimensions"] = dimensions
        with self._translated(model, manner) as asked:
            answer = self._client.embeddings.with_raw_response.create(
                model=model,
                input=list(texts),
                encoding_format="base64",
                extra_headers=_named(key),
                **wanted,
            )
            told = _json(answer.content, asked)
            return EmbeddingAnswer(
                vectors=_vectors(told, len(texts), asked),
                counted=_counted(told, answer.headers),
            )

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
        """Have a recording written down; see the contract."""
        wanted: dict[str, Any] = {
            "response_format": "verbose_json",
            "timestamp_granularities": ["segment", *(["word"] if has_words else [])],
        }
        if language is not None:
            wanted["language"] = language
        with self._translated(model) as asked:
            answer = self._client.audio.transcriptions.with_raw_response.create(
                model=model,
                file=(file_name, audio),
                extra_headers=_named(key),
                **wanted,
            )
            told = _json(answer.content, asked)
            return TranscriptionAnswer(
                told=told, counted=_counted(told, answer.headers)
            )

    def models(self) -> list[str]:
        """What the server says it has."""
        with self._translated("any model") as asked:
            answer = self._client.models.with_raw_response.list(timeout=_LIST_S)
            told = _json(answer.content, asked)
            listed = told.get("data")
            if not isinstance(listed, list):
                raise errors.no_protocol(asked)
            return [str(one["id"]) for one in listed if "id" in one]

    def form(self, model: str) -> Form:
        """How an answer of this model is brought into shape, as far as is known."""
        return self._manner(model).form

    def learn(self, model: str, error: NotKnownError) -> bool:
        """Do without what a server does not know, from now on; does it help?"""
        with self._lock:
            known = self._manners[model]
            if error.tried is not None and error.tried != known:
                return True  # another thread has learned it meanwhile
            self._manners[model] = known.without(error.parameter)
            return self._manners[model] != known

    def close(self) -> None:
        """Give its connections up."""
        self._client.close()

    def _manner(self, model: str) -> _Manner:
        is_theirs = self.access.provider in {"openai", "azure"}
        usual = "max_completion_tokens" if is_theirs else "max_tokens"
        with self._lock:
            return self._manners.setdefault(model, _Manner(limit=usual))

    @contextmanager
    def _translated(
        self, model: str, manner: _Manner | None = None
    ) -> Iterator[errors.Asked]:
        """The SDK's errors as ours."""
        asked = self.access.asked(model)
        try:
            yield asked
        except openai.APIStatusError as error:
            refusal = errors.Refusal.of(
                error.status_code, error.response.headers, _body(error.response)
            )
            told = errors.of_refusal(refusal, asked)
            if isinstance(told, NotKnownError):
                told.tried = manner
            raise told from error
        except openai.APITimeoutError as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                raise errors.refused_connection(asked) from error
            raise errors.timed_out(asked, self.access.timeout_s) from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, httpx2.ConnectError):
                raise errors.refused_connection(asked) from error
            raise errors.cut_off(asked) from error
        except (openai.OpenAIError, httpx2.HTTPError, OSError) as error:
            raise errors.cut_off(asked) from error


def _client(access: Access) -> openai.OpenAI:
    """A client that tries nothing twice, and connects as the permit says."""
    path = access.base_url.removeprefix("unix:") if access.is_unix else None
    http = guarded.client(timeout_s=access.timeout_s, uds=path)
    shared: dict[str, Any] = {
        "http_client": http,
        "max_retries": 0,
        "timeout": http.timeout,
        "default_headers": dict.fromkeys(_TELLTALES, openai.omit),
    }
    if access.provider == "azure":
        return openai.AzureOpenAI(
            azure_endpoint=access.base_url,
            api_version=access.api_version,
            api_key=None if access.has_token else access.key,
            azure_ad_token_provider=access.key if access.has_token else None,
            **shared,
        )
    return openai.OpenAI(
        base_url="http://localhost/v1" if path else access.base_url,
        api_key=lambda: access.key() or _NO_KEY,
        **shared,
    )


def _chat_body(request: ChatRequest, manner: _Manner) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [vars(message) for message in request.messages],
    }
    match manner.form:
        case Form.SCHEMA:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": request.schema_name,
                    "strict": True,
                    "schema": request.schema,
                },
            }
        case Form.JSON:
            body["response_format"] = {"type": "json_object"}
        case Form.PLAIN:
            pass
    if manner.limit is not None:
        body[manner.limit] = request.answer_tokens
    if manner.has_temperature:
        body["temperature"] = 0
    return body


def _named(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}


def _json(content: bytes, asked: errors.Asked) -> JsonObject:
    try:
        told = json.loads(content)
    except ValueError as error:
        raise errors.no_protocol(asked) from error
    if not isinstance(told, dict):
        raise errors.no_protocol(asked)
    return told


def _body(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _counted(told: JsonObject, headers: Mapping[str, str]) -> Counted:
    usage = told.get("usage")
    usage = usage if isinstance(usage, dict) else {}

    def count(*names: str) -> int | None:
        found = next((usage[name] for name in names if name in usage), None)
        return found if isinstance(found, int) else None

    model = told.get("model")
    return Counted(
        tokens_in=count("prompt_tokens", "input_tokens"),
        tokens_out=count("completion_tokens", "output_tokens"),
        model=model if isinstance(model, str) and _MODEL.fullmatch(model) else None,
        limits=errors.limits_of({k.lower(): v for k, v in headers.items()}),
    )


def _chat_answer(told: JsonObject, counted: Counted, asked: errors.Asked) -> ChatAnswer:
    try:
        choice = told["choices"][0]
        message = choice["message"]
        finish = choice.get("finish_reason")
        refusal, content = message.get("refusal"), message.get("content")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise errors.no_protocol(asked) from error
    return ChatAnswer(
        is_refusal=bool(refusal) or finish == "content_filter",
        text=content if isinstance(content, str) else "",
        is_cut=finish == "length",
        counted=counted,
    )


def _vectors(
    told: JsonObject, count: int, asked: errors.Asked
) -> list[Sequence[float]]:
    try:
        by_place = {
            int(one["index"]): _vector(one["embedding"]) for one in told["data"]
        }
        return [by_place[place] for place in range(count)]
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise errors.no_protocol(asked) from error


def _vector(told: Any) -> Sequence[float]:
    """Numbers, or base64 of little-endian floats: servers differ, whatever is asked."""
    if isinstance(told, str):
        data = base64.b64decode(told)
        return struct.unpack(f"<{len(data) // _FLOAT_BYTES}f", data)
    return [float(number) for number in told]


def engine(access: Access) -> OpenAi:
    """The provider of an access."""
    return OpenAi(access)

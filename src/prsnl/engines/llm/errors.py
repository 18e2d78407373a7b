"""What a provider's refusal means: its HTTP answer or its silence as one of our errors.

The one place for chat, embeddings and transcription. A provider's own words are not
repeated: they may quote the text or the key.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from prsnl.core.errors import (
    ModelRefusedError,
    ProviderDownError,
    ProviderFailedError,
    ProviderRejectedError,
    ProviderSilentError,
    ProviderUnreachableError,
    PrsnlError,
    TooLongForModelError,
    TooManyRequestsError,
)
from prsnl.engines.llm.contract import NotKnownError
from prsnl.engines.llm.rates import RateLimits

_NAMES: Final = {"openai": "OpenAI", "azure": "Azure OpenAI"}
#: Without digits: every key has some.
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_.-]{1,59}")
_TOO_LONG: Final = re.compile(
    r"context[ _](?:length|window|size)|maximum context|num_ctx|too many tokens|"
    r"(?:input|prompt|message)s? (?:is|are) too long|"
    r"exceeds? the (?:available )?context",
    re.IGNORECASE,
)
_FILTERED: Final = re.compile(
    r"content[ _-]?(?:filter|management policy|policy)|responsible ?ai", re.IGNORECASE
)
_PARAMETERS: Final = re.compile(
    r"response_format|json_schema|max_completion_tokens|max_tokens|temperature|"
    r"dimensions|encoding_format|timestamp_granularities",
)
_NO_MONEY: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_PASSING: Final = frozenset({408, 409, 425})
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True)
class Asked:
    """Who was asked for what, for the sentences."""

    #: `openai`, `azure`, or the host of a compatible server.
    provider: str
    model: str
    #: The setting that names the model, and the one that holds the key.
    model_setting: str = "PRSNL_LLM_MODEL"
    key_setting: str = "PRSNL_LLM_API_KEY"

    @property
    def who(self) -> str:
        """The provider as people call it."""
        return _NAMES.get(self.provider, f"The model server {self.provider}")


@dataclass(frozen=True)
class Refusal:
    """An HTTP answer that is none of a model's."""

    status: int
    #: In lower case.
    headers: Mapping[str, str]
    #: What the body's `error` says, as far as it is there.
    code: str = ""
    kind: str = ""
    parameter: str = ""
    message: str = ""

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: Any) -> Refusal:
        """Read what the protocol and its relatives have in the body of an error."""
        told = body.get("error", body) if isinstance(body, dict) else {}
        if isinstance(told, str):
            told = {"message": told}
        if not isinstance(told, dict):
            told = {}
        inner = told.get("innererror")
        code = told.get("code") or (isinstance(inner, dict) and inner.get("code"))
        return cls(
            status,
            {name.lower(): value for name, value in headers.items()},
            str(code or ""),
            str(told.get("type") or ""),
            str(told.get("param") or ""),
            str(told.get("message") or told.get("detail") or ""),
        )

    @property
    def hint(self) -> str:
        """Its status, and the provider's word for the reason if it is one word."""
        word = self.code or self.kind
        return f"{self.status} {word}" if _WORD.fullmatch(word) else str(self.status)


def of_refusal(refusal: Refusal, asked: Asked) -> PrsnlError:
    """What an HTTP status other than 2xx means."""
    wait_s = retry_after_s(refusal.headers)
    match refusal.status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return _too_many(refusal, asked, wait_s)
        case status if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ProviderFailedError(
                f"{asked.who} failed to answer ({refusal.hint}). It is asked again.",
                provider=asked.provider,
                retry_after_s=wait_s,
            )
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return ProviderRejectedError(
                f"{asked.who} does not accept the key ({refusal.status}): set "
                f"{asked.key_setting} to one that may use {asked.model}, then retry.",
                provider=asked.provider,
            )
        case status if status < HTTPStatus.BAD_REQUEST:
            return ProviderRejectedError(
                f"{asked.who} sends requests on to another address ({refusal.status}), "
                "and no text is sent there unasked: set the base address to the one "
                "that answers.",
                provider=asked.provider,
            )
    return _of_request(refusal, asked)


def _too_many(refusal: Refusal, asked: Asked, wait_s: float | None) -> PrsnlError:
    if refusal.code in _NO_MONEY or refusal.kind in _NO_MONEY:
        return ProviderDownError(
            f"The quota at {asked.who} is used up: add credit there, or set another "
            "provider. What waits goes on by itself.",
            provider=asked.provider,
            retry_after_s=wait_s,
        )
    return TooManyRequestsError(
        f"{asked.who} takes no more requests for {asked.model} now (429). It is asked "
        "again.",
        provider=asked.provider,
        retry_after_s=wait_s,
    )


def _of_request(refusal: Refusal, asked: Asked) -> PrsnlError:
    told = f"{refusal.code} {refusal.kind} {refusal.message}"
    if _TOO_LONG.search(told) or refusal.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLongForModelError(
            f"The text is longer than {asked.model} at {asked.who} reads at once "
            f"({refusal.hint}).",
            provider=asked.provider,
        )
    if _FILTERED.search(told):
        return ModelRefusedError(
            f"The content filter of {asked.who} refuses this text: no answer is to be "
            "had for it there. Set another model for it, or leave it out.",
            provider=asked.provider,
        )
    named = _PARAMETERS.search(f"{refusal.parameter} {refusal.message}")
    if named is not None:
        return NotKnownError(
            f"{asked.who} does not know what is asked of {asked.model} "
            f"({refusal.hint}: {named[0]}).",
            parameter=_parameter(refusal, named[0]),
        )
    if refusal.status == HTTPStatus.NOT_FOUND:
        return ProviderRejectedError(
            f"{asked.who} has no model {asked.model} for this ({refusal.hint}): set "
            f"{asked.model_setting} to one that it has, then retry.",
            provider=asked.provider,
        )
    return ProviderRejectedError(
        f"{asked.who} does not take this request for {asked.model} ({refusal.hint}). "
        f"See whether {asked.model_setting} names a model for this.",
        provider=asked.provider,
    )


def _parameter(refusal: Refusal, named: str) -> str:
    """Which one of a request is meant; a message may name the one to use instead."""
    if _PARAMETERS.fullmatch(refusal.parameter):
        named = refusal.parameter
    return "response_format" if named == "json_schema" else named


def refused_connection(asked: Asked) -> PrsnlError:
    """Nobody listens there, or nobody knows the name."""
    return ProviderUnreachableError(
        f"{asked.who} cannot be reached. The task waits, and goes on when it answers.",
        provider=asked.provider,
    )


def timed_out(asked: Asked, seconds: float) -> PrsnlError:
    """No answer within its time."""
    return ProviderSilentError(
        f"{asked.who} did not answer within {seconds:.0f} s. It is asked again. "
        "PRSNL_LLM_TIMEOUT_S says how long an answer may take.",
        provider=asked.provider,
    )


def cut_off(asked: Asked) -> PrsnlError:
    """The connection ended in the midst of it."""
    return ProviderSilentError(
        f"The connection to {asked.who} broke before its answer was whole. It is asked "
        "again.",
        provider=asked.provider,
    )


def no_protocol(asked: Asked) -> PrsnlError:
    """A 2xx whose body is not what the protocol says."""
    return ProviderFailedError(
        f"{asked.who} answered with something that is no answer of its protocol. It is "
        "asked again; if it stays so, see whether the base address ends as the "
        "provider says, often with /v1.",
        provider=asked.provider,
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The wait that an answer asks for, in seconds; names in lower case.

    `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), in milliseconds
    as some send it, else when a limit that is used up begins anew.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after", "")
    seconds = _number(told)
    if seconds is not None:
        return seconds
    if told:
        try:
            return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
        except ValueError:
            pass
    limits = limits_of(headers)
    waits = [
        reset
        for left, reset in (
            (limits.requests_left, limits.requests_reset_s),
            (limits.tokens_left, limits.tokens_reset_s),
        )
        if left == 0 and reset is not None
    ]
    return max(waits, default=None)


def limits_of(headers: Mapping[str, str]) -> RateLimits:
    """What a provider says of its limits; names in lower case."""

    def count(which: str, name: str) -> int | None:
        found = _number(headers.get(f"x-ratelimit-{which}-{name}"))
        return None if found is None else int(found)

    def reset(name: str) -> float | None:
        return _span_s(headers.get(f"x-ratelimit-reset-{name}", ""))

    return RateLimits(
        requests_limit=count("limit", "requests"),
        requests_left=count("remaining", "requests"),
        requests_reset_s=reset("requests"),
        tokens_limit=count("limit", "tokens"),
        tokens_left=count("remaining", "tokens"),
        tokens_reset_s=reset("tokens"),
    )


def _number(told: str | None) -> float | None:
    try:
        number = float(told or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _span_s(told: str) -> float | None:
    """A length of time as these headers have it: "1s", "6m0s", "20ms", "12"."""
    parts = _SPAN.findall(told)
    if parts and "".join(number + unit for number, unit in parts) == told:
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return _number(told)

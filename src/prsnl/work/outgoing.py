"""What goes out to a provider, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from prsnl.engines.llm.rates import NO_LIMITS, RateLimits
from prsnl.engines.reach import Endpoint

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One request to a provider, before it is made."""

    endpoint: Endpoint
    stage: str
    unit: int = 0
    #: What for, in a word: `analysis`, `embedding`, `transcription`.
    purpose: str
    #: Whose text goes out; none for a text that belongs to no item.
    item_ids: Sequence[UUID] = ()
    #: How much of each, where somebody has counted; else each has its share.
    item_bytes: Mapping[UUID, int] = field(default_factory=dict)
    attachment_id: UUID | None = None
    #: What leaves: the body's size.
    sent_bytes: int
    #: Estimates; what is counted in the end is what the provider says.
    tokens_in: int
    #: The most that may come back.
    tokens_out: int = 0
    #: Of a recording, in seconds: some are paid by their length.
    audio_s: float | None = None
    #: Time for the whole answer, where it is another than the usual one.
    timeout_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Answered(Generic[T]):
    """What a provider answered, and what it counted.

    A refusal in words is an answer, too, and costs as much.
    """

    value: T
    #: None where the provider does not say: the estimate counts.
    tokens_in: int | None = None
    tokens_out: int | None = None
    #: The model as the provider names it; prices go by it.
    model: str | None = None
    limits: RateLimits = NO_LIMITS


#: Makes the request by the client of `engines.guarded`. It gets the key that makes a
#: repetition known to the provider. It raises `ProviderUnreachableError` when nothing
#: could be sent, `ProviderDownError` when the provider takes nothing from anybody (a
#: quota is used up), `ProviderFailedError` for 5xx, `ProviderSilentError` for a timeout
#: and a cut, `TooManyRequestsError` for 429, and any other `PrsnlError` when the
#: provider answered that it will not.
Send = Callable[[str], Answered[T]]

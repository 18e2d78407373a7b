"""The one door through which bytes leave for a provider, and through which they cost.

What is asked goes through in this order: may it leave at all; is there money for it
today; is there room under the limits that all workers share; a place among those that
ask at once; what is about to happen is written down; it is sent; what came of it is
written down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from prsnl.engines.reach import Endpoint
from prsnl.work.run import TaskRun

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
    attachment_id: UUID | None = None
    #: What leaves: the body's size.
    sent_bytes: int
    #: Estimates; what is counted in the end is what the provider says.
    tokens_in: int
    #: The most that may come back.
    tokens_out: int = 0
    #: Of a recording, in seconds: some are paid by their length.
    audio_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class RateLimits:
    """What a provider says of its own limits, from the headers of an answer."""

    requests_left: int | None = None
    #: In seconds.
    requests_reset_s: float | None = None
    tokens_left: int | None = None
    tokens_reset_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Answered(Generic[T]):
    """What a provider answered, and what it counted."""

    value: T
    #: None where the provider does not say: the estimate counts.
    tokens_in: int | None = None
    tokens_out: int | None = None
    #: The model as the provider names it; prices go by it.
    model: str | None = None
    limits: RateLimits = RateLimits()


#: Makes the request. It gets the key that makes a repetition known to the provider,
#: and raises `ProviderDownError` when nothing could be sent (refused, no such name),
#: `ProviderFailedError` for 5xx, `ProviderSilentError` for a timeout and a cut,
#: `TooManyRequestsError` for 429, and any other `PrsnlError` when the provider answered
#: that it will not. Its HTTP client is `engines.guarded.client`.
Send = Callable[[str], Answered[T]]


@dataclass(frozen=True)
class Gate:
    """Lets requests out, one after another for each task."""

    def call(self, run: TaskRun, going: Outgoing, send: Send[T]) -> T:
        """Make one request, if and when it may be made.

        Raises:
            LocalOnlyError: Bytes of this work may not leave this machine.
            BudgetError: Its price is not known, and there is a budget to keep.
            Deferred: It has to wait; the runner gives the worker free.
            ProviderDownError: The provider is away; the task is parked.
            PrsnlError: What *send* raised.
        """
        raise NotImplementedError

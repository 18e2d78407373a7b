"""The end of a call: what it took is counted, what it did not take given back."""

from __future__ import annotations

from decimal import Decimal

from prsnl.core.db import Db
from prsnl.core.errors import (
    LocalOnlyError,
    ProviderDownError,
    ProviderFailedError,
    ProviderSilentError,
    ProviderUnreachableError,
    PrsnlError,
    TooManyRequestsError,
)
from prsnl.work import breaker, calls, limits, providers, spending
from prsnl.work.calls import Ended, Intent, Outcome

#: The first that fits; any other error is a provider's no.
_OUTCOMES = (
    (LocalOnlyError, Outcome.UNSENT),
    (ProviderUnreachableError, Outcome.UNREACHABLE),
    (ProviderDownError, Outcome.DOWN),
    (ProviderSilentError, Outcome.SILENT),
    (ProviderFailedError, Outcome.FAILED),
    (TooManyRequestsError, Outcome.LIMITED),
)


def outcome_of(error: PrsnlError) -> Outcome:
    """What an error of a request says of it."""
    fits = (outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))
    return next(fits, Outcome.REFUSED)


def close(connection: Db, intent: Intent, ended: Ended, *, is_probe: bool) -> bool:
    """Write down what came of a call, within the caller's transaction.

    Args:
        connection: In a transaction.
        intent: What was written down before.
        ended: What came of it.
        is_probe: The task was freed to see whether its provider is back.

    Returns:
        Whether the provider is down.
    """
    if ended.outcome in calls.UNKNOWN_COST:
        ended = calls.at_its_estimate(ended, intent)
    row = calls.end(connection, intent.call_id, ended)
    if row is not None:  # else this very transaction was committed before
        expected, came = intent.usd or Decimal(0), ended.usd or Decimal(0)
        spending.correct(connection, row["day"], came - expected)
        _give_back(connection, intent, ended)
        if is_probe and ended.outcome in calls.IS_THERE:
            providers.answered(connection, intent.endpoint.provider)
    return _is_down(connection, intent, ended.outcome)


def _give_back(connection: Db, intent: Intent, ended: Ended) -> None:
    name = intent.endpoint.name
    limits.settle(
        connection,
        name,
        more_tokens=_taken(intent, ended) - intent.tokens_in - intent.tokens_out,
        is_answer=ended.outcome is Outcome.ANSWERED,
        pause_s=ended.pause_s or 0.0,
    )
    if ended.outcome is Outcome.LIMITED:
        limits.refused(connection, name, retry_after_s=ended.pause_s)
    limits.leave(connection, intent.call_id, intent.endpoint.provider)


def _is_down(connection: Db, intent: Intent, outcome: Outcome) -> bool:
    if outcome in {Outcome.UNREACHABLE, Outcome.DOWN}:
        return True
    return outcome in {Outcome.FAILED, Outcome.SILENT} and breaker.is_down(
        connection,
        intent.endpoint.provider,
        task_id=intent.task_id,
        call_id=intent.call_id,
    )


def _taken(intent: Intent, ended: Ended) -> int:
    """The tokens that a provider counts, as far as anybody knows."""
    if ended.outcome is Outcome.ANSWERED:
        return (ended.tokens_in or 0) + (ended.tokens_out or 0)
    if ended.outcome in {*calls.UNKNOWN_COST, Outcome.FAILED}:
        return intent.tokens_in + intent.tokens_out
    return 0

"""The one door through which bytes leave for a provider, and through which they cost.

What is asked goes through in this order: may it leave at all; is the provider there; is
there money for it today; is there room under the limits that all workers share; a place
among those that ask at once; what is about to happen is written down; it is sent; what
came of it is written down.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Final, Generic, TypeVar

from prsnl.core.db import Database, Db
from prsnl.core.errors import (
    BudgetError,
    LocalOnlyError,
    ModelRefusedError,
    ProviderDownError,
    ProviderSilentError,
    PrsnlError,
    TooManyRequestsError,
    UnavailableError,
)
from prsnl.core.ids import new_id
from prsnl.engines.permit import Permit, permitted
from prsnl.engines.prices import Prices
from prsnl.engines.reach import Reach
from prsnl.work import breaker, calls, closing, limits, privacy, spending
from prsnl.work.calls import Ended, Intent, Outcome
from prsnl.work.limits import Full, Holder, Limits
from prsnl.work.outgoing import Answered, Outgoing, Send
from prsnl.work.run import Deferred, TaskRun

__all__ = ["Answered", "Gate", "Outgoing", "Send", "Visitor"]

T = TypeVar("T")

_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.2
#: What a place is held for beyond the time of the request itself.
_MARGIN: Final = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who asks without a task, and waits for the answer: a search by its meaning."""

    owner: str
    local_only: bool = False


@dataclass(frozen=True)
class _Pass:
    """A request that may go."""

    key: str
    #: When it is to be sent, on this process's monotonic clock.
    sends_at: float


class _NoRoomError(Exception):
    """Undoes what was reserved so far: there is no room for all of it."""

    def __init__(self, full: Full) -> None:
        super().__init__(full.reason)
        self.full = full


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Lets requests out, one after another for each task; one for a process.

    Attributes:
        database: Where all workers share what is left of the limits.
        limits: What a model of a provider may be asked.
        prices: What it costs.
        budget_usd: A day's calls may cost so much, over all owners.
        local_only: The setting: nothing may leave this machine.
        local_hosts: Private addresses that count as this machine.
        timeout_s: Time for one answer, from the request to its last byte.
    """

    database: Database
    limits: Limits
    prices: Prices = field(default_factory=Prices)
    budget_usd: Decimal | None = None
    local_only: bool = False
    local_hosts: tuple[str, ...] = ()
    timeout_s: float = 120.0

    def call(self, run: TaskRun, going: Outgoing, send: Send[T]) -> T:
        """Make one request, if and when it may be made.

        Raises:
            LocalOnlyError: Bytes of this work may not leave this machine.
            BudgetError: It can never be within the budget, or nobody can tell.
            Deferred: It has to wait; the runner gives the worker free.
            ProviderDownError: The provider is away; the task is parked.
            PrsnlError: What *send* raised.
        """
        return _Passage(self, run, going, send).go()

    def visit(self, visitor: Visitor, going: Outgoing, send: Send[T]) -> T:
        """The same for somebody who waits for the answer.

        Raises:
            LocalOnlyError, BudgetError, PrsnlError: As for `call`.
            TooManyRequestsError: A limit is used up, or the budget.
            ProviderDownError: The provider is away.
        """
        try:
            return _Passage(self, visitor, going, send).go()
        except Deferred as wait:
            if wait.provider is not None:
                raise ProviderDownError(wait.message, provider=wait.provider) from wait
            raise TooManyRequestsError(
                wait.message, retry_after_s=wait.due_in_s or self.limits.minute_s
            ) from wait


class _Passage(Generic[T]):
    """One request on its way through the gate."""

    def __init__(
        self, gate: Gate, who: TaskRun | Visitor, going: Outgoing, send: Send[T]
    ) -> None:
        self.gate = gate
        self.who = who
        self.run = who if isinstance(who, TaskRun) else None
        self.going = going
        self.endpoint = going.endpoint
        self.send = send
        self.timeout_s = going.timeout_s or gate.timeout_s
        self.intent: Intent
        self.has_begun = False

    def go(self) -> T:
        """Enter, send, and tell what came of it."""
        self._require_may_leave()
        self.intent = self._intend()
        entered = self._enter()
        if self.run is not None:
            self.run.asked.add(self.endpoint.name)
        try:
            answered = self._sent(entered)
        except PrsnlError as error:
            failed = self._failed(error)
            failed.engine = self.endpoint.name
            if failed is error:
                raise
            raise failed from error
        except BaseException:
            # A stop, or a defect: whatever was sent is not called back.
            is_sent = self.has_begun
            self._settle(
                Ended(outcome=Outcome.CANCELLED if is_sent else Outcome.UNSENT)
            )
            raise
        self._answered(answered)
        return answered.value

    def _require_may_leave(self) -> None:
        if self.endpoint.reach is Reach.LOCAL:
            return
        if self.gate.local_only or self.who.local_only:
            raise LocalOnlyError(
                privacy.refusal(self.endpoint, "it may not leave this machine")
            )

    def _intend(self) -> Intent:
        going, claimed = self.going, None if self.run is None else self.run.claimed
        shares = calls.shares(going.item_ids, going.sent_bytes)
        return Intent(
            call_id=new_id(),
            owner=self.who.owner,
            task_id=None if claimed is None else claimed.id,
            claim_no=None if claimed is None else claimed.claim_no,
            stage=going.stage,
            unit=going.unit,
            purpose=going.purpose,
            endpoint=self.endpoint,
            item_bytes=shares | dict(going.item_bytes),
            attachment_id=going.attachment_id,
            sent_bytes=going.sent_bytes,
            tokens_in=going.tokens_in,
            tokens_out=going.tokens_out,
            usd=self._expected_usd(),
        )

    def _expected_usd(self) -> Decimal | None:
        """What it costs at the most; the budget has a say in what nobody knows."""
        going, budget = self.going, self.gate.budget_usd
        usd = self._price(going.tokens_in, going.tokens_out, None)
        if usd is None:
            known_as = self.gate.database.run(
                partial(calls.answered_by, endpoint=self.endpoint)
            )
            usd = self._price(going.tokens_in, going.tokens_out, known_as)
            # Of Azure's deployment the first answer tells which model it is.
            is_first = self.endpoint.provider == "azure" and known_as is None
            if usd is None and budget is not None and not is_first:
                raise BudgetError(
                    f"Nothing was sent: the price of {self.endpoint.name} is not "
                    "known, so nobody can keep the day's budget. Set "
                    "PRSNL_LLM_USD_PER_MILLION_IN and PRSNL_LLM_USD_PER_MILLION_OUT, "
                    "or unset PRSNL_LLM_BUDGET_PER_DAY_USD."
                )
        if usd is not None and budget is not None and usd > budget:
            raise BudgetError(
                f"Nothing was sent: this request alone would cost up to {usd:.4f} USD, "
                f"and the budget of a day is {budget} USD. Raise "
                "PRSNL_LLM_BUDGET_PER_DAY_USD, or choose a cheaper model."
            )
        return usd

    def _price(
        self, tokens_in: int, tokens_out: int, model: str | None
    ) -> Decimal | None:
        return self.gate.prices.price(
            self.endpoint,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            audio_s=self.going.audio_s,
            model=model,
        )

    def _enter(self) -> _Pass:
        """Get room; short waits are waited for here, long ones release the worker."""
        # Apart from what is reserved, and may be undone: who waits is woken by it.
        self.gate.database.run(
            partial(limits.know, endpoint=self.endpoint, limits=self.gate.limits)
        )
        gives_up_at = time.monotonic() + limits.WAITS_INSIDE.total_seconds()
        pause_s = _FIRST_PAUSE_S
        while True:
            self._check()
            try:
                return self._try()
            except _NoRoomError as error:
                full = error.full
            if not full.is_place or time.monotonic() > gives_up_at:
                raise Deferred(full.reason, waits_for=self.endpoint.name)
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    def _try(self) -> _Pass:
        tries = 0

        def work(connection: Db) -> _Pass:
            nonlocal tries
            tries += 1
            if tries > 1:  # our own COMMIT, whose answer was lost
                known = calls.written(connection, self.intent.call_id)
                if known is not None:
                    key, wait_s = known
                    return _Pass(key, time.monotonic() + wait_s)
            with connection.transaction():
                return self._reserve(connection)

        return self.gate.database.run(work)

    def _reserve(self, connection: Db) -> _Pass:
        """Take all that a request needs, or nothing.

        Rows are locked in one order, here and at the end of a call: the task, the
        day's money, the limit, a place.
        """
        gate, endpoint, intent = self.gate, self.endpoint, self.intent
        if self.run is not None:
            self.run.stages.fence(connection)
        self._require_items_may_leave(connection)
        self._require_provider(connection)
        if self._is_new() and limits.others_wait(connection, endpoint.name):
            raise _NoRoomError(Full(f"Waits behind others for {endpoint.name}."))
        self._require_money(connection)
        wait = limits.take(
            connection,
            endpoint,
            gate.limits,
            tokens=intent.tokens_in + intent.tokens_out,
        )
        if isinstance(wait, Full):
            raise _NoRoomError(wait)
        sends_at = time.monotonic() + wait  # the commit is a part of the wait
        holder = Holder(
            intent.call_id,
            intent.task_id,
            intent.claim_no,
            timedelta(seconds=wait + self.timeout_s) + _MARGIN,
        )
        if full := limits.place(connection, endpoint, gate.limits, holder):
            raise _NoRoomError(full)
        return _Pass(calls.intend(connection, intent, wait_s=wait), sends_at)

    def _require_items_may_leave(self, connection: Db) -> None:
        if self.endpoint.reach is Reach.LOCAL:
            return
        ids = [*self.intent.item_bytes]
        if self.going.attachment_id is not None:
            ids.append(self.going.attachment_id)
        if privacy.is_of_items(connection, ids, owner=self.who.owner):
            raise LocalOnlyError(
                privacy.refusal(self.endpoint, "the item is local_only")
            )

    def _require_provider(self, connection: Db) -> None:
        name = self.endpoint.provider
        if self.run is not None and self.run.claimed.provider == name:
            return  # it was freed to try
        if (reason := breaker.away_because(connection, name)) is not None:
            raise Deferred(f"{name} is away: {reason}", provider=name)

    def _is_new(self) -> bool:
        """Whether it has to stand behind those who wait already."""
        if self.run is None:
            return False
        name = self.endpoint.name
        return name not in self.run.asked and self.run.claimed.waits_for != name

    def _require_money(self, connection: Db) -> None:
        usd, budget = self.intent.usd, self.gate.budget_usd
        if not usd or spending.spend(connection, usd, budget_usd=budget):
            return
        spent = spending.spent_today(connection)
        raise Deferred(
            f"Waits for tomorrow (UTC): today has cost {spent:.4f} USD, this request "
            f"would cost up to {usd:.4f}, and the budget of a day is {budget} USD. "
            "Raise PRSNL_LLM_BUDGET_PER_DAY_USD to go on today.",
            waits_for=limits.BUDGET,
            due_in_s=spending.seconds_of_today(connection),
        )

    def _sent(self, entered: _Pass) -> Answered[T]:
        permit = Permit(self.endpoint.reach, self.gate.local_hosts)
        with self._stoppable(permit.call_back):
            self._wait(entered.sends_at - time.monotonic())
            timer = threading.Timer(self.timeout_s, permit.call_back)
            timer.daemon = True
            timer.start()
            try:
                self.has_begun = True
                with permitted(permit):
                    return self.send(entered.key)
            except PrsnlError as error:
                self._check()
                if permit.refusal is not None:
                    raise permit.refusal from error
                if permit.is_called_back:
                    raise ProviderSilentError(
                        f"{self.endpoint.name} gave no whole answer within "
                        f"{self.timeout_s:.0f} s."
                    ) from error
                raise
            finally:
                timer.cancel()

    def _wait(self, wait_s: float) -> None:
        """Wait for the reserved time, unless the task is stopped before."""
        if wait_s > 0:
            stopped = threading.Event()
            with self._stoppable(stopped.set):
                stopped.wait(wait_s)
        self._check()

    @contextmanager
    def _stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        if self.run is None:
            yield
            return
        with self.run.killing(stop):
            yield

    def _check(self) -> None:
        if self.run is not None:
            self.run.check()

    def _answered(self, answered: Answered[T]) -> None:
        going = self.going
        tokens_in = _or(answered.tokens_in, going.tokens_in)
        tokens_out = _or(answered.tokens_out, going.tokens_out)
        self._settle(
            Ended(
                outcome=Outcome.ANSWERED,
                tokens_in=tokens_in,
                tokens_out=tokens_out,
                usd=self._price(tokens_in, tokens_out, answered.model),
                answered_by=answered.model,
                pause_s=answered.limits.pause_s(tokens_in + tokens_out),
            )
        )

    def _failed(self, error: PrsnlError) -> PrsnlError:
        """What to raise for an error of the request: is it the provider's own?"""
        ended = Ended(
            outcome=closing.outcome_of(error),
            error_code=error.code,
            pause_s=error.retry_after_s,
        )
        if isinstance(error, ModelRefusedError):
            # It has read the text to say so.
            tokens_in = self.going.tokens_in
            ended = replace(
                ended,
                tokens_in=tokens_in,
                tokens_out=0,
                usd=self._price(tokens_in, 0, None),
            )
        if not self._settle(ended):
            return error
        return ProviderDownError(error.message, provider=self.endpoint.provider)

    def _settle(self, ended: Ended) -> bool:
        """Write down what came of it; whether the provider is down."""
        run, name = self.run, self.endpoint.provider
        is_probe = run is not None and run.claimed.provider == name
        is_probe = is_probe and run is not None and name not in run.answered

        def work(connection: Db) -> bool:
            with connection.transaction():
                return closing.close(connection, self.intent, ended, is_probe=is_probe)

        is_down = self.gate.database.run(work)
        if run is None:
            return is_down
        if is_probe and ended.outcome in calls.IS_THERE:
            run.answered.add(name)
        with suppress(UnavailableError):  # the scheduler looks each second
            wake = partial(limits.wake, name=self.endpoint.name)
            if self.gate.database.run(wake, patience_s=0):
                run.rang()
        return is_down


def _or(told: int | None, estimate: int) -> int:
    return estimate if told is None else told

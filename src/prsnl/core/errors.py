"""One tree of errors: the category decides the retry, the code the HTTP status."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Final

#: What a sentence for the user begins with, on standard error and in a log.
SENTENCE: Final = "prsnl: "


class Category(StrEnum):
    """What follows from an error."""

    #: The same input fails again: no retry.
    PERMANENT = "permanent"
    #: A passing fault: tried again after a wait.
    TRANSIENT = "transient"
    #: A provider is away: the task is parked and spends no attempt.
    PROVIDER_DOWN = "provider_down"
    #: Memory or time ran out: tried once more with more room.
    RESOURCE = "resource"
    #: A child or a host died: back to the queue at once.
    CRASH = "crash"
    #: A defect of ours: two tries.
    BUG = "bug"


class PrsnlError(Exception):
    """An error with a category, a stable code and a message for the user.

    The message says what happened, to what, and what to do next. It holds ids and
    file names as the user gave them, never texts, keys or paths of the server.
    """

    category: Category = Category.BUG
    code: str = "bug"
    _by_code: ClassVar[dict[str, type[PrsnlError]]] = {}

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        #: Which provider is away; set with `Category.PROVIDER_DOWN`.
        self.provider = provider
        #: The wait a provider asked for, in seconds.
        self.retry_after_s = retry_after_s
        #: What was at work: an operation of the sandbox, or a provider's model.
        self.engine: str | None = None

    def __init_subclass__(cls) -> None:
        """Register the class under its code, so that a wire form finds it again."""
        PrsnlError._by_code[cls.code] = cls

    def to_wire(self) -> dict[str, Any]:
        """The error as JSON, for another process or a row."""
        return {
            "category": str(self.category),
            "code": self.code,
            "message": self.message,
            "provider": self.provider,
            "retry_after_s": self.retry_after_s,
        }

    @staticmethod
    def from_wire(told: dict[str, Any]) -> PrsnlError:
        """The error that `to_wire` described; an unknown code is a bug of ours."""
        kind = PrsnlError._by_code.get(str(told.get("code")), PrsnlError)
        wait = told.get("retry_after_s")
        provider = told.get("provider")
        return kind(
            str(told.get("message", "")),
            provider=None if provider is None else str(provider),
            retry_after_s=None if wait is None else float(wait),
        )


# Permanent: the input or the request is at fault.


class BadRequestError(PrsnlError):
    """What was asked for makes no sense."""

    category, code = Category.PERMANENT, "bad_request"


class NotFoundError(PrsnlError):
    """No such thing, or not the caller's."""

    category, code = Category.PERMANENT, "not_found"


class ConflictError(PrsnlError):
    """The same idempotency key with another body, or a state that forbids it."""

    category, code = Category.PERMANENT, "conflict"


class UnauthorizedError(PrsnlError):
    """No key, or one that is not known."""

    category, code = Category.PERMANENT, "unauthorized"


class ForbiddenError(PrsnlError):
    """The caller is known, and may not do this."""

    category, code = Category.PERMANENT, "forbidden"


class QuotaError(PrsnlError):
    """The owner keeps as much as one may."""

    category, code = Category.PERMANENT, "quota"


class TooLargeError(PrsnlError):
    """The upload is larger than the limit."""

    category, code = Category.PERMANENT, "too_large"


class UnsupportedError(PrsnlError):
    """A kind of input that nothing here can read."""

    category, code = Category.PERMANENT, "unsupported"


class EncryptedError(PrsnlError):
    """The document needs a password."""

    category, code = Category.PERMANENT, "encrypted"


class CorruptError(PrsnlError):
    """The file is damaged beyond reading."""

    category, code = Category.PERMANENT, "corrupt"


class EmptyError(PrsnlError):
    """The file holds nothing that can be read."""

    category, code = Category.PERMANENT, "empty"


class LocalOnlyError(PrsnlError):
    """It may not leave this machine, and only an engine elsewhere could do it."""

    category, code = Category.PERMANENT, "local_only"


class BudgetError(PrsnlError):
    """A budget is set, and nobody can tell whether this would keep it."""

    category, code = Category.PERMANENT, "budget"


class ProviderRejectedError(PrsnlError):
    """A provider will not take a request: its key, its model, or what it asks."""

    category, code = Category.PERMANENT, "provider_rejected"


class ModelRefusedError(PrsnlError):
    """A model refuses this text, or its provider's filter does."""

    category, code = Category.PERMANENT, "model_refused"


class TooLongForModelError(PrsnlError):
    """A text is longer than a model reads at once."""

    category, code = Category.PERMANENT, "too_long_for_model"


class UnusableAnswerError(PrsnlError):
    """What a model answers does not fit what was asked, not even when told so."""

    category, code = Category.PERMANENT, "unusable_answer"


# Transient: the world is at fault, for now.


class UnavailableError(PrsnlError):
    """A service of ours does not answer."""

    category, code = Category.TRANSIENT, "unavailable"


class DatabaseFullError(UnavailableError):
    """The database has no room to write: it answers, and keeps nothing."""

    code = "database_full"


class TooManyRequestsError(PrsnlError):
    """More at once than anybody means to ask; `retry_after_s` says when to go on."""

    category, code = Category.TRANSIENT, "too_many_requests"


class TooManyTasksError(PrsnlError):
    """As many tasks wait as may; `retry_after_s` says when to try again."""

    category, code = Category.TRANSIENT, "too_many_tasks"


class TooSlowError(PrsnlError):
    """A request that comes too slowly to be waited for."""

    category, code = Category.TRANSIENT, "too_slow"


class ProviderFailedError(PrsnlError):
    """A provider failed to answer one request, and said so: 5xx."""

    category, code = Category.TRANSIENT, "provider_failed"


class ProviderSilentError(ProviderFailedError):
    """A timeout or a cut: it may have done the work, and may count it."""

    category, code = Category.TRANSIENT, "provider_silent"


class ProviderDownError(PrsnlError):
    """A provider is away, or takes nothing now; names it in `provider`."""

    category, code = Category.PROVIDER_DOWN, "provider_down"


class ProviderUnreachableError(ProviderDownError):
    """Nothing could be sent to a provider: refused, or nobody knows its name."""

    category, code = Category.PROVIDER_DOWN, "provider_unreachable"


# Resource: the work asked for more than it may have.


class OutOfMemoryError(PrsnlError):
    """A child asked for more memory than it may have."""

    category, code = Category.RESOURCE, "out_of_memory"


class TimeLimitError(PrsnlError):
    """A child took longer than it may."""

    category, code = Category.RESOURCE, "time_limit"


class DiskFullError(PrsnlError):
    """No room to write; also a child that wrote more than it may."""

    category, code = Category.RESOURCE, "disk_full"


# Crash: a process died under the work.


class ChildCrashedError(PrsnlError):
    """A sandbox child ended without an answer."""

    category, code = Category.CRASH, "child_crashed"


class ChildKilledError(PrsnlError):
    """A sandbox child was killed by us, because its task was cancelled."""

    category, code = Category.CRASH, "child_killed"


class SettingsError(PrsnlError):
    """A setting has a wrong value; the message names the variable."""

    category, code = Category.PERMANENT, "settings"


class StartError(PrsnlError):
    """A part of the stack cannot start; the message says what to do."""

    category, code = Category.PERMANENT, "start"

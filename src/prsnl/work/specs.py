"""What may be asked of a queue: a name, a command, a result, and how it is retried."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from prsnl.core.errors import BadRequestError

if TYPE_CHECKING:
    from prsnl.work.queues import Queue
    from prsnl.work.run import TaskRun


class Command(BaseModel):
    """What is asked for: the HTTP body and the row's arguments are this one type."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Result(BaseModel):
    """What comes out, as it stands in the row."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Status(StrEnum):
    """The states of a task."""

    #: Wants a worker, now or at `due_at`.
    QUEUED = "queued"
    #: One worker has it, for as long as it renews the lease.
    RUNNING = "running"
    #: Wants a provider that is away.
    PARKED = "parked"
    #: Wants its children to end; holds no worker.
    WAITING = "waiting"
    SUCCESS = "success"
    #: Failed for good, by its input.
    FAILURE = "failure"
    #: Failed for good, all tries used up.
    DEAD = "dead"
    #: Cancelled.
    REVOKED = "revoked"


ENDED: Final = (Status.SUCCESS, Status.FAILURE, Status.DEAD, Status.REVOKED)
DEAD_LETTERS: Final = (Status.FAILURE, Status.DEAD)

C = TypeVar("C", bound=Command)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, kw_only=True)
class TaskSpec(Generic[C, R]):
    """One kind of task."""

    #: The name that users see, and Celery's.
    name: str
    queue: Queue
    command: type[C]
    result: type[R]
    #: Waits between tries after a transient error, in seconds; their number is the
    #: number of retries.
    retry_waits_s: tuple[float, ...] = (60, 120, 240)
    #: One claim may run so long, in seconds.
    time_limit_s: float = 3600
    #: Higher runs first within the queue, for one owner.
    priority: int = 0

    def encode(self, command: C) -> dict[str, Any]:
        """The command as the row keeps it."""
        return command.model_dump(mode="json")

    def decode(self, stored: Mapping[str, Any]) -> C:
        """The command that the row keeps.

        Raises:
            BadRequestError: The row is from another version of the command.
        """
        try:
            return self.command.model_validate(stored)
        except ValidationError as error:
            raise BadRequestError(
                f"The arguments of this {self.name} do not fit this version of the "
                f"program ({error.errors()[0]['msg']}): submit it again."
            ) from error


def command_hash(name: str, encoded: Mapping[str, Any]) -> bytes:
    """Tells whether two submits ask for the same."""
    canonical = json.dumps([name, encoded], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


Handler = Callable[["TaskRun", Any], Result]


@dataclass(frozen=True)
class Catalogue:
    """The specs of this installation and their handlers, by name."""

    handlers: dict[str, tuple[TaskSpec[Any, Any], Handler]] = field(
        default_factory=dict
    )

    def handles(
        self, spec: TaskSpec[C, R]
    ) -> Callable[[Callable[[TaskRun, C], R]], Callable[[TaskRun, C], R]]:
        """Register the decorated function as the one that does *spec*."""

        def register(handler: Callable[[TaskRun, C], R]) -> Callable[[TaskRun, C], R]:
            assert spec.name not in self.handlers, f"{spec.name} is handled twice"
            self.handlers[spec.name] = (spec, handler)
            return handler

        return register

    @classmethod
    def merged(cls, parts: Iterable[Catalogue]) -> Catalogue:
        """One catalogue of several."""
        whole = cls()
        for part in parts:
            for name, handled in part.handlers.items():
                assert name not in whole.handlers, f"{name} is handled twice"
                whole.handlers[name] = handled
        return whole

    def specs(self) -> list[TaskSpec[Any, Any]]:
        """Every spec."""
        return [spec for spec, _ in self.handlers.values()]

    def __getitem__(self, name: str) -> tuple[TaskSpec[Any, Any], Handler]:
        """The spec and handler of a name.

        Raises:
            BadRequestError: This worker does not know the task.
        """
        try:
            return self.handlers[name]
        except KeyError as error:
            raise BadRequestError(
                f"This version of the program has no task {name}: update the workers."
            ) from error

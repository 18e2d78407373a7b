"""What every answer is made of: a body, a page of a list, a problem."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Body(BaseModel):
    """A frozen answer; a newer server's further fields are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Body, Generic[T]):
    """One page of a list, newest first."""

    items: list[T]
    #: Give it as `before` (of a file's pages: as `after`) for the next page; null at
    #: the end.
    next: str | None = None


class FieldProblem(Body):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(Body):
    """An error (RFC 9457), as `application/problem+json`."""

    type: str
    title: str
    status: int
    #: What happened and what to do, for a person.
    detail: str
    #: Stable, for a program.
    code: str
    #: By field, when the request itself is wrong.
    errors: list[FieldProblem] = Field(default_factory=list)
    retry_after_s: float | None = None
    #: Found again in the server's log, when the error is ours.
    reference: str | None = None

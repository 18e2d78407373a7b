"""Every code of the error tree has its HTTP status."""

from __future__ import annotations

from http import HTTPStatus

from prsnl.core.errors import (
    ConflictError,
    NotFoundError,
    PrsnlError,
    TooLargeError,
    UnavailableError,
)
from prsnl.web.errors import STATUS_OF_CODE, response, status_of

#: Told by a task's row or by a command, never as the answer to a request.
NEVER_ANSWERED = {
    "out_of_memory",
    "time_limit",
    "child_crashed",
    "child_killed",
    "settings",
    "start",
    # Of providers: a request asks none.
    "provider_rejected",
    "model_refused",
    "too_long_for_model",
    "unusable_answer",
    "parameter_not_known",
}


def codes(kind: type[PrsnlError]) -> set[str]:
    found = {kind.code} if kind is not PrsnlError else set()
    return found.union(*(codes(below) for below in kind.__subclasses__()))


def test_no_code_is_forgotten() -> None:
    """A new error without a row would be answered as a defect of ours."""
    ours = {code for code in codes(PrsnlError) if not code.startswith("test_")}

    assert ours - NEVER_ANSWERED <= set(STATUS_OF_CODE)


def test_the_code_decides_the_status() -> None:
    assert status_of(NotFoundError("")) == HTTPStatus.NOT_FOUND
    assert status_of(ConflictError("")) == HTTPStatus.CONFLICT
    assert status_of(TooLargeError("")) == 413
    assert status_of(UnavailableError("")) == 503
    assert status_of(PrsnlError("")) == 500


def test_a_problem_is_short_and_says_when_to_come_back() -> None:
    answer = response(
        HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "Later.", retry_after_s=1.2
    )

    assert answer.headers["retry-after"] == "2"
    assert b'"errors"' not in bytes(answer.body)

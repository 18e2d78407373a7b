"""Commands, results, specs and the catalogue."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from prsnl.core.errors import BadRequestError
from prsnl.work.queues import Queue
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue, Command, Result, TaskSpec, command_hash
from prsnl.work.submit import submission


class Fold(Command):
    sheet: UUID
    times: int = 1


class Folded(Result):
    layers: int


FOLD = TaskSpec(
    name="fold_task", queue=Queue.ANALYSIS, command=Fold, result=Folded, priority=3
)
SHEET = UUID(int=7)


def test_a_command_is_closed_and_frozen() -> None:
    with pytest.raises(ValidationError):
        Fold.model_validate({"sheet": str(SHEET), "colour": "red"})
    with pytest.raises(ValidationError):
        Fold(sheet=SHEET).times = 2  # type: ignore[misc]


def test_what_is_encoded_is_decoded() -> None:
    command = Fold(sheet=SHEET, times=3)

    assert FOLD.decode(FOLD.encode(command)) == command


def test_arguments_of_another_version_are_a_bad_request() -> None:
    """A permanent error, with a sentence: an old row must not be retried for ever."""
    with pytest.raises(BadRequestError, match="submit it again"):
        FOLD.decode({"sheet": str(SHEET), "size": 4})


def test_the_hash_knows_the_name_and_every_argument() -> None:
    one = command_hash("fold_task", FOLD.encode(Fold(sheet=SHEET)))

    assert one == command_hash("fold_task", {"times": 1, "sheet": str(SHEET)})
    assert one != command_hash("cut_task", FOLD.encode(Fold(sheet=SHEET)))
    assert one != command_hash("fold_task", FOLD.encode(Fold(sheet=SHEET, times=2)))


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=5))
def test_the_hash_does_not_depend_on_the_order_of_arguments(
    arguments: dict[str, object],
) -> None:
    turned = dict(reversed(arguments.items()))

    assert command_hash("t", arguments) == command_hash("t", turned)


def test_a_submission_carries_what_the_spec_says() -> None:
    wanted = submission(FOLD, Fold(sheet=SHEET), owner="ada", idempotency_key="k")

    assert (wanted.name, wanted.queue, wanted.priority) == ("fold_task", "analysis", 3)
    assert wanted.command == {"sheet": str(SHEET), "times": 1}
    assert wanted.id.version == 7
    assert not wanted.held


def fold(run: TaskRun, command: Fold) -> Folded:
    del run
    return Folded(layers=2**command.times)


def test_a_catalogue_knows_the_spec_and_the_handler_of_a_name() -> None:
    catalogue = Catalogue()

    assert catalogue.handles(FOLD)(fold) is fold
    assert catalogue["fold_task"] == (FOLD, fold)
    assert catalogue.specs() == [FOLD]


def test_a_name_is_handled_once() -> None:
    catalogue = Catalogue()
    catalogue.handles(FOLD)(fold)

    with pytest.raises(AssertionError, match="fold_task is handled twice"):
        catalogue.handles(FOLD)(fold)


def test_two_parts_do_not_handle_the_same_name() -> None:
    """The second would silently take the place of the first."""
    one, other = Catalogue(), Catalogue()
    one.handles(FOLD)(fold)
    other.handles(FOLD)(fold)

    with pytest.raises(AssertionError, match="fold_task is handled twice"):
        Catalogue.merged([one, other])


def test_an_unknown_name_is_a_bad_request() -> None:
    with pytest.raises(BadRequestError, match="update the workers"):
        Catalogue()["fold_task"]

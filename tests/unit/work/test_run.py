"""Stopping a run: the first reason stays, and what it started is killed."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from prsnl.core.db import Database
from prsnl.core.storage import FolderStorage
from prsnl.work.claim import Claim
from prsnl.work.run import Drained, Services, TaskRun
from prsnl.work.stages import Cancelled, Lost

CLAIM = Claim(UUID(int=1), "ada", "t", {}, 1, 0, 0, None, None, None)


@pytest.fixture
def run(tmp_path: Path) -> TaskRun:
    with Database.open("postgresql://nobody@127.0.0.1:1/none", size=1, name="t") as db:
        return TaskRun(
            CLAIM,
            Services({}),
            db,
            FolderStorage(tmp_path),
            rang=lambda: None,
            told=lambda: None,
        )


def test_a_run_goes_on_until_it_is_stopped(run: TaskRun) -> None:
    run.check()
    run.stop(Lost())

    with pytest.raises(Lost):
        run.check()


def test_the_first_reason_to_stop_stays(run: TaskRun) -> None:
    run.stop(Drained())
    run.stop(Cancelled())

    with pytest.raises(Drained):
        run.check()


def test_what_runs_is_killed_once(run: TaskRun) -> None:
    kills: list[str] = []
    with run.killing(lambda: kills.append("inner")):
        run.stop(Cancelled())
        run.stop(Cancelled())

    assert kills == ["inner"]


def test_what_has_ended_is_not_killed(run: TaskRun) -> None:
    kills: list[str] = []
    with run.killing(lambda: kills.append("ended")):
        pass
    run.stop(Cancelled())

    assert kills == []


def test_nothing_is_begun_after_the_stop(run: TaskRun) -> None:
    run.stop(Cancelled())

    with pytest.raises(Cancelled), run.killing(lambda: None):
        pytest.fail("the block began")

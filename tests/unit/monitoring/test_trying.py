"""An engine tried as a task: what is told of it, and where it is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from prsnl.core.errors import CorruptError
from prsnl.engines.inventory.jobs import Job
from prsnl.migrations.versions import __path__ as migrations
from prsnl.monitoring import engine_tests
from prsnl.monitoring.trials import TRIED
from prsnl.monitoring.trying import SPEC_OF, EngineTrier
from prsnl.wire.engines import EngineTried, TryEngine
from prsnl.work.run import Deferred, TaskRun
from tests.conftest import wired
from tests.fakes.task_run import LooseRun


class Running(LooseRun):
    """A run that may say how far it is."""

    def step(self, message: str, *, steps: int = 1) -> None:
        """Progress that nobody keeps."""
        del message, steps


@dataclass
class Scripted:
    """Trials whose engine answers, or breaks, as the test says."""

    settings: Any
    answer: str | Exception

    def of(self, job: Job, way: object) -> str:
        """What it has made of the work."""
        del job, way
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def tried(folder: Path, answer: str | Exception, job: Job = Job.TEXT) -> EngineTried:
    settings = wired("postgresql://h/d", "redis://h", folder).settings
    trier = EngineTrier(cast("Any", Scripted(settings, answer)))
    return trier.do(cast("TaskRun", Running()), TryEngine(job=job))


def test_what_can_be_tried_has_a_queue_to_be_tried_in() -> None:
    """The workers of that queue may be on hosts with engines of their own."""
    assert set(SPEC_OF) == set(TRIED)


def test_the_tests_of_an_owner_are_found_by_their_index() -> None:
    """The statement and the index name the tasks; a new one belongs in both."""
    names = {spec.name for spec in SPEC_OF.values()}
    (folder,) = migrations
    index = (Path(folder) / "0027_engine_tests.py").read_text()

    for name in names:
        assert f"'{name}'" in index
        assert f"'{name}'" in engine_tests._NEWEST


def test_a_broken_engine_is_told(tmp_path: Path) -> None:
    told = tried(tmp_path, CorruptError("Its model is damaged: get it again."))

    assert (told.works, told.said) == (False, "Its model is damaged: get it again.")


def test_an_answer_is_told_as_a_row_can_hold_it(tmp_path: Path) -> None:
    """A model may say anything, and PostgreSQL takes no NUL."""
    told = tried(tmp_path, "blue\x00 \ud800" + " and grey" * 100)

    assert told.works
    assert told.said.startswith("blue and grey")
    assert told.said.endswith(" …")
    assert told.said.isprintable()


def test_a_provider_that_is_away_is_an_answer_and_a_limit_is_waited_for(
    tmp_path: Path,
) -> None:
    """Who tests a provider wants to hear that it is away, and not to wait for it."""
    told = tried(tmp_path, Deferred("It is away.", provider="llm.example"), Job.LLM)
    assert (told.works, told.said) == (False, "It is away.")

    with pytest.raises(Deferred):
        tried(tmp_path, Deferred("Full.", waits_for="llm.example/large"), Job.LLM)

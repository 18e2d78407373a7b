"""Engines tested over HTTP and by the page: with a worker, and a model that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from prsnl.core.errors import ConflictError
from prsnl.embedded.stack import StackUrls
from prsnl.wire.access import Scope
from prsnl.wire.engines import EngineTestBody
from prsnl.wiring import read as wired_from
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.llm_server import LlmServer, llm_server, unauthorized
from tests.integration.ai_processing.conftest import llm_settings
from tests.integration.api.conftest import Person, Server, api_over
from tests.integration.api.test_work_pages import read, signed_in
from tests.integration.file_processing.test_documents import Desk, working


@dataclass(frozen=True)
class Workshop:
    """An API, a worker, a model, and somebody with a browser."""

    server: Server
    desk: Desk
    llm: LlmServer
    person: Person
    browser: httpx2.Client

    def tested(self, job: str) -> EngineTestBody:
        """Have an engine tested, and the test done."""
        task_id = self.person.client.test_engine(job).task_id
        self.desk.runner.execute(task_id)
        found = self.newest(job)
        assert found.task_id == task_id
        return found

    def newest(self, job: str) -> EngineTestBody:
        """What the server tells of the newest test."""
        (told,) = (one for one in self.person.client.engines().jobs if one.job == job)
        assert told.test is not None
        return told.test


@pytest.fixture(scope="module")
def parts(
    stack: StackUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Desk, LlmServer]]:
    with fresh_database(stack) as database_url, llm_server() as llm:
        folder: Path = tmp_path_factory.mktemp("workshop")
        plain = wired(database_url, fresh_broker(stack), folder)
        wiring = wired_from(replace(plain.settings, llm=llm_settings(llm)))
        with api_over(wiring) as server:
            for desk in working(wiring):
                yield server, desk, llm


@pytest.fixture
def workshop(
    parts: tuple[Server, Desk, LlmServer], people: Callable[[Server], Person]
) -> Iterator[Workshop]:
    server, desk, llm = parts
    person = people(server)
    with contextmanager(signed_in)(server, person) as browser:
        yield Workshop(server, desk, llm, person, browser)
    llm.always(None)


def test_a_button_tests_an_engine_once_at_a_time_and_the_page_tells_what_came(
    workshop: Workshop,
) -> None:
    """A second click while it is under way must not queue a second test."""
    browser = workshop.browser
    clicked = browser.post("/engines/text/test")
    assert clicked.headers["location"] == "/engines#job-text"
    first = workshop.newest("text")
    page = read(browser, "/engines")
    assert "Watch it" in page.text
    assert not page.all("form", action="/engines/text/test")
    browser.post("/engines/text/test")
    assert workshop.person.client.test_engine("text").task_id == first.task_id

    workshop.desk.runner.execute(first.task_id)

    done = workshop.newest("text")
    assert (done.task_id, done.works) == (first.task_id, True), done.said
    assert done.engine is not None
    assert done.engine.startswith("pypdfium2")
    assert done.milliseconds is not None
    assert done.milliseconds > 0
    page = read(browser, "/engines")
    assert "An HTML page says: Rent The monthly rent is 940.00 EUR" in page.text
    assert "Test again" in page.text
    task = read(browser, f"/tasks/{first.task_id}")
    assert "Text of documents" in task.text
    assert workshop.person.client.test_engine("text").task_id != first.task_id


def test_a_model_that_is_tested_is_asked_through_the_gate(workshop: Workshop) -> None:
    """A test must not be a way around the limits, the budget and the books."""
    told = workshop.tested("llm")

    assert told.works, told.said
    assert told.said is not None
    assert "Which colour" in told.said
    assert _calls(workshop, told.task_id) == ["answered"]


def test_an_engine_that_does_not_work_is_an_answer_and_no_failure(
    workshop: Workshop,
) -> None:
    workshop.llm.always(unauthorized())

    told = workshop.tested("llm")

    assert told.works is False
    assert told.said is not None
    assert "does not accept the key" in told.said
    page = read(workshop.browser, "/engines")
    assert "Does not work" in page.text
    assert "Nothing has failed" in read(workshop.browser, "/failures").text


def test_what_cannot_be_tested_says_why(
    workshop: Workshop, people: Callable[[Server, frozenset[Scope]], Person]
) -> None:
    with pytest.raises(ConflictError, match="recording in which people speak"):
        workshop.person.client.test_engine("speakers")
    page = read(workshop.browser, "/engines")
    assert "recording in which people speak" in page.text
    assert not page.all("form", action="/engines/speakers/test")
    reader = people(workshop.server, frozenset({Scope.READ}))
    for browser in signed_in(workshop.server, reader):
        assert "with a key that has the scope" in read(browser, "/engines").text


def _calls(workshop: Workshop, task_id: UUID) -> list[str]:
    """How the requests of a task went down in the books."""
    with workshop.desk.database.connection() as connection:
        rows = connection.execute(
            "select outcome from calls where task_id = %s", [task_id]
        ).fetchall()
    return [row["outcome"] for row in rows]

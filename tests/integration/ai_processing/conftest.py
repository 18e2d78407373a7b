"""A worker in the test's own process that asks a model server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from prsnl.ai_processing.prompt_specs import PROCESS_WITH_LLM, ProcessWithLlm
from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent
from prsnl.ai_processing.understanding import TextUnderstanding
from prsnl.core.settings.engines import Llm
from prsnl.embedded.stack import StackUrls
from prsnl.wiring import models, read
from prsnl.work.ledger import TaskView
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.llm_answers import tokens
from tests.fakes.llm_server import LlmServer, llm_server
from tests.integration.file_processing.test_documents import Desk, working


@dataclass
class Study:
    """A desk with a model, and an owner of the test's own, of whom nothing is kept."""

    desk: Desk
    server: LlmServer
    owner: str

    def analyze(self, content: str | None = None, **how: Any) -> TaskView:
        """Have a text or an item analysed."""
        command = AnalyzeContent.model_validate({"content": content, **how})
        return self.desk.run(submission(ANALYZE_CONTENT, command, owner=self.owner))

    def process(self, content: str, prompt_type: str, **options: Any) -> TaskView:
        """Have something asked of a text."""
        command = ProcessWithLlm.model_validate(
            {"content": content, "prompt_type": prompt_type, "options": options}
        )
        return self.desk.run(submission(PROCESS_WITH_LLM, command, owner=self.owner))

    def with_changed(self, **changes: Any) -> Study:
        """The same study, where tasks are done by a service with other parts."""
        runner = self.desk.runner
        service = replace(runner.services.get(TextUnderstanding), **changes)
        by_type = {**runner.services.by_type, TextUnderstanding: service}
        services = replace(runner.services, by_type=by_type)
        desk = replace(self.desk, runner=replace(runner, services=services))
        return replace(self, desk=desk)

    def again(self, task: TaskView) -> TaskView:
        """Have a task that waits done now."""
        with self.desk.database.connection() as connection:
            connection.execute(
                "update tasks set status = 'queued', due_at = now() where id = %s",
                [task.task_id],
            )
        self.desk.runner.execute(task.task_id)
        return self.desk.task(task.task_id, self.owner)


@pytest.fixture(scope="module")
def server() -> Iterator[LlmServer]:
    with llm_server() as running:
        yield running


def llm_settings(server: LlmServer, **how: Any) -> Llm:
    """Settings of a language model on the server."""
    usual: dict[str, Any] = {
        "llm_provider": "compatible",
        "llm_base_url": server.base_url,
        "llm_model": "fake-large",
        "llm_timeout_s": timedelta(seconds=30),
    }
    return Llm(**(usual | how))


Desks = Callable[..., Desk]


@pytest.fixture(scope="module")
def desks(
    stack: StackUrls, server: LlmServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desks]:
    """Makes workers with settings of their own, on one database."""
    with fresh_database(stack) as database_url, ExitStack() as opened:
        broker_url = fresh_broker(stack)

        def made(**how: Any) -> Desk:
            wiring = wired(database_url, broker_url, tmp_path_factory.mktemp("d"))
            wiring = read(replace(wiring.settings, llm=llm_settings(server, **how)))
            return opened.enter_context(contextmanager(working)(wiring))

        yield made


@pytest.fixture(scope="module")
def desk(desks: Desks) -> Desk:
    """A worker with a model that reads little at once."""
    return desks(llm_context_tokens=4096)


Asking = Callable[..., "Study"]


@pytest.fixture
def asking(study: Study) -> Iterator[Asking]:
    """Makes the same study with a model of other settings."""
    with ExitStack() as opened:

        def made(**how: Any) -> Study:
            settings = study.desk.wiring.settings
            llm = llm_settings(study.server, **how)
            model = opened.enter_context(models.opened(replace(settings, llm=llm)))
            return study.with_changed(model=model)

        yield made


@pytest.fixture
def study(desk: Desk, server: LlmServer) -> Iterator[Study]:
    """One study; the server is as if nobody had asked it before."""
    server.calls.clear()
    with desk.database.connection() as connection:
        connection.execute(
            "truncate providers, limits, slots, spending, calls, call_items"
        )
    yield Study(desk, server, f"owner {uuid4().hex[:8]}")
    server.always(None)
    server.script()
    server.obeys = False
    server.key = None
    server.counts = tokens
    server.takes_schemas = server.takes_json_mode = True
    server.context_tokens = None

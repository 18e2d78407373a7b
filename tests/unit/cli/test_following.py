"""Files on their way, over a server that misbehaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID, uuid4

import pytest

from prsnl.core.errors import (
    PrsnlError,
    TooLargeError,
    TooManyTasksError,
    UnavailableError,
)
from prsnl.items.models import AttachmentView, ItemView, LearnedView, PageView
from prsnl.terminal.following import Cancelled, Progressed, Run
from prsnl.terminal.inputs import InputFile
from prsnl.terminal.outcome import Outcome
from prsnl.wire.files import Uploaded
from prsnl.wire.tasks import StatusBody
from prsnl.work.specs import Status
from tests.unit.cli import outcomes


@dataclass
class FakeServer:
    """Takes files; a task ends as soon as it is asked for, unless it is held."""

    refuses: str = ""
    outages: int = 0
    #: So many uploads are one more than may wait.
    full: int = 0
    held: bool = False
    #: Another command has made the task of this file before.
    of_another: str = ""
    #: The name of a file that the server's answer breaks the client with.
    breaks_at: str = ""
    breaks_when_asked: bool = False
    cancelled: list[UUID] = field(default_factory=list)
    uploaded: threading.Event = field(default_factory=threading.Event)

    def upload(
        self,
        path: Path,
        *,
        local_only: bool,
        idempotency_key: str,
        file_name: str | None,
    ) -> Uploaded:
        assert not local_only
        assert file_name is None
        assert idempotency_key
        if path.name == self.breaks_at:
            raise KeyError(path.name)
        self._maybe_away()
        if self.full:
            self.full -= 1
            raise TooManyTasksError("As many wait as may.", retry_after_s=0.01)
        if path.name == self.refuses:
            raise TooLargeError("It is too large.")
        path.open("rb").close()
        task = outcomes.task(Status.QUEUED, task_id=uuid4())
        self.uploaded.set()
        return Uploaded(
            attachment=outcomes.attachment(),
            item_id=outcomes.ID,
            task=task,
            is_new_task=path.name != self.of_another,
        )

    def status(
        self, task_id: UUID, *, seq: int | None = None, wait_s: float = 0
    ) -> StatusBody:
        assert wait_s >= 0
        self._maybe_away()
        if self.breaks_when_asked:
            raise KeyError(task_id)
        if task_id in self.cancelled:
            return outcomes.task(Status.REVOKED, task_id=task_id)
        if self.held:
            threading.Event().wait(0.02)
            return outcomes.task(Status.RUNNING, task_id=task_id, seq=(seq or 0) + 1)
        return outcomes.task(Status.SUCCESS, task_id=task_id)

    def cancel(self, task_id: UUID) -> StatusBody:
        self.cancelled.append(task_id)
        return outcomes.task(Status.RUNNING, task_id=task_id, is_cancelling=True)

    def attachment(self, _: UUID) -> AttachmentView:
        return outcomes.attachment()

    def item(self, _: UUID) -> ItemView:
        return outcomes.item()

    def pages(self, _: UUID) -> Iterator[PageView]:
        yield outcomes.page(1)

    def insights(self, _: UUID) -> LearnedView:
        return LearnedView(
            engine="fake", document_type=None, key_sentences=[], insights=[]
        )

    def _maybe_away(self) -> None:
        if self.outages:
            self.outages -= 1
            raise UnavailableError("Nobody answers.")


@pytest.fixture
def files(tmp_path: Path) -> list[InputFile]:
    made = []
    for number in range(5):
        path = tmp_path / f"{number}.txt"
        path.write_text(str(number))
        made.append(InputFile(path, PurePath(path.name)))
    return made


def ends(server: FakeServer, files: Sequence[InputFile]) -> dict[str, Outcome]:
    run = Run(server, local_only=False)
    return {
        event.file.path.name: event
        for event in run.outcomes(files)
        if isinstance(event, Outcome)
    }


def test_every_file_ends_once(files: list[InputFile]) -> None:
    told = ends(FakeServer(), files)

    assert {name: each.status for name, each in told.items()} == {
        f"{number}.txt": Status.SUCCESS for number in range(5)
    }


def test_a_file_that_is_refused_or_gone_fails_alone(files: list[InputFile]) -> None:
    files[3].path.unlink()
    told = ends(FakeServer(refuses="1.txt"), files)

    codes = {name: each.error.code for name, each in told.items() if each.error}
    assert codes == {"1.txt": "too_large", "3.txt": "unreadable"}


def test_a_server_that_restarts_meanwhile_costs_no_file(
    files: list[InputFile],
) -> None:
    told = ends(FakeServer(outages=3), files)

    assert all(each.is_success for each in told.values())
    assert len(told) == 5


def test_where_as_many_wait_as_may_the_next_file_comes_later(
    files: list[InputFile],
) -> None:
    """A cap of three is no reason for a hundred files to fail."""
    told = ends(FakeServer(full=30), files)

    assert all(each.is_success for each in told.values())
    assert len(told) == 5


def test_what_is_under_way_is_cancelled_and_awaited(files: list[InputFile]) -> None:
    server = FakeServer(held=True)
    run = Run(server, local_only=False)
    for event in run.outcomes(files[:1]):
        if not isinstance(event, Outcome) and server.uploaded.is_set():
            break

    assert run.cancel() == Cancelled(1, ended=0, others=0)
    assert len(server.cancelled) == 1


def test_what_another_command_has_begun_is_not_cancelled(
    files: list[InputFile],
) -> None:
    server = FakeServer(held=True, of_another="0.txt")
    run = Run(server, local_only=False)
    followed = set()
    for event in run.outcomes(files[:2]):
        if isinstance(event, Progressed):
            followed.add(event.file)
        if len(followed) == 2:
            break

    assert run.cancel() == Cancelled(1, ended=0, others=1)
    assert len(server.cancelled) == 1


class QuickServer(FakeServer):
    """Where every task has ended by the time that it is cancelled."""

    def cancel(self, task_id: UUID) -> StatusBody:
        return outcomes.task(Status.SUCCESS, task_id=task_id)


def test_what_had_ended_unseen_is_not_told_as_cancelled(
    files: list[InputFile],
) -> None:
    run = Run(QuickServer(held=True), local_only=False)
    followed = set()
    for event in run.outcomes(files):
        if isinstance(event, Progressed):
            followed.add(event.file)
        if len(followed) == len(files):
            break

    assert run.cancel() == Cancelled(0, ended=5, others=0)


class CountingServer(FakeServer):
    """Notes how many uploads are under way at once."""

    most = under_way = 0

    def upload(self, path: Path, **options: Any) -> Uploaded:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        threading.Event().wait(0.01)
        told = super().upload(path, **options)
        self.under_way -= 1
        return told


def test_a_few_files_are_sent_at_a_time_and_each_once(tmp_path: Path) -> None:
    many = []
    for number in range(60):
        path = tmp_path / f"{number:03}.txt"
        path.write_text(str(number))
        many.append(InputFile(path, PurePath(path.name)))
    server = CountingServer()
    told = ends(server, many)

    assert len(told) == 60
    assert 1 < server.most <= 4


@pytest.mark.parametrize(
    "server", [FakeServer(breaks_at="1.txt"), FakeServer(breaks_when_asked=True)]
)
def test_a_defect_in_a_thread_ends_the_run_instead_of_hanging_it(
    files: list[InputFile], server: FakeServer
) -> None:
    with pytest.raises(PrsnlError, match=r"KeyError.*line \d+"):
        ends(server, files)

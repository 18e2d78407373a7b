"""Many recordings as one task: all end, one at a time, and the parent holds nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from prsnl.core.errors import CorruptError
from prsnl.embedded.stack import StackUrls
from prsnl.items import store
from prsnl.media_processing import video_tasks
from prsnl.media_processing.video_specs import (
    BATCH_TRANSCRIBE,
    PROCESS_VIDEO,
    ProcessedVideo,
    ProcessVideo,
    TranscribeVideos,
)
from prsnl.work.run import TaskRun
from prsnl.work.runner import Runner
from prsnl.work.slots import HEAVY, taken
from prsnl.work.specs import Catalogue, Status
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.recordings import sound, tone
from tests.integration.file_processing.test_documents import Desk, working

CHILDREN = 300
BROKEN = 7


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("d"))
        yield from working(wiring)


@dataclass
class LightWork:
    """Does a video in no time, within the slot for large jobs."""

    inside: int = 0
    most: int = 0
    done: list[UUID] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, run: TaskRun, command: ProcessVideo) -> ProcessedVideo:
        with taken(run, HEAVY):
            with self._lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
                self.done.append(command.file_id)
                number = len(self.done)
            with self._lock:
                self.inside -= 1
        if number % (CHILDREN // BROKEN) == 0:
            raise CorruptError("The recording is damaged.")
        return _nothing()


def _file(number: int) -> store.NewFile:
    """One that is larger than those before it; nobody reads its bytes."""
    return store.NewFile("ada", f"{number:03}.mp4", number, f"{number:064x}")


def _nothing() -> ProcessedVideo:
    return ProcessedVideo(
        mime_type="video/mp4",
        duration_s=1.0,
        width=None,
        height=None,
        frames=0,
        pictures=0,
        transcript=None,
        characters=0,
        chapters=(),
        chapters_from=None,
        title=None,
        language=None,
        key_sentences=0,
        insights=0,
    )


def worked_off(desk: Desk, runner: Runner, threads: ThreadPoolExecutor) -> None:
    """Do what is due, as a relay and two workers would, until nothing is."""
    while due := desk.database.run(
        lambda connection: connection.execute(
            "select id from tasks where status = 'queued' and due_at <= now() "
            "and not held order by priority desc, due_at, id limit 4"
        ).fetchall()
    ):
        list(threads.map(runner.execute, [row["id"] for row in due]))


def test_three_hundred_recordings_end_one_at_a_time_on_one_slot(desk: Desk) -> None:
    light = LightWork()
    handlers = {
        **video_tasks.TASKS.handlers,
        PROCESS_VIDEO.name: (PROCESS_VIDEO, light),
    }
    runner = replace(desk.runner, catalogue=Catalogue(handlers))
    files = [
        desk.database.run(partial(store.add_file, file=_file(number)))[0]
        for number in range(1, CHILDREN + 1)
    ]
    command = TranscribeVideos(
        file_ids=tuple(file.id for file in reversed(files)), max_concurrency=3
    )
    wanted = submission(BATCH_TRANSCRIBE, command, owner="ada")
    parent = replace(desk, runner=runner).run(wanted)
    assert parent.status is Status.WAITING

    with ThreadPoolExecutor(2) as threads:
        worked_off(desk, runner, threads)

    told = desk.task(parent.task_id)
    assert told.status is Status.SUCCESS, told.error
    assert told.result is not None
    assert (told.result["videos"], told.result["failed"]) == (CHILDREN, BROKEN)
    assert {one["code"] for one in told.result["failures"]} == {"corrupt"}
    assert light.most == 1
    assert len(set(light.done)) == CHILDREN
    assert files[0].id in light.done[: CHILDREN // 10], "the small ones go first"


def test_a_batch_of_real_clips_says_what_came_of_each(
    desk: Desk, tmp_path: Path
) -> None:
    good = desk.put("good.wav", sound(tmp_path / "good.wav", [tone(1.0)]).read_bytes())
    bad = desk.put("bad.mp4", b"\x00\x00\x00\x18ftypisom" + bytes(400))
    command = TranscribeVideos(file_ids=(bad.id, good.id))
    parent = desk.run(submission(BATCH_TRANSCRIBE, command, owner="ada"))

    with ThreadPoolExecutor(1) as threads:
        worked_off(desk, desk.runner, threads)

    told = desk.task(parent.task_id)
    assert told.status is Status.SUCCESS, told.error
    assert told.result is not None
    assert told.result["succeeded"] == 1
    (failure,) = told.result["failures"]
    assert (failure["file_name"], failure["code"]) == ("bad.mp4", "corrupt")
    assert told.warnings
    assert told.warnings[0].startswith("1 of 2 recordings were not transcribed")

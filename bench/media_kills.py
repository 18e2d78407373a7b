"""A long recording, whose worker is killed again and again on its way.

`./prsnl up` as it is, a made recording whose segments all differ, and a Whisper model
of chance that is loaded and asked as a real one. The worker that holds the recording
is killed with `kill -9` three times. At the end the transcript is whole, no segment
that was committed was heard again, and the worker with all below it never held 1 GiB.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

import psutil
from tests.fakes import tiny_whisper

import media_speech
from prsnl.core.db import Db, connect
from prsnl.core.settings import Settings
from prsnl.embedded.stack import kept_database_url
from prsnl.terminal import servers
from prsnl.terminal.stack import service

MEMORY_BYTES: Final = 2**30
#: Parts of the recording that are done when its worker is killed.
KILLED_AT: Final = (0.2, 0.45, 0.7)
_PATIENCE_S: Final = 1800.0
_POLL_S: Final = 0.1
_SEGMENTS: Final = """
select unit, claim_no from task_stages where task_id = %s and stage = 'transcribe'
"""
_WHOLE: Final = """
select count(*) as count, count(distinct number) as numbers,
       count(*) filter (where from_s < before_s) as over_another,
       max(to_s)::float8 as ends_s
from (select number, from_s, to_s,
             lag(to_s) over (order by number) as before_s
      from transcript_segments) as segments
"""


@dataclass
class Watched:
    """One recording under way.

    Attributes:
        task_id: Of its transcription.
        peak: Bytes that the worker and all below it held at most.
        kept: The segments that were committed before each kill, each with the claim
            that did it.
    """

    connection: Db
    task_id: UUID
    peak: int = 0
    kept: list[dict[int, int]] = field(default_factory=list)

    def segments(self) -> dict[int, int]:
        """What is committed, each with the claim that did it."""
        rows = self.connection.execute(_SEGMENTS, [self.task_id]).fetchall()
        return {row["unit"]: row["claim_no"] for row in rows}

    def status(self) -> str:
        """Of the task."""
        row = self.connection.execute(
            "select status from tasks where id = %s", [self.task_id]
        ).fetchone()
        assert row is not None
        return str(row["status"])

    def worker(self) -> psutil.Process | None:
        """Who holds the recording."""
        row = self.connection.execute(
            "select w.pid from tasks t join workers w on w.id = t.worker_id "
            "where t.id = %s and t.status = 'running'",
            [self.task_id],
        ).fetchone()
        try:
            return None if row is None else psutil.Process(row["pid"])
        except psutil.NoSuchProcess:
            return None

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait, and look what the worker holds meanwhile."""
        gives_up_at = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > gives_up_at:
                raise SystemExit(f"It never came true; the task is {self.status()}.")
            if (worker := self.worker()) is not None:
                self.peak = max(self.peak, _held(worker))
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """Kill who holds the recording, and keep what was committed."""
        self.until(lambda: self.worker() is not None)
        worker = self.worker()
        assert worker is not None
        worker.kill()
        psutil.wait_procs([worker], timeout=10)
        self.kept.append(self.segments())


def measure(folder: Path, *, minutes: float) -> bool:
    """Print what was seen; tell whether all of it is as it has to be."""
    recording = folder / "long.wav"
    media_speech.made(recording, seconds=60 * minutes)
    expected = len(media_speech.units(recording))
    began = time.monotonic()
    with _submitted(folder, recording) as watched:
        for part in KILLED_AT:
            least = part * expected
            watched.until(lambda at=least: len(watched.segments()) >= at)  # type: ignore[misc]
            watched.kill()
        watched.until(lambda: watched.status() not in {"queued", "running"})
        after = watched.segments()
        whole = watched.connection.execute(_WHOLE).fetchone() or {}
        status = watched.status()
    again = sum(
        claim != after.get(unit)
        for kept in watched.kept
        for unit, claim in kept.items()
    )
    is_whole = whole["count"] == whole["numbers"] == len(after) == expected
    print(
        f"\n{minutes:g} minutes of speech, {expected} segments, {status} after "
        f"{time.monotonic() - began:.0f} s: killed after "
        f"{', '.join(str(len(kept)) for kept in watched.kept)} segments; "
        f"{again} of them heard again, {whole['count']} in the transcript, "
        f"{whole['over_another']} over another, the last ends at "
        f"{whole['ends_s']:.0f} s; at most {watched.peak / 2**20:.0f} MiB "
        f"(bar {MEMORY_BYTES / 2**20:.0f})"
    )
    return (
        status == "success"
        and is_whole
        and again == 0
        and not whole["over_another"]
        and len(set(after.values())) == len(KILLED_AT) + 1
        and watched.peak < MEMORY_BYTES
    )


@contextmanager
def _submitted(folder: Path, recording: Path) -> Iterator[Watched]:
    data_dir = folder / "data"
    tiny_whisper.make(data_dir / "models" / "tiny")
    told = {
        "PRSNL_DATA_DIR": str(data_dir),
        "PRSNL_PORT": "0",
        "PRSNL_SPEECH_MODEL": "tiny",
        "PRSNL_SPEECH_THREADS": "1",
    }
    before = dict(os.environ)
    os.environ.update(told)
    try:
        settings = Settings.read()
        with (
            service(settings, what="prsnl bench", is_passing=False) as running,
            servers.own(settings, running.url) as client,
        ):
            task = client.upload(recording).task
            assert task is not None
            with connect(str(kept_database_url(running.data_dir))) as connection:
                yield Watched(connection, task.task_id)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _held(worker: psutil.Process) -> int:
    """What a worker and all below it hold; shared pages count once."""
    total = 0
    for process in (worker, *_below(worker)):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def _below(worker: psutil.Process) -> list[psutil.Process]:
    try:
        return worker.children(recursive=True)
    except psutil.Error:
        return []

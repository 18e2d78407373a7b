"""A recording of ten minutes, whose worker is killed three times on its way."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest

from prsnl.core.db import Database
from prsnl.media_processing.specs import (
    TRANSCRIBE_AUDIO,
    TranscribeAudio,
    TranscriptionOptions,
)
from tests.acceptance.staff import Crew
from tests.fakes import tiny_whisper
from tests.fakes.voices import MAN, RATE_HZ, WOMAN, Sound, silence, wav

MINUTES = 10
#: Everything but the model must do with less.
MEMORY_BYTES = 2**30


@pytest.fixture
def crew(
    database: Database, environment: Mapping[str, str], tmp_path: Path
) -> Iterator[Crew]:
    tiny_whisper.make(tmp_path / "data" / "models" / "tiny")
    told = {**environment, "PRSNL_SPEECH_THREADS": "1"}
    with Crew(database, told, tmp_path / "logs", queue="media_processing") as made:
        made.hire("scheduler")
        yield made


def recording() -> Sound:
    """Ten minutes: what is said before is said again at another speed, never twice."""
    said = [MAN.says(10, seed=1), WOMAN.says(10, seed=2)]
    parts: list[Sound] = []
    seconds = 0.0
    while seconds < 60 * MINUTES:
        number = len(parts)
        speed = 0.8 + 0.011 * number
        voice = np.roll(said[number % 2], 4000 * number)
        places = np.arange(0, len(voice) - 1, speed)
        part = np.interp(places, np.arange(len(voice)), voice).astype(np.float32)
        parts.append(np.concatenate([part, silence(0.5)]))
        seconds += len(parts[-1]) / RATE_HZ
    return np.concatenate(parts)


@pytest.mark.timeout(240)
def test_ten_minutes_go_on_from_the_segment_they_had_reached(
    crew: Crew, tmp_path: Path
) -> None:
    options = TranscriptionOptions(language="en", analyze_content=False)
    task_id = crew.give(
        "long.wav",
        wav(tmp_path / "long.wav", recording()).read_bytes(),
        TRANSCRIBE_AUDIO,
        lambda file_id: TranscribeAudio(file_id=file_id, options=options),
    )
    held: list[dict[int, int]] = [{}]
    for least in (2, 8, 14):
        worker = crew.worker()
        crew.until(lambda at=least: len(crew.done(task_id, "transcribe")) >= at)  # type: ignore[misc]
        worker.send_signal(signal.SIGKILL)
        worker.wait(30)
        held.append(crew.done(task_id, "transcribe"))
    worker = crew.worker()
    most = 0

    def is_done() -> bool:
        nonlocal most
        most = max(most, memory_bytes(worker))
        return bool(crew.row(task_id)["status"] == "success")

    crew.until(is_done, timeout_s=120)

    row = crew.row(task_id)
    after = crew.done(task_id, "transcribe")
    count = row["result"]["segments"]
    print(f"{count} segments, kills after {[len(one) for one in held[1:]]}")
    assert count > 18
    assert len(held[-1]) < count, "it was killed on its way"
    assert [len(one) for one in held] == sorted({len(one) for one in held})
    for before in held:
        assert {unit: after[unit] for unit in before} == before, "none is done twice"
    assert set(after) == set(range(1, count + 1))
    assert set(after.values()) == {1, 2, 3, 4}
    rows = crew.all("select * from transcript_segments order by number")
    assert [one["number"] for one in rows] == list(range(1, count + 1))
    # A model of chance says nothing now and then; what it says depends on the sound.
    assert {one["status"] for one in rows} <= {"ok", "empty"}
    assert all(a["to_s"] <= b["from_s"] for a, b in pairwise(rows))
    assert len({one["text"] for one in rows}) > count / 3
    (file,) = crew.all("select extracted_text, processing_status from attachments")
    assert file["processing_status"] == "completed"
    said = " ".join(one["text"] for one in rows)
    assert file["extracted_text"].split() == said.split()
    assert 0 < most < MEMORY_BYTES
    assert json.dumps(row["result"])


def memory_bytes(worker: psutil.Process) -> int:
    """What a worker and all below it hold; shared pages count once."""
    total = 0
    for process in (worker, *worker.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total

"""From a stored recording to its transcript: real children, a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prsnl.embedded.stack import StackUrls
from prsnl.items import transcripts
from prsnl.items.models import AttachmentView
from prsnl.items.transcripts import SegmentView, TranscriptView
from prsnl.media_processing.specs import (
    TRANSCRIBE_AUDIO,
    TranscribeAudio,
    TranscriptionOptions,
    TranscriptRerun,
)
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes import tiny_whisper
from tests.fakes.voices import MAN, WOMAN, Sound, Voice, silence, wav
from tests.integration.file_processing.test_documents import Desk, working


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker in the test's own process, with a speech model of chance."""
    with fresh_database(stack) as database_url:
        data_dir = tmp_path_factory.mktemp("d")
        tiny_whisper.make(data_dir / "models" / "tiny")
        yield from working(wired(database_url, fresh_broker(stack), data_dir))


def put(desk: Desk, folder: Path, *channels: Sound) -> AttachmentView:
    path = wav(folder / "talk.wav", *channels)
    return desk.put("talk.wav", path.read_bytes())


def transcribed(
    desk: Desk,
    file: AttachmentView,
    *,
    again: str | None = None,
    rerun: TranscriptRerun | None = None,
    **options: object,
) -> TaskView:
    command = TranscribeAudio(
        file_id=file.id,
        options=TranscriptionOptions.model_validate(options),
        again=again,
        rerun=rerun,
    )
    return desk.run(
        submission(TRANSCRIBE_AUDIO, command, owner="ada", attachment_id=file.id)
    )


def segments(desk: Desk, file: AttachmentView) -> list[SegmentView]:
    return desk.database.run(
        lambda connection: transcripts.segments(connection, file.id, owner="ada")
    )


def transcript(desk: Desk, file: AttachmentView) -> TranscriptView:
    return desk.database.run(
        lambda connection: transcripts.transcript(connection, file.id, owner="ada")
    )


def talk(*voices: Voice, seconds: float = 12.0, pause_s: float = 1.0) -> Sound:
    """Voices one after another, each with other syllables."""
    import numpy as np

    parts = [silence(pause_s)]
    for seed, voice in enumerate(voices):
        parts += [voice.says(seconds, seed=seed), silence(pause_s)]
    return np.concatenate(parts)


def test_a_recording_is_a_ledger_of_segments(desk: Desk, tmp_path: Path) -> None:
    file = put(desk, tmp_path, talk(MAN, WOMAN, MAN, WOMAN, MAN, WOMAN))

    task = transcribed(desk, file)

    assert task.status is Status.SUCCESS, task.error
    print(task.result, task.warnings)
    for one in segments(desk, file):
        print(
            one.number,
            one.from_s,
            one.to_s,
            one.status,
            one.text[:60],
            one.language,
            one.engine,
            one.milliseconds,
        )
    print(transcript(desk, file))

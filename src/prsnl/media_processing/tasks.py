"""The media_processing queue: one function per spec, and no Celery."""

from __future__ import annotations

from prsnl.media_processing.service import AudioProcessor
from prsnl.media_processing.specs import (
    TRANSCRIBE_AUDIO,
    TranscribeAudio,
    TranscribedAudio,
)
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(TRANSCRIBE_AUDIO)
def transcribe_audio_task(run: TaskRun, command: TranscribeAudio) -> TranscribedAudio:
    """Write down what is said in a recording. Safe to repeat."""
    return run.get(AudioProcessor).process(run, command)

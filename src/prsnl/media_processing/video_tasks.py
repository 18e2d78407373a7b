"""Videos: one function per spec, and no Celery."""

from __future__ import annotations

from prsnl.media_processing.video import VideoProcessor
from prsnl.media_processing.video_batch import VideoBatch
from prsnl.media_processing.video_specs import (
    BATCH_TRANSCRIBE,
    PROCESS_VIDEO,
    ProcessedVideo,
    ProcessVideo,
    TranscribedVideos,
    TranscribeVideos,
)
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(PROCESS_VIDEO)
def process_video_task(run: TaskRun, command: ProcessVideo) -> ProcessedVideo:
    """Look through a video and write down what is said. Safe to repeat."""
    return run.get(VideoProcessor).process(run, command)


@TASKS.handles(BATCH_TRANSCRIBE)
def batch_transcribe_videos_task(
    run: TaskRun, command: TranscribeVideos
) -> TranscribedVideos:
    """Transcribe several recordings, a child task each. Safe to repeat."""
    return run.get(VideoBatch).transcribe(run, command)

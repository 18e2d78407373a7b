"""Videos: one function per spec, and no Celery."""

from __future__ import annotations

from prsnl.media_processing.video import VideoProcessor
from prsnl.media_processing.video_specs import (
    PROCESS_VIDEO,
    ProcessedVideo,
    ProcessVideo,
)
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(PROCESS_VIDEO)
def process_video_task(run: TaskRun, command: ProcessVideo) -> ProcessedVideo:
    """Look through a video and write down what is said. Safe to repeat."""
    return run.get(VideoProcessor).process(run, command)

"""Videos: one function per spec, and no Celery."""

from __future__ import annotations

from prsnl.media_processing.enhancing import VideoEnhancer
from prsnl.media_processing.video import VideoProcessor
from prsnl.media_processing.video_batch import VideoBatch
from prsnl.media_processing.video_specs import (
    BATCH_TRANSCRIBE,
    ENHANCE_VIDEO,
    PROCESS_VIDEO,
    EnhancedVideo,
    EnhanceVideo,
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


@TASKS.handles(ENHANCE_VIDEO)
def enhance_video_with_ai_task(run: TaskRun, command: EnhanceVideo) -> EnhancedVideo:
    """Tell what a transcribed recording teaches. Safe to repeat."""
    return run.get(VideoEnhancer).enhance(run, command)

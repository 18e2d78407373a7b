"""The queue table; worker counts, routes and the docs' tables are read from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Queue(StrEnum):
    """A kind of work, with workers of its own."""

    AI_PROCESSING = "ai_processing"
    FILE_PROCESSING = "file_processing"
    MEDIA_PROCESSING = "media_processing"
    CODEMIRROR = "codemirror"
    PACKAGES = "packages"
    ANALYSIS = "analysis"
    INSIGHTS = "insights"


@dataclass(frozen=True)
class QueueSpec:
    """One row of the table."""

    queue: Queue
    #: A worker of several queues takes from the highest first.
    priority: int
    #: Worker processes that a deployment starts.
    workers: int


QUEUES: Final = (
    QueueSpec(Queue.AI_PROCESSING, priority=8, workers=4),
    QueueSpec(Queue.FILE_PROCESSING, priority=7, workers=3),
    QueueSpec(Queue.MEDIA_PROCESSING, priority=6, workers=2),
    QueueSpec(Queue.CODEMIRROR, priority=5, workers=3),
    QueueSpec(Queue.PACKAGES, priority=4, workers=2),
    QueueSpec(Queue.ANALYSIS, priority=3, workers=2),
    QueueSpec(Queue.INSIGHTS, priority=1, workers=2),
)


def in_order(queues: set[Queue]) -> list[Queue]:
    """The queues by priority, highest first."""
    return [spec.queue for spec in QUEUES if spec.queue in queues]

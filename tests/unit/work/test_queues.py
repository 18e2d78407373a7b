"""The queue table, said a second time by hand."""

from __future__ import annotations

from prsnl.work.queues import QUEUES, Queue, in_order

TABLE = """
ai_processing     8  4
file_processing   7  3
media_processing  6  2
codemirror        5  3
packages          4  2
analysis          3  2
insights          1  2
"""


def test_the_table_is_the_seeds() -> None:
    """Users see these names, and deployments start so many workers."""
    said = [
        (name, int(priority), int(workers))
        for name, priority, workers in map(str.split, TABLE.strip().splitlines())
    ]

    assert [(str(q.queue), q.priority, q.workers) for q in QUEUES] == said


def test_every_queue_has_one_row() -> None:
    assert [spec.queue for spec in QUEUES] == list(Queue)


def test_queues_are_put_in_order_of_priority() -> None:
    wanted = {Queue.INSIGHTS, Queue.AI_PROCESSING, Queue.PACKAGES}

    assert in_order(wanted) == [Queue.AI_PROCESSING, Queue.PACKAGES, Queue.INSIGHTS]

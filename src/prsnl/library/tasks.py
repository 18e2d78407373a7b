"""What the library has done in the background: one function per spec."""

from __future__ import annotations

from prsnl.library.bulk import BULK_ITEMS, BulkWorker
from prsnl.wire.library import Bulk, BulkDone
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue

TASKS = Catalogue()


@TASKS.handles(BULK_ITEMS)
def bulk_items_task(run: TaskRun, command: Bulk) -> BulkDone:
    """Do one thing to many items. Safe to repeat: each change is one already."""
    return run.get(BulkWorker).do(run, command)

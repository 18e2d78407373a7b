"""What pages are read: all of a document, or those that the user wants again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Database, Db
from prsnl.engines.contracts import PageText
from prsnl.file_processing.specs import Rerun, RerunStage
from prsnl.items import store
from prsnl.items.cleaning import read_pages
from prsnl.work.run import TaskRun
from prsnl.work.stages import DoneUnits, Stage

PAGES: Final = Stage(name="pages", version=2, result=PageText, title="Reading pages")

Work = Callable[[Sequence[int]], Iterator[tuple[int, PageText]]]


def wanted_pages(rerun: Rerun | None, page_count: int) -> list[int]:
    """The numbers of the pages that a task reads."""
    if rerun is None:
        return list(range(1, page_count + 1))
    if rerun.stage is not RerunStage.PAGES:
        return []
    return [number for number in rerun.pages if number <= page_count]


def pages_of(
    run: TaskRun,
    database: Database,
    attachment_id: UUID,
    *,
    wanted: Sequence[int],
    rerun: Rerun | None,
    inputs: Sequence[bytes],
    parameters: Mapping[str, Any],
    work: Work,
) -> DoneUnits[PageText]:
    """Read the wanted pages; of a rerun, the others are taken as they are kept."""
    number = 0 if rerun is None else rerun.run
    done = run.units(
        PAGES,
        units=wanted,
        inputs=inputs,
        parameters=parameters,
        work=work,
        store=partial(_store, attachment_id, number),
        run=number,
    )
    if rerun is None:
        return done
    kept = database.run(
        lambda connection: read_pages(
            connection, attachment_id, but=frozenset(done.values)
        )
    )
    values = dict(sorted({**kept, **done.values}.items()))
    return DoneUnits(values, hashlib.sha256(done.key + _fingerprint(kept)).digest())


def _store(
    attachment_id: UUID, run: int, connection: Db, pages: Mapping[int, PageText]
) -> None:
    store.save_pages(connection, attachment_id, pages.values(), run=run)


def _fingerprint(pages: Mapping[int, PageText]) -> bytes:
    """A hash of what was kept, so that what builds on it is done anew if it differs."""
    told = [page.model_dump(mode="json") for page in pages.values()]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()

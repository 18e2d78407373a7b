"""Vectors that are not there yet, and those that nobody needs any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.items.vectors import Model

#: HNSW of half-precision values holds no more; larger ones are compared one by one.
INDEXED_DIMENSIONS_MAX: Final = 4000

# What a text is still needed for: a passage, or what a task was asked.
_IS_USED: Final = """
    (e.space = '' and exists (
        select from chunks c where c.owner = e.owner and c.content = e.content))
    or exists (
        select from task_embeddings t
        where t.owner = e.owner and t.content = e.content and t.space = e.space)
"""

_FORGET: Final = f"""
delete from embeddings e
where e.owner = %s and e.content = any(%s) and not ({_IS_USED})
"""

_SWEEP: Final = f"""
delete from embeddings where ctid = any(array(
    select e.ctid from embeddings e where not ({_IS_USED}) limit %s))
"""


def contents(
    connection: Db, *, items: Sequence[UUID] = (), tasks: Sequence[UUID] = ()
) -> list[bytes]:
    """The hashes of the texts of items and of tasks that are about to go."""
    rows = connection.execute(
        "select content from chunks where item_id = any(%s) "
        "union select content from task_embeddings where task_id = any(%s)",
        [list(items), list(tasks)],
    ).fetchall()
    return [bytes(row["content"]) for row in rows]


def forget(connection: Db, gone: Collection[bytes], *, owner: str) -> None:
    """Remove the vectors of an owner's texts that stand nowhere any more."""
    if gone:
        connection.execute(_FORGET, [owner, list(gone)])


def sweep(connection: Db, *, limit: int) -> int:
    """Remove vectors of texts that stand nowhere any more; tell how many."""
    return connection.execute(_SWEEP, [limit]).rowcount


def index_name(model: Model) -> str:
    """What the index of a model's passages is called."""
    return f"embeddings_near_{model.id}"


def build_index(connection: Db, model: Model) -> bool:
    """Index a model's passages by nearness, beside all that goes on.

    Half-precision values: an index of half the size, and of up to 4,000 dimensions
    (Y. Malkov and D. Yashunin, "Efficient and robust approximate nearest neighbor
    search using HNSW graphs", IEEE TPAMI 2020).

    Args:
        connection: In autocommit; nobody else builds the same index.
        model: Whose vectors.

    Returns:
        Whether there was something to do.
    """
    name, size = index_name(model), model.dimensions
    if size > INDEXED_DIMENSIONS_MAX or _is_indexed(connection, name):
        return False
    # One that was broken off is left behind, and never used.
    connection.execute(f"drop index concurrently if exists {name}")
    connection.execute("set maintenance_work_mem = '256MB'")
    try:
        connection.execute(
            f"create index concurrently {name} on embeddings "
            f"using hnsw ((embedding::halfvec({size})) halfvec_cosine_ops) "
            f"where model_id = {model.id} and is_passage"
        )
    finally:
        connection.execute("reset maintenance_work_mem")
    return True


def _is_indexed(connection: Db, name: str) -> bool:
    row = connection.execute(
        "select indisvalid from pg_index where indexrelid = to_regclass(%s)", [name]
    ).fetchone()
    return row is not None and bool(row["indisvalid"])

"""Vectors that are not there yet, and those that nobody needs any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.items import vectors
from prsnl.items.vectors import Model, ModelName

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


# A passage that may not leave this machine has the private model's vector, or one that
# another item of the same text got from the usual model.
_LACKS: Final = """
    c.number <= %(passages)s and not exists (
        select from embeddings e
        where e.owner = c.owner and e.content = c.content and e.space = ''
          and e.is_passage
          and (e.model_id = %(usual)s
               or (i.local_only and e.model_id = %(private)s)))
"""

_LACKING: Final = f"""
select c.content, min(c.text) as text, array_agg(distinct c.item_id) as items
from chunks c join items i on i.id = c.item_id
where c.owner = %(owner)s and (i.local_only = %(is_private)s or %(is_here)s)
  and {_LACKS}
group by c.content order by sha256(c.content || %(seed)s) limit %(limit)s
"""

# What a task is about to embed lacks nothing yet.
_OWNERS: Final = f"""
select distinct c.owner from chunks c join items i on i.id = c.item_id
where {_LACKS} and not exists (
    select from tasks t
    where t.attachment_id = c.attachment_id and t.finished_at is null)
limit %(limit)s
"""

_IS_REPLACED: Final = """
    e.is_passage and e.model_id <> %(usual)s and exists (
        select from embeddings n
        where n.owner = e.owner and n.content = e.content and n.space = e.space
          and n.is_passage and n.model_id = %(usual)s)
"""

# What a task was given as its vector stays its own, but is found by search no more.
_REPLACED: Final = f"""
select e.ctid, exists (
    select from task_embeddings t
    where t.owner = e.owner and t.content = e.content and t.space = e.space
      and t.model_id = e.model_id) as is_a_tasks
from embeddings e
where e.owner = %(owner)s and {_IS_REPLACED} limit %(limit)s
"""

_REPLACE: Final = f"""
with replaced as ({_REPLACED}), kept as (
    update embeddings set is_passage = false
    where ctid = any(array(select ctid from replaced where is_a_tasks))
), gone as (
    delete from embeddings
    where ctid = any(array(select ctid from replaced where not is_a_tasks))
)
select count(*) as n from replaced
"""

_STANDING: Final = """
select c.content, min(c.text) as text, array_agg(distinct c.item_id) as items
from chunks c join items i on i.id = c.item_id
where c.owner = %(owner)s and (i.local_only = %(is_private)s or %(is_here)s)
  and c.content = any(%(contents)s)
group by c.content
"""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the settings say of passages.

    Attributes:
        usual: The model of the settings.
        private: The model for what may not leave this machine.
        is_here: The usual model is on this machine, too.
        passages: So many of a file's passages have a vector.
    """

    usual: ModelName
    private: ModelName
    is_here: bool
    passages: int


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which vectors passages are to have.

    Attributes:
        usual: The model of the settings; None as long as it has made none.
        private: The model for what may not leave this machine.
        is_here: The usual model is on this machine, too.
        passages: So many of a file's passages have one.
    """

    usual: int | None
    private: int | None
    is_here: bool
    passages: int


@dataclass(frozen=True)
class Lacking:
    """A text of passages that lacks its vector, and the items that have it."""

    content: bytes
    text: str
    items: tuple[UUID, ...]


def wanted(connection: Db, policy: Policy) -> Wanted:
    """Which vectors passages are to have, as the rows of models are now."""
    usual = vectors.find_model(connection, policy.usual)
    private = vectors.find_model(connection, policy.private)
    return Wanted(
        usual=None if usual is None else usual.id,
        private=None if private is None else private.id,
        is_here=policy.is_here,
        passages=policy.passages,
    )


def lacking(
    connection: Db,
    having: Wanted,
    *,
    owner: str,
    is_private: bool,
    seed: bytes,
    limit: int,
) -> list[Lacking]:
    """An owner's texts that lack their vector, each once.

    Args:
        connection: Where they are.
        having: Which vectors.
        owner: Whose.
        is_private: Of those that may not leave this machine, or of the others.
        seed: Tells the order: tasks that do the same at once begin elsewhere.
        limit: At most so many.
    """
    values = {"owner": owner, "is_private": is_private, "seed": seed, "limit": limit}
    rows = connection.execute(_LACKING, {**vars(having), **values}).fetchall()
    return [Lacking(bytes(r["content"]), r["text"], tuple(r["items"])) for r in rows]


def standing(
    connection: Db,
    having: Wanted,
    contents: Collection[bytes],
    *,
    owner: str,
    is_private: bool,
) -> list[Lacking]:
    """Those of an owner's texts that are a passage's still."""
    values = {"owner": owner, "is_private": is_private, "contents": list(contents)}
    rows = connection.execute(_STANDING, {**vars(having), **values}).fetchall()
    return [Lacking(bytes(r["content"]), r["text"], tuple(r["items"])) for r in rows]


def owners_lacking(connection: Db, having: Wanted, *, limit: int) -> list[str]:
    """The owners with passages that lack their vector."""
    rows = connection.execute(_OWNERS, {**vars(having), "limit": limit}).fetchall()
    return [row["owner"] for row in rows]


def is_lacking(connection: Db, having: Wanted, *, owner: str) -> bool:
    """Whether a passage of an owner lacks its vector."""
    row = connection.execute(
        f"select 1 from chunks c join items i on i.id = c.item_id "
        f"where c.owner = %(owner)s and {_LACKS} limit 1",
        {**vars(having), "owner": owner},
    ).fetchone()
    return row is not None


def replaced_owners(connection: Db, having: Wanted) -> list[str]:
    """The owners whose passages have vectors of more than the settings' model."""
    rows = connection.execute(
        f"select distinct e.owner from embeddings e where {_IS_REPLACED}", vars(having)
    ).fetchall()
    return [row["owner"] for row in rows]


def drop_replaced(connection: Db, having: Wanted, *, owner: str, limit: int) -> bool:
    """Remove vectors of an owner's passages that the settings' model has, too.

    Returns:
        Whether there may be more.
    """
    values = {"usual": having.usual, "owner": owner, "limit": limit}
    row = connection.execute(_REPLACE, values).fetchone()
    return row is not None and row["n"] == limit


def passages(connection: Db) -> dict[Model, int]:
    """How many vectors of passages each model has made."""
    rows = connection.execute(
        "select m.id, m.provider, m.name, m.dimensions, (select count(*) "
        "from embeddings e where e.model_id = m.id and e.is_passage) as n "
        "from embedding_models m order by m.id"
    ).fetchall()
    return {
        Model(row["id"], row["provider"], row["name"], row["dimensions"]): row["n"]
        for row in rows
    }


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


def drop_index(connection: Db, model: Model) -> None:
    """Remove the index of a model that has no passages any more."""
    connection.execute(f"drop index concurrently if exists {index_name(model)}")


def _is_indexed(connection: Db, name: str) -> bool:
    row = connection.execute(
        "select indisvalid from pg_index where indexrelid = to_regclass(%s)", [name]
    ).fetchone()
    return row is not None and bool(row["indisvalid"])

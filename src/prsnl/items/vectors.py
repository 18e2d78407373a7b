"""Vectors of texts by owner, model and content: one, however often a text occurs.

A *passage* is a chunk of a file. Its owner and the hash of its text join it to its
vectors, so that passages of equal text share one, and one may have vectors of several
models: while a new model's are being made, the old one's answer. Vectors of a task's
texts stand beside them, in a *space* of their own where the user named one.

What is near is asked of one model after another, as `models_of` lists them, and of each
passage in the first of them that has a vector of it: see `nearest`.
"""

from __future__ import annotations

import array
import hashlib
import struct
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg.adapt import Dumper
from psycopg.pq import Format

from prsnl.core.db import Db

#: The space of passages, and of a task's texts where no other is named.
COMMON: Final = ""
#: Of one value of a vector.
FLOAT_BYTES: Final = 4


@dataclass(frozen=True)
class ModelName:
    """A model as the settings name it.

    Attributes:
        provider: `local`, `openai`, `azure` or `compatible`.
        name: As the provider calls it.
        dimensions: What is asked for; None for the model's own.
    """

    provider: str
    name: str
    dimensions: int | None = None


@dataclass(frozen=True)
class Model:
    """A model that has made vectors here."""

    id: int
    provider: str
    name: str
    dimensions: int


@dataclass(frozen=True)
class Known:
    """Which texts have a vector.

    Attributes:
        model: Whose vectors; None if it has made none yet.
        contents: The hashes of the texts, and whether its vector is a passage's, too.
    """

    model: Model | None
    contents: Mapping[bytes, bool]

    def unmarked(self, contents: Iterable[bytes]) -> list[bytes]:
        """Those of some texts whose vectors are not found by search yet."""
        return [one for one in contents if self.contents.get(one) is False]


@dataclass(frozen=True)
class Vector:
    """Little-endian float32 values, one after another, on their way to a row."""

    data: bytes


class _VectorDumper(Dumper):
    """Sends a vector as pgvector receives it: its length, and big-endian float32."""

    format = Format.BINARY

    def dump(self, obj: Vector) -> bytes:
        values = array.array("f", obj.data)
        if sys.byteorder == "little":
            values.byteswap()
        return struct.pack(">HH", len(values), 0) + values.tobytes()


def content_of(text: str) -> bytes:
    """What a text is known by: its SHA-256."""
    return hashlib.sha256(text.encode()).digest()


def find_model(connection: Db, wanted: ModelName) -> Model | None:
    """The model of a name; the newest, if its vectors have changed their size."""
    row = connection.execute(
        "select id, provider, name, dimensions from embedding_models "
        "where provider = %s and name = %s and dimensions = coalesce(%s, dimensions) "
        "order by id desc limit 1",
        [wanted.provider, wanted.name, wanted.dimensions],
    ).fetchone()
    return None if row is None else Model(**row)


def add_model(connection: Db, wanted: ModelName, dimensions: int) -> Model:
    """The model of a name that gives vectors of so many dimensions."""
    connection.execute(
        "insert into embedding_models (provider, name, dimensions) values (%s, %s, %s) "
        "on conflict do nothing",
        [wanted.provider, wanted.name, dimensions],
    )
    found = find_model(connection, ModelName(wanted.provider, wanted.name, dimensions))
    assert found is not None
    return found


def known(
    connection: Db,
    wanted: ModelName,
    contents: Collection[bytes],
    *,
    owner: str,
    space: str = COMMON,
) -> Known:
    """Which of an owner's texts have a vector of a model already."""
    model = find_model(connection, wanted)
    if model is None:
        return Known(None, {})
    rows = connection.execute(
        "select content, is_passage from embeddings where owner = %s "
        "and model_id = %s and space = %s and content = any(%s)",
        [owner, model.id, space, list(contents)],
    ).fetchall()
    return Known(model, {bytes(row["content"]): row["is_passage"] for row in rows})


def keep(
    connection: Db,
    model_id: int,
    made: Mapping[bytes, bytes],
    *,
    owner: str,
    space: str = COMMON,
    is_passage: bool = False,
) -> None:
    """Keep vectors by the hash of their text; who was first stays.

    Args:
        connection: In the transaction of a stage.
        model_id: Who made them.
        made: Hash of a text -> its vector, little-endian float32.
        owner: Whose texts they are.
        space: Where they are looked for.
        is_passage: They are found by search; else a task alone asked for them.
    """
    with connection.cursor() as cursor:
        cursor.adapters.register_dumper(Vector, _VectorDumper)
        cursor.executemany(
            "insert into embeddings (owner, model_id, space, content, is_passage, "
            "embedding) values (%s, %s, %s, %s, %s, %s::vector) "
            "on conflict (owner, content, model_id, space) do update "
            "set is_passage = true "
            "where excluded.is_passage and not embeddings.is_passage",
            [
                [owner, model_id, space, content, is_passage, Vector(data)]
                for content, data in made.items()
            ],
        )


def mark_passages(
    connection: Db, model_id: int, contents: Collection[bytes], *, owner: str
) -> None:
    """Have search find vectors that a task made before the passage was there."""
    connection.execute(
        "update embeddings set is_passage = true where owner = %s and model_id = %s "
        "and space = %s and content = any(%s) and not is_passage",
        [owner, model_id, COMMON, list(contents)],
    )


def models_of(connection: Db, *, owner: str) -> list[Model]:
    """The models that have vectors of an owner's passages, the oldest first.

    Usually one. A second has joined while a changed setting is being followed, or
    where passages that may not leave this machine have the local model's instead of
    the provider's.
    """
    rows = connection.execute(
        "select id, provider, name, dimensions from embedding_models m "
        "where exists (select from embeddings e where e.owner = %s "
        "and e.model_id = m.id and e.is_passage) order by id",
        [owner],
    ).fetchall()
    return [Model(**row) for row in rows]


def nearest(
    model: Model, before: Sequence[Model] = (), *, narrowed: str = "true"
) -> str:
    """The statement that finds the passages that are nearest to a query.

    Parameters: `owner`; `query`, the query's vector by this model as pgvector writes
    it (`"[0.1, ...]"`); `limit`. Rows: `attachment_id`, `number` and `distance`, the
    cosine's, from 0; passages of equal text have one row each. Where the model has an
    index it is used if its planner takes it for quicker; `hnsw.iterative_scan` lets it
    go on until the limit is reached.

    Args:
        model: Whose vectors are compared.
        before: Models that were asked already: their passages are left out.
        narrowed: A further condition on `c`, a row of `chunks`.
    """
    size = model.dimensions
    distance = f"e.embedding::halfvec({size}) <=> %(query)s::halfvec({size})"
    others = ", ".join(str(other.id) for other in before)
    left_out = f"""
          and not exists (
              select from embeddings o
              where o.owner = e.owner and o.model_id in ({others})
                and o.space = e.space and o.content = e.content and o.is_passage)"""
    return f"""
        select c.attachment_id, c.number, {distance} as distance
        from embeddings e
        join chunks c on c.owner = e.owner and c.content = e.content
        where e.owner = %(owner)s and e.model_id = {model.id} and e.is_passage
          and {narrowed}
        {left_out if before else ""}
        order by {distance} limit %(limit)s
    """

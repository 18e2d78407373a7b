"""The texts that a task was given to embed, by name, and their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import ConflictError, NotFoundError


@dataclass(frozen=True)
class NamedText:
    """One text of a task: the caller's name and kind, and the hash of the text."""

    name: str
    type: str | None
    content: bytes


def name_texts(
    connection: Db,
    texts: Sequence[NamedText],
    *,
    task_id: UUID,
    owner: str,
    space: str,
    model_id: int | None,
) -> None:
    """Keep the texts of a task in order; once more when their model is known."""
    connection.execute(
        """
        insert into task_embeddings (task_id, number, owner, name, type, content, space,
                                     model_id)
        select %(task_id)s, t.number, %(owner)s, t.name, t.type, t.content, %(space)s,
               %(model_id)s
        from unnest(%(names)s::text[], %(types)s::text[], %(contents)s::bytea[])
            with ordinality as t (name, type, content, number)
        on conflict (task_id, number) do update set model_id = excluded.model_id
        where task_embeddings.model_id is distinct from excluded.model_id
        """,
        {
            "task_id": task_id,
            "owner": owner,
            "space": space,
            "model_id": model_id,
            "names": [one.name for one in texts],
            "types": [one.type for one in texts],
            "contents": [one.content for one in texts],
        },
    )


def page(
    connection: Db,
    task_id: UUID,
    *,
    owner: str,
    names: Sequence[str] | None,
    after: int,
    limit: int,
) -> list[Row]:
    """The vectors of a task's texts, in their order, after a place.

    Returns:
        Rows of `number`, `name`, `type`, `provider`, `model`, `dimensions` and
        `embedding`, as pgvector writes it.

    Raises:
        ConflictError: The task has not made all of them.
        NotFoundError: No such task of this owner, or it embeds no texts.
    """
    _require_made(connection, task_id, owner)
    return connection.execute(
        """
        select t.number, t.name, t.type, m.provider, m.name as model, m.dimensions,
               e.embedding::text as embedding
        from task_embeddings t
        join embedding_models m on m.id = t.model_id
        join embeddings e
          on e.owner = t.owner and e.content = t.content and e.model_id = t.model_id
             and e.space = t.space
        where t.task_id = %(task_id)s and t.owner = %(owner)s
          and t.number > %(after)s
          and (%(names)s::text[] is null or t.name = any(%(names)s))
        order by t.number limit %(limit)s
        """,
        {
            "task_id": task_id,
            "owner": owner,
            "names": None if names is None else list(names),
            "after": after,
            "limit": limit,
        },
    ).fetchall()


def _require_made(connection: Db, task_id: UUID, owner: str) -> None:
    row = connection.execute(
        "select t.name, t.status, exists (select from task_embeddings e "
        "where e.task_id = t.id) as is_named from tasks t "
        "where t.id = %s and t.owner = %s",
        [task_id, owner],
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no such task.")
    if row["status"] != "success":
        raise ConflictError(
            f"This task is {row['status']}: its vectors are there when it has "
            "succeeded."
        )
    if not row["is_named"]:
        raise NotFoundError("This task embeds no texts: it has no vectors.")

"""The client's calls for vectors of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from prsnl.client.connection import Connection, parsed
from prsnl.wire.base import Page
from prsnl.wire.embeddings import VectorBody
from prsnl.wire.tasks import Accepted


class EmbeddingCalls(Connection):
    """What a program may do with vectors."""

    def embed_texts(
        self,
        texts: Sequence[tuple[str, str]],
        *,
        cache_prefix: str = "",
        local_only: bool = False,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Have many texts embedded; one that has its vector is not sent again.

        Args:
            texts: Name and text of each, at most 10,000.
            cache_prefix: Vectors are shared with earlier requests of the same prefix.
            local_only: No byte may leave the server's machine.
            idempotency_key: Makes it safe to repeat.
        """
        answer = self._ask(
            "POST",
            "/api/background/ai/generate-embeddings-batch",
            json={
                "items": [{"id": name, "content": text} for name, text in texts],
                "cache_prefix": cache_prefix,
                "local_only": local_only,
            },
            headers={"Idempotency-Key": idempotency_key} if idempotency_key else {},
        )
        return parsed(Accepted, answer)

    def vectors(
        self, task_id: UUID | str, *, names: Sequence[str] = ()
    ) -> Iterator[VectorBody]:
        """The vectors of a task that has ended, in the order of its texts."""
        params: dict[str, Any] = {"task_id": str(task_id), "limit": 200}
        if names:
            params["id"] = list(names)
        while True:
            answer = self._ask("GET", "/api/embeddings", params=params)
            page = parsed(Page[VectorBody], answer)
            yield from page.items
            if page.next is None:
                return
            params["after"] = page.next

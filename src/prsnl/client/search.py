"""The client's calls for finding again: searches, what is like an item, collections."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel

from prsnl.client.connection import Connection
from prsnl.wire.base import Page
from prsnl.wire.search import (
    CollectionBody,
    Hit,
    NewCollection,
    SearchAnswer,
    SearchQuery,
    SimilarAnswer,
)

_ASK_AGAIN_S: Final = 0.2


class SearchCalls(Connection):
    """What a program may ask of everything that was read."""

    def search(self, query: SearchQuery, *, patience_s: float = 0.0) -> SearchAnswer:
        """One page of what is found.

        Args:
            query: What is looked for.
            patience_s: A first search starts what finds by meaning: ask again for so
                long until it takes part.
        """
        gives_up_at = time.monotonic() + patience_s
        while True:
            told = self._told(SearchAnswer, "GET", "/api/search", params=_params(query))
            if not told.is_starting or time.monotonic() > gives_up_at:
                return told
            time.sleep(_ASK_AGAIN_S)

    def hits(self, query: SearchQuery) -> Iterator[Hit]:
        """All that is found, best first; asks for a page when it is due."""
        while True:
            told = self.search(query)
            yield from told.hits
            if told.next is None:
                return
            query = query.model_copy(update={"cursor": told.next})

    def similar(self, item_id: UUID | str, *, limit: int = 10) -> list[Hit]:
        """Items that say something like an item, the nearest first."""
        return self._told(
            SimilarAnswer,
            "GET",
            f"/api/items/{item_id}/similar",
            params={"limit": limit},
        ).hits

    def collections(self) -> list[CollectionBody]:
        """The named searches and lists, by name."""
        return self._told(Page[CollectionBody], "GET", "/api/collections").items

    def collect(self, wanted: NewCollection) -> CollectionBody:
        """Keep a search, or put items on a list, which is made if there is none."""
        return self._told(
            CollectionBody, "POST", "/api/collections", json=_params(wanted)
        )

    def collection(self, name: str) -> CollectionBody:
        """One of them."""
        return self._told(CollectionBody, "GET", _collection(name))

    def forget_collection(self, name: str) -> None:
        """Forget one; its items stay."""
        self._ask("DELETE", _collection(name))


def _params(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _collection(name: str) -> str:
    return f"/api/collections/{quote(name, safe='')}"

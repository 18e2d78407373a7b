"""What the API searches with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from prsnl.core.db import Database
from prsnl.core.settings import Settings
from prsnl.core.storage import Storage
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.search.embedder import IDLE, PROFILE, ChildEmbedder, QueryEmbedder
from prsnl.search.provider_embedder import ProviderEmbedder
from prsnl.search.service import Searcher
from prsnl.wiring.children import limits_of
from prsnl.wiring.embedding import remote_embedder
from prsnl.wiring.outside import gate

#: Named, not imported: only a child has use for what it loads.
_PRELOAD: Final = ("prsnl.engines.embedding", "prsnl.engines.embedding.minilm")


@contextmanager
def searcher(
    settings: Settings,
    database: Database,
    storage: Storage,
    operations: dict[str, str] = OPERATIONS,
) -> Iterator[Searcher]:
    """A searcher, as long as the block runs; its child starts at the first search."""
    own = settings.children
    with (
        SandboxPool(
            scratch_root=settings.storage.folder / "scratch",
            # Somebody looks at the page: a search waits for no memory, and for no
            # core that a document has.
            limits=replace(limits_of(own), nice=0),
            profiles={
                PROFILE: Profile(
                    preload=_PRELOAD,
                    reuse="shared",
                    idle=IDLE,
                    memory_bytes=own.text_memory_bytes or own.child_memory_bytes,
                )
            },
            operations=operations,
        ) as children,
        ChildEmbedder(children) as here,
        remote_embedder(settings, gate(settings, database)) as remote,
    ):
        embedder: QueryEmbedder = here
        if remote is not None:
            embedder = ProviderEmbedder(database, here, remote)
        yield Searcher(database, storage, embedder)

"""The query's vector, from a child that is started at the first search."""

from __future__ import annotations

import base64
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol, Self

import structlog

from prsnl.core.errors import PrsnlError
from prsnl.engines.contracts import Embeddings
from prsnl.engines.embedding.contract import MINILM
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items.vectors import Model

#: The kind of child that embeds queries.
PROFILE: Final = "query"
#: It is given up when nobody has searched for so long.
IDLE: Final = timedelta(minutes=10)
#: One that is warm answers in a hundredth of a second.
_TIMEOUT_S: Final = 10.0
#: After a failure the words answer alone for so long.
_REST_S: Final = 30.0
_REMEMBERED: Final = 256
#: The model reads no more of a text.
_CHARACTERS: Final = 2_000

_log = structlog.get_logger()

Vector = tuple[float, ...]


class QueryEmbedder(Protocol):
    """Turns a query into a vector."""

    def prepare(self, text: str, *, owner: str) -> None:
        """Ask for what takes a request, before a connection is held."""

    def vector(self, model: Model, text: str, *, owner: str) -> Vector | None:
        """The vector by a model; None if it cannot be had at once."""

    def why_not(self, model: Model) -> str:
        """Why the last one of a model could not be had, in a sentence."""

    @property
    def is_starting(self) -> bool:
        """Whether asking again soon may help."""


class ChildEmbedder:
    """Asks the model of this machine; safe to use from any thread.

    Starting takes a second or two, once: a search does not wait for it. The child is
    given up when nobody has searched for `IDLE`, for it holds 100 MB.
    """

    def __init__(
        self, children: SandboxPool, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._children = children
        self._now = now
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._used_at = 0.0
        self._failed_at: float | None = None
        self._starter: threading.Thread | None = None
        self._known: OrderedDict[str, Vector] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._starter is not None:
            self._starter.join()

    @property
    def is_starting(self) -> bool:
        """Whether asking again soon may help."""
        return self._failed_at is None and not self._ready.is_set()

    def why_not(self, model: Model) -> str:
        """Why there is no vector now."""
        if not _is_here(model):
            return (
                f"Found by words alone: a provider's model ({model.name}) has embedded "
                "these passages, and the settings name none of that provider."
            )
        if self._failed_at is not None:
            return (
                "Found by words alone: the embedding model of this machine does not "
                "answer. ./prsnl doctor says more."
            )
        return (
            "Found by words alone: the search by meaning is starting, and takes part "
            "in a few seconds."
        )

    def prepare(self, text: str, *, owner: str) -> None:
        """Nothing: the child of this machine answers in a hundredth of a second."""

    def vector(self, model: Model, text: str, *, owner: str) -> Vector | None:
        """The vector of a text; a child that must be started is not waited for."""
        del owner
        if not _is_here(model):
            return None
        text = text[:_CHARACTERS]
        with self._lock:
            if text in self._known:
                self._known.move_to_end(text)
                return self._known[text]
            if not self._is_warm():
                self._start()
        if not self._ready.is_set():
            return None
        try:
            return self._remembered(text)
        except PrsnlError as error:
            _log.warning("search.embedder_failed", reason=error.code)
            self._rest()
            return None

    def _is_warm(self) -> bool:
        if self._failed_at is not None:
            return self._now() - self._failed_at < _REST_S
        idle_s = IDLE.total_seconds() - _TIMEOUT_S
        return self._ready.is_set() and self._now() - self._used_at < idle_s

    def _start(self) -> None:
        """Have the child started in the background; the lock is held."""
        if self._starter is not None and self._starter.is_alive():
            return
        self._ready.clear()
        self._failed_at = None
        self._starter = threading.Thread(target=self._warm_up, name="query-embedder")
        self._starter.start()

    def _warm_up(self) -> None:
        try:
            self._embed("warm")
        except PrsnlError as error:
            _log.warning("search.embedder_failed", reason=error.code)
            self._rest()
        else:
            self._ready.set()

    def _rest(self) -> None:
        self._ready.clear()
        self._failed_at = self._now()

    def _remembered(self, text: str) -> Vector:
        made = self._embed(text)
        with self._lock:
            self._known[text] = made
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return made

    def _embed(self, text: str) -> Vector:
        with self._children.child(PROFILE) as child:
            (frame,) = child.stream(
                "embedding.embed", {"texts": [text]}, unit_timeout_s=_TIMEOUT_S
            )
        self._used_at = self._now()
        told = Embeddings.model_validate(frame)
        return struct.unpack(f"<{told.dimensions}f", base64.b64decode(told.data))


def _is_here(model: Model) -> bool:
    return (model.provider, model.name) == ("local", MINILM)

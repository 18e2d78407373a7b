"""The query's vector by a provider's model, where one has embedded the passages."""

from __future__ import annotations

import array
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from prsnl.ai_processing.remote_embedding import RemoteEmbedder
from prsnl.core.db import Database
from prsnl.core.errors import Category, PrsnlError
from prsnl.items import vectors
from prsnl.items.vectors import Model, ModelName
from prsnl.search.embedder import QueryEmbedder, Vector
from prsnl.work.outside import Visitor

#: After a failure the words answer alone for so long.
_REST_S: Final = 30.0
_REMEMBERED: Final = 256

_log = structlog.get_logger()

_Key = tuple[str, int, str]


class ProviderEmbedder:
    """Asks the provider for its models, and this machine for its own.

    The request is made by `prepare`, while no connection is held; `vector` tells what
    came of it. Safe to use from any thread.
    """

    def __init__(
        self,
        database: Database,
        here: QueryEmbedder,
        remote: RemoteEmbedder,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._here = here
        self._remote = remote
        self._now = now
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, Vector] = OrderedDict()
        self._failed: dict[int, tuple[float, str]] = {}

    @property
    def is_starting(self) -> bool:
        """Whether asking again soon may help."""
        return self._here.is_starting

    def prepare(self, text: str, *, owner: str) -> None:
        """Have the provider embed a query, for each of its models that are in use."""
        self._here.prepare(text, owner=owner)
        listed = self._database.run(
            lambda connection: vectors.models_of(connection, owner=owner)
        )
        for model in filter(self._is_theirs, listed):
            if self.vector(model, text, owner=owner) is None and not self._rests(model):
                self._ask(model, text, owner)

    def vector(self, model: Model, text: str, *, owner: str) -> Vector | None:
        """The vector that was prepared; of this machine's model, whatever it gives."""
        if not self._is_theirs(model):
            return self._here.vector(model, text, owner=owner)
        with self._lock:
            return self._known.get((owner, model.id, text))

    def why_not(self, model: Model) -> str:
        """Why there is no vector of a model now."""
        if not self._is_theirs(model):
            return self._here.why_not(model)
        _, reason = self._failed.get(model.id, (0.0, f"{model.name} was not asked."))
        return f"Found by words alone: {reason}"

    def _is_theirs(self, model: Model) -> bool:
        return model.provider == self._remote.name.provider

    def _rests(self, model: Model) -> bool:
        failed_at, _ = self._failed.get(model.id, (float("-inf"), ""))
        return self._now() - failed_at < _REST_S

    def _ask(self, model: Model, text: str, owner: str) -> None:
        asked = replace(self._remote, name=self._name(model))
        try:
            made = asked.query(text, Visitor(owner=owner))
        except PrsnlError as error:
            _log.warning("search.provider_failed", reason=error.code, model=model.name)
            self._failed[model.id] = self._now(), _said(error, model)
            return
        values = array.array("f", made.vectors[0])
        if sys.byteorder == "big":
            values.byteswap()
        with self._lock:
            self._known[owner, model.id, text] = tuple(values)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def _name(self, model: Model) -> ModelName:
        """What a model is asked as, and of which size.

        Vectors that an earlier setting left behind tell their size themselves.
        """
        now = self._remote.name
        if model.name == now.name and now.dimensions in {None, model.dimensions}:
            return now
        return ModelName(model.provider, model.name, model.dimensions)


def _said(error: PrsnlError, model: Model) -> str:
    """What a person who searches is told: nothing of tasks that wait."""
    if error.category is Category.PERMANENT:
        return error.message
    return f"the provider of {model.name} does not answer now."

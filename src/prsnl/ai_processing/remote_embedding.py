"""Vectors by a provider's model; every request goes through the gate."""

from __future__ import annotations

import array
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from prsnl.ai_processing.embedding import Ask, Batch
from prsnl.core.errors import (
    BadRequestError,
    ProviderRejectedError,
    TooLongForModelError,
)
from prsnl.engines.embedding.contract import Embedded, Limits
from prsnl.engines.llm.contract import (
    EmbeddingAnswer,
    NotKnownError,
    estimated_tokens,
)
from prsnl.engines.llm.table import LazyEngine
from prsnl.engines.reach import Reach
from prsnl.items.vectors import ModelName
from prsnl.work.outside import Answered, Gate, Outgoing, Send, Visitor
from prsnl.work.run import TaskRun

#: A text that a model does not take in one piece is tried by half, down to this.
_SHORTEST: Final = 200
_BYTES_OF_A_TOKEN: Final = 4
#: Who searches waits no longer.
_QUERY_S: Final = 5.0

#: Makes one request through the gate.
Call = Callable[[Outgoing, Send[EmbeddingAnswer]], EmbeddingAnswer]


@dataclass(frozen=True)
class _Told:
    """Vectors of some texts, as packed floats."""

    vectors: tuple[bytes, ...]
    tokens: int
    cut: int

    def __add__(self, other: _Told) -> _Told:
        return _Told(
            self.vectors + other.vectors,
            self.tokens + other.tokens,
            self.cut + other.cut,
        )


@dataclass(frozen=True)
class RemoteEmbedder:
    """One model of a provider, one request a batch."""

    gate: Gate
    engine: LazyEngine
    name: ModelName
    limits: Limits
    is_asked_over_network: bool = True

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, so that nothing leaves."""
        return self.engine.access.endpoint(self.name.name).reach is Reach.LOCAL

    @contextmanager
    def opened(self, run: TaskRun) -> Iterator[Ask]:
        """What gives the vectors, one request or more a batch."""
        yield partial(self._embedded, partial(self.gate.call, run))

    def query(self, text: str, visitor: Visitor) -> Embedded:
        """The vector of what somebody looks for, who waits for it.

        Raises:
            PrsnlError: As for `Gate.visit`.
        """

        def call(going: Outgoing, send: Send[EmbeddingAnswer]) -> EmbeddingAnswer:
            return self.gate.visit(visitor, replace(going, timeout_s=_QUERY_S), send)

        return self._embedded(call, Batch(stage="search", number=0, texts=[text]))

    def _embedded(self, call: Call, batch: Batch) -> Embedded:
        most = self.limits.text_tokens * _BYTES_OF_A_TOKEN
        texts = [text[:most] for text in batch.texts]
        told = self._tell(call, batch, texts)
        return Embedded(
            dimensions=self._dimensions(told.vectors),
            vectors=told.vectors,
            tokens=told.tokens,
            cut=told.cut + sum(len(text) > most for text in batch.texts),
        )

    def _tell(self, call: Call, batch: Batch, texts: Sequence[str]) -> _Told:
        """Ask for vectors; what is too long at once by halves, down to half a text."""
        try:
            answer = self._ask(call, batch, texts)
        except TooLongForModelError:
            half = len(texts) // 2
            if half:
                first = self._tell(call, batch, texts[:half])
                return first + self._tell(call, batch, texts[half:])
            (text,) = texts
            if len(text) <= _SHORTEST:
                raise
            told = self._tell(call, batch, [text[: len(text) // 2]])
            return _Told(told.vectors, told.tokens, 1)
        counted = answer.counted.tokens_in
        if counted is None:
            counted = sum(map(estimated_tokens, texts))
        return _Told(tuple(map(_packed, answer.vectors)), counted, 0)

    def _ask(self, call: Call, batch: Batch, texts: Sequence[str]) -> EmbeddingAnswer:
        going = Outgoing(
            endpoint=self.engine.access.endpoint(self.name.name),
            stage=batch.stage,
            unit=batch.number,
            purpose="embedding",
            item_ids=list(batch.item_bytes),
            item_bytes=batch.item_bytes,
            sent_bytes=sum(len(text.encode()) for text in texts),
            tokens_in=sum(map(estimated_tokens, texts)),
        )
        while True:
            try:
                return call(going, partial(self._send, texts))
            except NotKnownError as error:
                if not self.engine.get().learn(self.name.name, error):
                    raise

    def _send(self, texts: Sequence[str], key: str) -> Answered[EmbeddingAnswer]:
        answer = self.engine.get().embed(
            texts, model=self.name.name, key=key, dimensions=self.name.dimensions
        )
        counted = answer.counted
        return Answered(
            value=answer,
            tokens_in=counted.tokens_in,
            tokens_out=0,
            model=counted.model,
            limits=counted.limits,
        )

    def _dimensions(self, vectors: Sequence[bytes]) -> int:
        sizes = {len(vector) // array.array("f").itemsize for vector in vectors}
        wanted = self.name.dimensions
        if len(sizes) > 1 or (wanted is not None and sizes != {wanted}):
            told = " and ".join(map(str, sorted(sizes)))
            raise BadRequestError(
                f"{self.name.name} gives vectors of {told} values, not of "
                f"{wanted or 'one size'}: set PRSNL_EMBEDDING_DIMENSIONS to what it "
                "gives, or unset it, then retry."
            )
        return sizes.pop()


def _packed(values: Sequence[float]) -> bytes:
    """A vector as little-endian float32.

    Raises:
        ProviderRejectedError: It is none: it points nowhere, or has no numbers.
    """
    packed = array.array("f", values)
    length = math.hypot(*packed)
    if not math.isfinite(length) or not length:
        raise ProviderRejectedError(
            "The embedding model gave a vector that points nowhere: see whether "
            "PRSNL_EMBEDDING_MODEL names a model for embeddings."
        )
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()

"""A model that embeds at once, and remembers what it was given."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prsnl.ai_processing.embedding import Ask, Batch
from prsnl.engines.embedding.contract import Embedded, Limits
from prsnl.engines.llm.contract import estimated_tokens
from prsnl.items.vectors import ModelName
from prsnl.work.run import TaskRun

NAME = ModelName("compatible", "fake-embed")
LIMITS = Limits(text_tokens=8192, batch_texts=64, batch_tokens=8192)


@dataclass
class CountingEmbedder:
    """A vector tells of its text's hash alone.

    Attributes:
        given: The texts of each request.
        before: Called with the number of the request, from 1, before it is answered.
    """

    name: ModelName = NAME
    limits: Limits = LIMITS
    dimensions: int = 8
    is_here: bool = True
    is_asked_over_network: bool = False
    given: list[list[str]] = field(default_factory=list)
    before: Callable[[int], None] = lambda _number: None

    @property
    def texts(self) -> list[str]:
        """Every text that was given, one after another."""
        return [text for batch in self.given for text in batch]

    @contextmanager
    def opened(self, run: TaskRun) -> Iterator[Ask]:
        """Answer, and remember."""
        del run
        yield self._embed

    def _embed(self, batch: Batch) -> Embedded:
        self.given.append(list(batch.texts))
        self.before(len(self.given))
        return Embedded(
            dimensions=self.dimensions,
            vectors=[self.vector(text) for text in batch.texts],
            tokens=sum(estimated_tokens(text) for text in batch.texts),
        )

    def vector(self, text: str) -> bytes:
        """The vector of a text."""
        digest = hashlib.sha256(text.encode()).digest()
        values = [byte / 255 for byte in digest[: self.dimensions]]
        return struct.pack(f"<{self.dimensions}f", *values)

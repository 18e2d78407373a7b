"""What makes vectors of texts: what it is asked, and what it gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.engines.llm.contract import estimated_tokens

#: The local model: its name, its vectors' size, and the most tokens that it reads.
MINILM: Final = "all-MiniLM-L6-v2"
MINILM_DIMENSIONS: Final = 384
MINILM_TOKENS: Final = 256


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a model reads of one text, and how much is asked at once.

    Attributes:
        text_tokens: What goes beyond these is not read.
        batch_texts: Texts of one request at most.
        batch_tokens: Tokens of one request at most, as estimated.
    """

    text_tokens: int
    batch_texts: int
    batch_tokens: int


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The vectors of one request.

    Attributes:
        dimensions: Values of each vector.
        vectors: One a text, in their order: little-endian float32.
        tokens: Tokens read, as the engine counts them.
        cut: Texts of which only the beginning was read.
    """

    dimensions: int
    vectors: Sequence[bytes]
    tokens: int
    cut: int = 0


def batches(texts: Iterable[str], limits: Limits) -> list[list[int]]:
    """The places of texts, in their order, as requests that keep the limits.

    A text that is too long for any is a request of its own.
    """
    made: list[list[int]] = []
    room = 0
    for place, text in enumerate(texts):
        size = min(estimated_tokens(text), limits.text_tokens)
        if not made or size > room or len(made[-1]) >= limits.batch_texts:
            made.append([])
            room = limits.batch_tokens
        made[-1].append(place)
        room -= size
    return made

"""How near texts and descriptions are in meaning, where the model is there."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from prsnl.core.errors import UnavailableError
from prsnl.engines.text.chunks import chunks_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    Vectors = NDArray[np.float32]

#: The first passage of a text is among so many characters of it.
_FIRST_WITHIN: Final = 4_000


def model_name() -> str:
    """The name of the model that `vectors` uses."""
    return str(importlib.import_module("prsnl.engines.embedding.minilm").MODEL)


# A warm child is asked for the type and for the category of a text, one after the
# other, and of many texts with the same descriptions.
@lru_cache(maxsize=16)
def vectors(texts: tuple[str, ...]) -> Vectors | None:
    """One vector of length 1 for each text, or None: the model is not installed."""
    try:
        model = importlib.import_module("prsnl.engines.embedding.minilm").loaded()
    except UnavailableError:
        return None
    found: Vectors = model.embed(texts)
    return found


def vector_of(title: str, text: str) -> Vector | None:
    """The vector of a document as a whole; None without a model or a text.

    It is that of the first passage, which tells what a text is, and which the model
    reads for the search in any case; the title is read with it where it is not in it.
    """
    passages = chunks_of([(1, text[:_FIRST_WITHIN])])
    told = passages[0].text if passages else ""
    if title.casefold() not in told.casefold():
        told = f"{title}\n{told}"
    found = vectors((told,)) if told.strip() else None
    return None if found is None else found[0]


def likeness(own: Vector | None, descriptions: Sequence[str]) -> Sequence[float] | None:
    """The cosine of a vector and of each description's; None without a model."""
    described = vectors(tuple(descriptions)) if descriptions else None
    if own is None or described is None:
        return None
    return [float(one) for one in described @ own]

"""How near texts and descriptions are in meaning, where the model is there."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from prsnl.core.errors import UnavailableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

#: More than the model reads of a text.
READ_CHARACTERS: Final = 1_500


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


def likeness(text: str, descriptions: Sequence[str]) -> Sequence[float] | None:
    """The cosine of a text and each description; None without a model or a text."""
    if not text.strip() or not descriptions:
        return None
    of_text = vectors((text[:READ_CHARACTERS],))
    of_descriptions = vectors(tuple(descriptions))
    if of_text is None or of_descriptions is None:
        return None
    return [float(one) for one in of_descriptions @ of_text[0]]

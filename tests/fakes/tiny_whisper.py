"""A Whisper model in CTranslate2's own format, of chance and a few thousand numbers.

It is loaded, asked and timed as a real one is. What it "hears" makes no sense, yet
depends on the sound: other seconds give other words, and the same give the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from ctranslate2.specs import WhisperSpec
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

#: By this token CTranslate2 tells a model of many languages from an English one.
_OF_MANY_LANGUAGES: Final = ""
_TIMESTAMPS: Final = 1_501
_WIDTH: Final = 32
_MELS: Final = 80
_LANGUAGES: Final = ("en", "de", "fr")
#: So many tokens after the prompt it wants to end.
_LENGTH: Final = 9.0
_SYLLABLES: Final = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "su")

Numbers = NDArray[np.float32]


def make(folder: Path, *, seed: int = 1, is_multilingual: bool = True) -> Path:
    """Write the model; the folder is what `PRSNL_SPEECH_MODEL` may name."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = _tokens(is_multilingual=is_multilingual)
    spec = WhisperSpec(1, 2, 1, 2)
    _fill(spec, seed, tokens)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokens.index("<|endoftext|>")]
    spec.config.lang_ids = [tokens.index(f"<|{code}|>") for code in _LANGUAGES]
    spec.config.alignment_heads = [(0, 0), (0, 1)]
    spec.validate()
    spec.save(str(folder))
    _tokenizer(tokens).save(str(folder / "tokenizer.json"))
    told = {"feature_size": _MELS, "sampling_rate": 16_000, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder


def _tokens(*, is_multilingual: bool) -> list[str]:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [f"\u0120{a}{b}" for a in _SYLLABLES for b in _SYLLABLES]
    special = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{code}|>" for code in _LANGUAGES),
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    times = [f"<|{number * 0.02:.2f}|>" for number in range(_TIMESTAMPS)]
    told = [_OF_MANY_LANGUAGES] if is_multilingual else []
    return [*letters, *words, *told, *special, *times]


def _tokenizer(tokens: list[str]) -> Tokenizer:
    vocabulary = {token: number for number, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(
        [AddedToken(token, special=True) for token in tokens if token.startswith("<|")]
    )
    return made


class _Filler:
    """Fills the parts of a model with numbers of chance."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)

    def numbers(self, *shape: int, scale: float = 0.05) -> Numbers:
        return self.chance.normal(0, scale, shape).astype(np.float32)

    def norm(self, layer: Any) -> None:
        layer.gamma = np.ones(_WIDTH, np.float32)
        layer.beta = np.zeros(_WIDTH, np.float32)

    def linear(
        self, layer: Any, rows: int, columns: int, *, scale: float = 0.05
    ) -> None:
        layer.weight = self.numbers(rows, columns, scale=scale)
        layer.bias = np.zeros(rows, np.float32)

    def convolution(self, layer: Any, bands: int) -> None:
        layer.weight = self.numbers(_WIDTH, bands, 3, scale=0.3)
        layer.bias = np.zeros(_WIDTH, np.float32)

    def attention(self, layer: Any) -> None:
        self.norm(layer.layer_norm)
        self.linear(layer.linear[0], 3 * _WIDTH, _WIDTH, scale=0.02)
        self.linear(layer.linear[1], _WIDTH, _WIDTH, scale=0.02)

    def hearing(self, layer: Any) -> None:
        """What the words take from the sound: strong, so that they differ with it."""
        self.norm(layer.layer_norm)
        self.linear(layer.linear[0], _WIDTH, _WIDTH, scale=0.3)
        self.linear(layer.linear[1], 2 * _WIDTH, _WIDTH, scale=0.3)
        self.linear(layer.linear[2], _WIDTH, _WIDTH, scale=0.5)

    def forward(self, layer: Any) -> None:
        self.norm(layer.layer_norm)
        self.linear(layer.linear_0, 4 * _WIDTH, _WIDTH)
        self.linear(layer.linear_1, _WIDTH, 4 * _WIDTH)


def _fill(spec: Any, seed: int, tokens: list[str]) -> None:
    fill = _Filler(seed)
    encoder, decoder = spec.encoder, spec.decoder
    fill.convolution(encoder.conv1, _MELS)
    fill.convolution(encoder.conv2, _WIDTH)
    encoder.position_encodings.encodings = fill.numbers(1500, _WIDTH)
    fill.norm(encoder.layer_norm)
    fill.attention(encoder.layer[0].self_attention)
    fill.forward(encoder.layer[0].ffn)
    places = fill.numbers(448, _WIDTH, scale=0.3)
    places[:, -1] = (np.arange(448) - _LENGTH) * 1.5
    decoder.position_encodings.encodings = places
    decoder.embeddings.weight = fill.numbers(len(tokens), _WIDTH, scale=0.5)
    fill.norm(decoder.layer_norm)
    fill.attention(decoder.layer[0].self_attention)
    fill.hearing(decoder.layer[0].attention)
    fill.forward(decoder.layer[0].ffn)
    words = fill.numbers(len(tokens), _WIDTH, scale=1.0)
    words[:, -1] = 0.0
    _prefer(decoder.projection, words, tokens)


def _prefer(projection: Any, words: Numbers, tokens: list[str]) -> None:
    """Have words come first, times seldom, and the end when it is time for it."""
    bias = np.full(len(tokens), -30.0, np.float32)
    bias[[n for n, token in enumerate(tokens) if len(token) > 1]] = 0.0
    end, first = tokens.index("<|endoftext|>"), tokens.index("<|0.00|>")
    bias[end:] = -30.0
    words[end] = 0.0
    words[end, -1] = 9.0
    bias[end] = -2.0
    words[first:] *= 0.01
    bias[first + 1 :] = -30.0
    bias[first] = -16.0
    for code in _LANGUAGES:
        bias[tokens.index(f"<|{code}|>")] = -20.0
    projection.weight = words
    projection.bias = bias

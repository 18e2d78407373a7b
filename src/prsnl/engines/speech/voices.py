"""What a voice is like, as 256 numbers: the GE2E encoder of resemblyzer, in numpy.

Wan et al., "Generalized end-to-end loss for speaker verification" (2018): forty mel
bands every 10 ms, three LSTM layers over 1.6 s, the last state projected and scaled to
length one. Two stretches of one voice point in nearly the same direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from prsnl.engines.speech import weights
from prsnl.engines.speech.contract import Sound

_RATE_HZ: Final = 16_000
_FFT: Final = 400
_HOP: Final = 160
_MELS: Final = 40
#: Frames of one window: 1.6 seconds.
_FRAMES: Final = 160
WINDOW_S: Final = _FRAMES * _HOP / _RATE_HZ
_LAYERS: Final = 3
_HIDDEN: Final = 256
#: Windows that go through the network at once.
_BATCH: Final = 64
#: The loudness that it was trained with, in dB below full.
_LOUD_DB: Final = -30.0

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class VoiceEncoder:
    """Encodes stretches of speech; safe to use again and again."""

    weights: weights.Weights

    def encode(self, sounds: Sequence[Sound]) -> Numbers:
        """One row for each sound of `WINDOW_S` seconds; a shorter one is padded."""
        rows = [
            self._batch(np.stack([_mel(one) for one in sounds[at : at + _BATCH]]))
            for at in range(0, len(sounds), _BATCH)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, _HIDDEN), np.float32)

    def _batch(self, mels: Numbers) -> Numbers:
        """From (windows, frames, bands) to (windows, numbers)."""
        steps = mels.transpose(1, 0, 2)
        for layer in range(_LAYERS):
            steps = self._layer(layer, steps)
        raw = steps[-1] @ self.weights["linear.weight"].T + self.weights["linear.bias"]
        made = np.maximum(raw, 0.0)
        scale = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
        return np.asarray(made / scale, np.float32)

    def _layer(self, layer: int, steps: Numbers) -> Numbers:
        w_in, w_back, bias = self._layers[layer]
        given = steps @ w_in + bias
        h = np.zeros((steps.shape[1], _HIDDEN), np.float32)
        c = np.zeros_like(h)
        out = np.empty((len(steps), *h.shape), np.float32)
        for place, one in enumerate(given):
            gates = one + h @ w_back
            keep = _sigmoid(gates[:, : 3 * _HIDDEN])
            into, forget = keep[:, :_HIDDEN], keep[:, _HIDDEN : 2 * _HIDDEN]
            new = np.tanh(gates[:, 2 * _HIDDEN : 3 * _HIDDEN])
            c = forget * c + into * new
            h = _sigmoid(gates[:, 3 * _HIDDEN :]) * np.tanh(c)
            out[place] = h
        return out

    @cached_property
    def _layers(self) -> list[tuple[Numbers, Numbers, Numbers]]:
        found = self.weights
        return [
            (
                np.ascontiguousarray(found[f"lstm.weight_ih_l{n}"].T),
                np.ascontiguousarray(found[f"lstm.weight_hh_l{n}"].T),
                found[f"lstm.bias_ih_l{n}"] + found[f"lstm.bias_hh_l{n}"],
            )
            for n in range(_LAYERS)
        ]


@lru_cache(maxsize=1)
def encoder() -> VoiceEncoder:
    """The encoder, loaded once a process.

    Raises:
        UnsupportedError: Its numbers are not installed.
    """
    return VoiceEncoder(weights.read(weights.file()))


def _sigmoid(values: Numbers) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -40, 40))), np.float32)


def _mel(sound: Sound) -> Numbers:
    """Power in each band, for every 10 ms of one window."""
    count = _FRAMES * _HOP
    whole = np.zeros(count, np.float32)
    whole[: min(count, len(sound))] = sound[:count]
    whole = _louder(whole)
    padded = np.pad(whole, _FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][:_FRAMES]
    power = np.abs(np.fft.rfft(frames * _window(), axis=1)) ** 2
    return np.asarray(power @ _bands(), np.float32)


def _louder(sound: Sound) -> Sound:
    """Quiet speech made as loud as what the encoder knows; loud speech as it is."""
    loud_db = 10 * np.log10(float(np.mean(sound.astype(np.float64) ** 2)) + 1e-12)
    if loud_db >= _LOUD_DB:
        return sound
    return np.asarray(sound * 10 ** ((_LOUD_DB - loud_db) / 20), np.float32)


@lru_cache(maxsize=1)
def _window() -> Any:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)).astype(np.float32)


@lru_cache(maxsize=1)
def _bands() -> Any:
    """Triangles on the mel scale of Slaney's toolbox, each of the same area."""
    edges = _hertz(np.linspace(_mels(0.0), _mels(_RATE_HZ / 2), _MELS + 2))
    bins = np.linspace(0, _RATE_HZ / 2, _FFT // 2 + 1)
    below = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    above = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    shape = np.maximum(0.0, np.minimum(below, above))
    return (shape * 2.0 / (edges[2:] - edges[:-2])).astype(np.float32)


#: Linear below 1 kHz, logarithmic above.
_LINEAR_HZ: Final = 200.0 / 3
_BREAK_HZ: Final = 1000.0
_BREAK_MELS: Final = _BREAK_HZ / _LINEAR_HZ
_STEP: Final = np.log(6.4) / 27.0


def _mels(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _LINEAR_HZ
    return float(_BREAK_MELS + np.log(hertz / _BREAK_HZ) / _STEP)


def _hertz(mels: Any) -> Any:
    return np.where(
        mels < _BREAK_MELS,
        mels * _LINEAR_HZ,
        _BREAK_HZ * np.exp(_STEP * (mels - _BREAK_MELS)),
    )

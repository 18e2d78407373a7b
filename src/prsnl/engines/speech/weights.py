"""The numbers of the voice encoder that resemblyzer's wheel holds, without torch.

The file is torch's older format: five pickles in a row, then for each storage a count
and that many floats. Only what describes a tensor is unpickled; any other name in the
file is refused, so that nothing in it can run.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from prsnl.core.errors import CorruptError, UnsupportedError

Weights = dict[str, NDArray[np.float32]]

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_COUNT_BYTES: Final = 8


@dataclass(frozen=True)
class _Tensor:
    storage: str
    offset: int
    shape: tuple[int, ...]


def file() -> Path:
    """Where the wheel keeps the numbers; the package itself is never imported.

    Raises:
        UnsupportedError: The wheel is not installed.
    """
    spec = find_spec("resemblyzer")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(place, "pretrained.pt")
        if found.is_file():
            return found
    raise UnsupportedError(
        "Speakers cannot be told apart here: the package resemblyzer of the "
        "requirements is not installed."
    )


def read(path: Path) -> Weights:
    """The tensors of `model_state`, by name.

    Raises:
        CorruptError: The file is no such file.
    """
    try:
        with path.open("rb") as opened:
            return _read(opened)
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
        raise CorruptError(
            f"{path.name} holds no numbers of a voice encoder: install the package "
            "resemblyzer anew."
        ) from error


def _read(opened: BinaryIO) -> Weights:
    if _Tensors(opened).load() != _MAGIC:
        raise pickle.UnpicklingError("not torch's format")
    _Tensors(opened).load()
    _Tensors(opened).load()
    tensors: dict[str, _Tensor] = _Tensors(opened).load()["model_state"]
    storages = {key: _storage(opened) for key in _Tensors(opened).load()}
    return {
        name: storages[one.storage][one.offset :][: int(np.prod(one.shape))].reshape(
            one.shape
        )
        for name, one in tensors.items()
    }


def _storage(opened: BinaryIO) -> NDArray[np.float32]:
    count = int.from_bytes(opened.read(_COUNT_BYTES), "little")
    return np.frombuffer(opened.read(count * 4), dtype="<f4", count=count)


class _Tensors(pickle.Unpickler):
    """Knows what a tensor is made of, and nothing else."""

    def find_class(self, module: str, name: str, /) -> Callable[..., Any]:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch", "FloatStorage"): str,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return known[module, name]

    def persistent_load(self, pid: Any, /) -> str:
        return str(pid[2])  # after "storage" and the type; device and count follow


def _tensor(storage: str, offset: int, shape: tuple[int, ...], *_more: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape))

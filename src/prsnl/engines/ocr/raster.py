"""Pages as grey pictures, whatever kind of file holds them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeAlias

from prsnl.engines import images
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.ocr.pages import Source

Opener: TypeAlias = Callable[[ChildFiles, JsonObject], AbstractContextManager[Source]]

#: Kind -> the module whose `source` opens such a file.
_SOURCES: Final = {
    "pdf": "prsnl.engines.pdf.raster",
    **dict.fromkeys(images.KINDS, "prsnl.engines.images.decode"),
}


@contextmanager
def opened(files: ChildFiles, params: JsonObject) -> Iterator[Source]:
    """A file that shows its pages, as long as the block runs."""
    module = importlib.import_module(_SOURCES[str(params["kind"])])
    opener: Opener = module.source
    with opener(files, params) as source:
        yield source

"""What a sandbox child does for the harness."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prsnl.engines.contracts import ChildFiles, JsonObject


def hold(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Be there for so many milliseconds."""
    del files
    time.sleep(float(params["milliseconds"]) / 1e3)
    yield {"held": True}

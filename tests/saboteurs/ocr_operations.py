"""OCR that misbehaves as the page's own text tells it to."""

# ruff: noqa: ARG001 (an operation takes two arguments, also where it needs none)
from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

from prsnl.core.errors import CorruptError
from prsnl.engines.contracts import ChildFiles, JsonObject, PageStatus, PageText

#: More than a child may have.
_TOO_MUCH = 2**33


def recognize(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Read a page, or do what it says."""
    page = PageText.model_validate(params["page"])
    what = page.text
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "crash once" and params["engine"] == "quick":
        os.abort()
    elif what == "hang":
        time.sleep(600)
    elif what == "memory":
        bytearray(_TOO_MUCH)
    elif what == "corrupt":
        raise CorruptError("Page 1 is damaged.")
    elif what == "bug":
        raise ZeroDivisionError
    elif what == "slow":
        time.sleep(0.3)
    if what == "garbage":
        yield {"number": "none"}
        return
    made = page.model_copy(
        update={
            "status": PageStatus.OK,
            "need": None,
            "text": f"read by {params['engine']} in {os.getpid()}",
        }
    )
    yield made.model_dump(mode="json")

"""A reader of PDFs that does on a page what the page's text says."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from prsnl.engines import documents
from prsnl.engines.sandbox.child import Files


def read(files: Files, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Read as the product does, until a page says something else."""
    is_alone = None
    for frame in documents.read(files, params):
        if "page_count" in frame:
            skipped = len(params.get("skip_pages") or ())
            is_alone = frame["page_count"] - skipped == 1
        else:
            _obey(frame["text"], is_alone=bool(is_alone))
        yield frame


def _obey(text: str, *, is_alone: bool) -> None:
    if ("crash in company" in text and not is_alone) or "crash always" in text:
        os.kill(os.getpid(), signal.SIGSEGV)
    elif "hang" in text:
        time.sleep(3600)
    elif "devour" in text:
        bytearray(2**34)
    elif "stumble" in text:
        raise ValueError

"""Plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prsnl.core.errors import CorruptError
from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.decoding import charset
from prsnl.engines.documents.parts import blocks_of, document

ENGINE: Final = "plain text"


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the document in parts that end at paragraphs.

    Raises:
        CorruptError: The bytes are no text.
    """
    data = (files.inputs / params["path"]).read_bytes()
    encoding = charset(data)
    if encoding is None:
        raise CorruptError("The file is no text: it holds bytes that no text has.")
    yield from document(
        blocks_of(tidy(data.decode(encoding, errors="replace"))),
        metadata={"encoding": encoding},
        engine=ENGINE,
        reason="the file is text",
        skip_parts=params.get("skip_pages") or (),
    )

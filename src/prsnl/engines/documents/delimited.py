"""CSV and its kin: a table in a text, whatever divides its cells."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Final

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.cleaning import without_controls
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents.decoding import charset
from prsnl.engines.documents.sheets import Sheet, workbook

ENGINE: Final = "csv"
_DELIMITERS: Final = ",;\t|"
_SAMPLE_LINES: Final = 50
_SAMPLE_CHARACTERS: Final = 64 * 1024
#: At least so many lines have the same number of cells, or it is a plain text.
_ALIKE_MIN: Final = 0.8


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the table in pages; each one's Markdown begins with the head.

    Raises:
        CorruptError: The bytes are no text.
        TooLargeError: It is larger than a table that is read.
    """
    path = files.inputs / params["path"]
    if path.stat().st_size > limits.TABLE_BYTES:
        raise TooLargeError(
            f"A table of more than {limits.TABLE_BYTES // limits.MIB} MiB is not read: "
            "divide the file, and process its parts."
        )
    data = path.read_bytes()
    encoding = charset(data)
    if encoding is None:
        raise CorruptError("The file is no table: it holds bytes that no text has.")
    text = without_controls(data.decode(encoding, errors="replace"))
    del data
    yield from workbook(
        [Sheet(name="", rows=_rows(text, delimiter(text) or ","))],
        metadata={"encoding": encoding},
        engine=ENGINE,
        reason="the file is a table (CSV)",
        skip_parts=params.get("skip_pages") or (),
    )


def delimiter(text: str) -> str | None:
    """What divides the cells of a table; None for what is no table."""
    sample = text[:_SAMPLE_CHARACTERS]
    whole_lines = sample.rpartition("\n")[0] if len(sample) < len(text) else sample
    best, most = None, 1
    for candidate in _DELIMITERS:
        widths: Counter[int] = Counter()
        for row in _rows(whole_lines, candidate):
            if any(row):
                widths[len(row)] += 1
            if widths.total() >= _SAMPLE_LINES:
                break
        if not widths or widths.total() < 2:  # noqa: PLR2004 - one line is a sentence
            continue
        width, count = widths.most_common(1)[0]
        if width > most and count >= _ALIKE_MIN * widths.total():
            best, most = candidate, width
    return best


def _rows(text: str, divider: str) -> Iterator[list[str]]:
    csv.field_size_limit(limits.TEXT_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CorruptError(
                f"The table is damaged near line {reader.line_num}: its cells cannot "
                "be told apart."
            ) from error

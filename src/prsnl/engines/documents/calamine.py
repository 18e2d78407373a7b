"""XLSB, by calamine: the only module that knows it."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

import python_calamine as calamine

from prsnl.core.errors import CorruptError, EncryptedError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents import LOCKED
from prsnl.engines.documents.number_formats import general
from prsnl.engines.documents.package import check_directory
from prsnl.engines.documents.sheets import Sheet, workbook

ENGINE: Final = f"calamine {version('python-calamine')}"
_MINUTE_S: Final = 60
# Records of a binary workbook.
_ROW, _LAST_CELL = 0, 11


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the workbook; a formula is its last result.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: It is damaged.
        TooLargeError: A sheet spans more cells than are read.
    """
    path = files.inputs / params["path"]
    _check_grids(path)
    with _named_errors(), calamine.CalamineWorkbook.from_path(str(path)) as book:
        yield from workbook(
            _sheets(book),
            metadata={},
            engine=ENGINE,
            reason="the file is XLSB",
            skip_parts=params.get("skip_pages") or (),
        )


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except calamine.PasswordError as error:
        raise EncryptedError(LOCKED) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise _damaged() from error
    except BaseException as error:
        # A panic of the library, which has no name that could be imported.
        if type(error).__name__ == "PanicException":
            raise _damaged() from error
        raise


def _damaged() -> CorruptError:
    return CorruptError("The workbook is damaged: its sheets cannot be read.")


def _sheets(book: calamine.CalamineWorkbook) -> Iterator[Sheet]:
    for told in book.sheets_metadata:
        if told.typ is calamine.SheetTypeEnum.WorkSheet:
            yield Sheet(
                name=told.name,
                rows=_rows(book, told.name),
                is_hidden=told.visible is not calamine.SheetVisibleEnum.Visible,
            )


def _rows(book: calamine.CalamineWorkbook, name: str) -> Iterator[Sequence[str]]:
    for row in book.get_sheet_by_name(name).to_python(skip_empty_area=True):
        yield [_shown(value) for value in row]


def _shown(value: object) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float() | int():
            return general(float(value))
        case datetime():
            is_day = value.time() == time()
            return str(value.date()) if is_day else value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), _MINUTE_S)
            return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        case _:
            return str(value)


def _check_grids(path: Path) -> None:
    """Refuse a sheet whose two far corners would be laid out as a grid.

    Raises:
        CorruptError: The archive is damaged.
        TooLargeError: It spans more cells than are read.
    """
    try:
        with path.open("rb") as file:
            check_directory(file)
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if "worksheets/sheet" not in entry.filename:
                    continue
                if entry.file_size > limits.PACKAGE_XML_BYTES:
                    raise _too_wide()
                _check_grid(archive.read(entry))
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise _damaged() from error


def _check_grid(data: bytes) -> None:
    place = rows = columns = 0
    while place < len(data):
        kind, place = _varying(data, place, 2)
        size, place = _varying(data, place, 4)
        if kind == _ROW and size >= 4:  # noqa: PLR2004
            rows = max(rows, struct.unpack_from("<I", data, place)[0] + 1)
        elif 0 < kind <= _LAST_CELL and size >= 4:  # noqa: PLR2004
            columns = max(columns, struct.unpack_from("<I", data, place)[0] + 1)
        place += size
    if rows * columns > limits.SHEET_GRID_CELLS:
        raise _too_wide()


def _varying(data: bytes, place: int, longest: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    value = 0
    for number in range(longest):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << (7 * number)
        if not byte & 0x80:
            break
    return value, place


def _too_wide() -> TooLargeError:
    return TooLargeError(
        "A sheet of the workbook spans more than "
        f"{limits.SHEET_GRID_CELLS} cells, empty ones too: save it as XLSX, which is "
        "read cell by cell."
    )

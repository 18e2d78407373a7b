"""XLSX, XLS, ODS and CSV: cells as a person sees them, a sheet a page."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, EncryptedError, TooLargeError
from prsnl.engines.documents.number_formats import shown
from tests.fakes.office_files import odf_file, relations, xlsx_file, zip_file
from tests.fakes.ole_files import ole_file, xls_file
from tests.unit.engines.documents.reading import markdown_of, read, text_of

STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="#,##0.00\\ [$€-407]"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="10"/>'
    '<xf numFmtId="164"/></cellXfs>'
)


def cell(value: str, *, at: str = "", kind: str = "n", style: int = 0) -> str:
    place = f'r="{at}"' if at else ""
    return f'<c {place} t="{kind}" s="{style}"><v>{value}</v></c>'


@pytest.mark.parametrize(
    ("value", "code", "said"),
    [
        (1.0, "General", "1"),
        (0.1 + 0.2, "General", "0.3"),
        (1e21, "General", "1e+21"),
        (1234.5, "#,##0.00", "1,234.50"),
        (-1234.5, "#,##0.00", "-1,234.50"),
        (-5.0, "0.00;(0.00)", "(5.00)"),
        (0.0, '0;-0;"none"', "none"),
        (0.125, "0.0%", "12.5%"),
        (940.0, '#,##0.00\\ "EUR"', "940.00 EUR"),
        (940.0, "[$€-407] #,##0.00", "€ 940.00"),
        (1.5, "0.###", "1.5"),
        (45424.0, "dd.mm.yyyy", "2024-05-12"),
        (45424.75, "m/d/yy h:mm", "2024-05-12 18:00"),
        (0.75, "h:mm:ss", "18:00:00"),
        (1.5, "[h]:mm", "36:00"),
        (60.0, "yyyy-mm-dd", "1900-02-28"),
        (-1.0, "yyyy-mm-dd", "-1"),
        (12.0, "[Red]0", "12"),
        (3.0, '0 "days"', "3 days"),
        (float("inf"), "0", "inf"),
    ],
)
def test_a_number_is_shown_as_its_format_says(
    value: float, code: str, said: str
) -> None:
    assert shown(value, code) == said


def test_dates_of_an_old_macintosh_count_from_1904() -> None:
    assert shown(0.0, "yyyy-mm-dd", from_1904=True) == "1904-01-01"


def test_cells_of_every_type_are_shown(tmp_path: Path) -> None:
    rows = (
        f"<row>{cell('0', kind='s')}{cell('1', kind='s')}</row>"
        f"<row>{cell('45424', style=1)}{cell('0.5', style=2)}"
        f"{cell('1234.5', style=3)}{cell('1', kind='b')}</row>"
        f'<row><c t="str"><f>A1&amp;"x"</f><v>told &amp; kept</v></c>'
        f'{cell("#DIV/0!", kind="e")}<c t="inlineStr"><is><t>in _x0041_ line</t></is>'
        "</c></row>"
    )
    data = xlsx_file({"Plan": rows}, strings=["a|b", "😀 &lt;c&gt;"], styles=STYLES)

    assert markdown_of(tmp_path, "xlsx", data) == (
        "## Plan\n\n| a\\|b | 😀 <c> |  |  |\n| --- | --- | --- | --- |\n"
        "| 2024-05-12 | 50.00% | 1,234.50 € | TRUE |\n"
        "| told & kept | #DIV/0! | in A line |  |"
    )


def test_sheets_are_pages_and_hidden_ones_are_named(tmp_path: Path) -> None:
    sheets = {name: f"<row>{cell(name)}</row>" for name in ("1", "2")}

    info, parts = read(tmp_path, "xlsx", xlsx_file(sheets, hidden=["2"]))

    assert [part.text for part in parts] == ["1\n\n1", "2\n\n2"]
    assert info.warnings == ("The sheet '2' is hidden; it was read, too.",)


def test_a_cell_far_away_costs_nothing(tmp_path: Path) -> None:
    """A grid of all cells between would have 17 thousand million."""
    rows = f"<row>{cell('1', at='A1')}</row><row>{cell('2', at='XFD1048576')}</row>"

    text = text_of(tmp_path, "xlsx", xlsx_file({"s": rows}))

    assert text.split() == ["s", "1", "2"]


def test_comments_and_text_boxes_follow_their_sheet(tmp_path: Path) -> None:
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations(("comments", "../c.xml")),
        "xl/c.xml": '<comments><commentList><comment ref="A1"><text><r><t>Check</t>'
        "</r></text></comment></commentList></comments>",
    }

    data = xlsx_file({"s": f"<row>{cell('1')}</row>"}, parts=parts)

    assert text_of(tmp_path, "xlsx", data) == "s\n\n1\n\nA1: Check"


def test_a_long_sheet_is_cut_between_rows_and_says_its_head_again(
    tmp_path: Path,
) -> None:
    lines = ["Name,Number", *(f"name {n},{n}" for n in range(9000))]

    _, parts = read(tmp_path, "csv", "\n".join(lines).encode())

    assert len(parts) > 2
    assert parts[1].markdown is not None
    assert parts[1].markdown.startswith("| Name | Number |\n| --- | --- |\n| name")
    rows = "\n".join(part.text for part in parts).replace("\n\n", "\n").splitlines()
    assert rows == [line.replace(",", "\t") for line in lines]


def test_an_xls_is_read(tmp_path: Path) -> None:
    data = xls_file([["Name", "Wert €"], ["a & b", 1.5], ["c", 2.0]], name="Blatt")

    assert text_of(tmp_path, "xls", data) == "Blatt\n\nName\tWert €\na & b\t1.5\nc\t2"


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def test_an_xls_shows_cells_of_every_type_as_their_formats_say(tmp_path: Path) -> None:
    """Also texts that are cut between two records, where wide letters turn narrow."""
    begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    end = record(0x0A, b"")
    strings = (
        record(0xFC, struct.pack("<IIHB", 2, 2, 6, 1) + "Grü".encode("utf-16-le"))
        + record(0x3C, b"\0" + b"\xdfe!" + struct.pack("<HBH", 4, 8, 1) + b"ri")
        + record(0x3C, b"\0" + b"ch" + bytes(4))
    )
    code = b"0.0%"
    shared = (
        record(0x41E, struct.pack("<HHB", 164, len(code), 0) + code)
        + b"".join(record(0xE0, struct.pack("<HH16x", 0, n)) for n in (0, 164, 14))
        + strings
    )

    def sheets(place: int) -> bytes:
        return record(0x85, struct.pack("<IBBBB", place, 1, 0, 1, 0) + b"S") + shared

    def cell(kind: int, row: int, column: int, style: int, body: bytes) -> bytes:
        return record(kind, struct.pack("<HHH", row, column, style) + body)

    said = struct.pack("<B5xH", 0, 0xFFFF) + bytes(8)
    day, hundredths = (2, 45424 << 2 | 2), (0, 150 << 2 | 3)
    cells = (
        cell(0xFD, 0, 0, 0, struct.pack("<I", 0))
        + cell(0xFD, 0, 2, 0, struct.pack("<I", 1))
        + cell(0x203, 1, 0, 1, struct.pack("<d", 0.125))
        + record(0xBD, struct.pack("<HHHIHIH", 1, 1, *day, *hundredths, 2))
        + cell(0x06, 2, 0, 0, said)
        + record(0x207, struct.pack("<HB", 4, 0) + b"told")
        + cell(0x06, 2, 1, 0, struct.pack("<d", 7.0) + bytes(8))
        + cell(0x205, 2, 2, 0, b"\1\0")
        + cell(0x205, 2, 3, 0, b"\x07\1")
    )
    head = begin + sheets(0) + end
    data = begin + sheets(len(head)) + end + begin + cells + end

    info, parts = read(tmp_path, "xls", ole_file({"Workbook": data.ljust(4096, b"\0")}))

    assert parts[0].text == (
        "S\n\nGrüße!\t\trich\n12.5%\t2024-05-12\t1.5\ntold\t7\tTRUE\t#DIV/0!"
    )
    assert info.warnings == ("The sheet 'S' is hidden; it was read, too.",)


def test_an_xls_under_a_password_is_named(tmp_path: Path) -> None:
    begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    data = begin + record(0x2F, bytes(6)) + record(0x0A, b"")

    with pytest.raises(EncryptedError, match="password"):
        read(tmp_path, "xls", ole_file({"Workbook": data.ljust(4096, b"\0")}))


def test_a_binary_workbook_that_spans_a_grid_without_end_is_refused(
    tmp_path: Path,
) -> None:
    """Its library lays out every cell between two far corners."""
    row = bytes([0, 4]) + struct.pack("<I", 2**20 - 1)
    cell = bytes([1, 8]) + struct.pack("<II", 2**14 - 1, 0)
    data = zip_file({"xl/workbook.bin": "", "xl/worksheets/sheet1.bin": row + cell})

    with pytest.raises(TooLargeError, match="spans"):
        read(tmp_path, "xlsb", data)


def test_a_binary_workbook_that_is_damaged_is_corrupt(tmp_path: Path) -> None:
    for data in (b"PK", zip_file({"xl/workbook.bin": b"\x01\x02\x03"})):
        with pytest.raises(CorruptError):
            read(tmp_path, "xlsb", data)


@pytest.mark.parametrize("cut", [700, 3000])
def test_an_xls_that_is_cut_off_is_corrupt(tmp_path: Path, cut: int) -> None:
    with pytest.raises(CorruptError):
        read(tmp_path, "xls", xls_file([["a", 1.0]])[:cut])


def test_an_ods_says_what_its_cells_show(tmp_path: Path) -> None:
    body = (
        '<table:table table:name="Tab &amp; le"><table:table-row>'
        '<table:table-cell office:value="0.5"><text:p>50,00 %</text:p>'
        "<office:annotation><text:p>why</text:p></office:annotation></table:table-cell>"
        '<table:table-cell table:number-columns-repeated="2"/>'
        "<table:table-cell><text:p>x</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        "</table:table>"
    )

    text = text_of(tmp_path, "ods", odf_file("spreadsheet", body))

    assert text.startswith("Tab & le\n\n50,00 %")
    assert text.split("\n\n")[1].split("\t") == ["50,00 %", "", "", "x"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a;b\n1;"x;y"\n', [["a", "b"], ["1", "x;y"]]),
        ("a\tb\n1\t2\n", [["a", "b"], ["1", "2"]]),
        ('a,b\n"two\nlines","say ""hi"""\n', [["a", "b"], ["two lines", 'say "hi"']]),
        ("a,b\r\n1,2\r\n\r\n3,4\r\n", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("שם,😀\nא,ב\n", [["שם", "😀"], ["א", "ב"]]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_is_a_table_whatever_divides_it(
    tmp_path: Path, text: str, rows: list[list[str]], encoding: str
) -> None:
    said = text_of(tmp_path, "csv", text.encode(encoding))

    assert [line.split("\t") for line in said.splitlines()] == rows


def test_a_million_columns_are_read_without_a_grid(tmp_path: Path) -> None:
    data = b",".join(b"%d" % n for n in range(1_000_000)) + b"\n" + b"1,2\n" * 1000

    _, parts = read(tmp_path, "csv", data)

    assert sum(len(part.text) for part in parts) < 2 * len(data)
    assert all(len(part.markdown or "") < 2 * len(data) for part in parts)
